"""Hypothesis strategy that damages files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.faults.odd_configurations import encode_tree, mutate_tree


@st.composite
def damaged_paths(draw: st.DrawFn, paths: list[Path]) -> list[Path]:
    """Damage one or two of the files when drawn, and return their paths."""
    chosen = draw(st.lists(st.sampled_from(paths), min_size=1, max_size=2, unique=True))
    for path in chosen:
        kinds = [_truncate, _flip_bit, _overwrite, _empty, _remove, _replace_by_folder]
        kinds += [_edit] * 6 if path.suffix == ".json" else []
        draw(st.sampled_from(kinds))(draw, path)
    return chosen


def _truncate(draw: st.DrawFn, path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: draw(st.integers(0, len(content) - 1))])


def _flip_bit(draw: st.DrawFn, path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[draw(st.integers(0, len(content) - 1))] ^= 1 << draw(st.integers(0, 7))
    path.write_bytes(content)


def _overwrite(draw: st.DrawFn, path: Path) -> None:
    path.write_bytes(draw(st.binary(max_size=200)))


def _empty(_draw: st.DrawFn, path: Path) -> None:
    path.write_bytes(b"")


def _remove(_draw: st.DrawFn, path: Path) -> None:
    path.unlink()


def _replace_by_folder(_draw: st.DrawFn, path: Path) -> None:
    path.unlink()
    path.mkdir()


def _edit(draw: st.DrawFn, path: Path) -> None:
    """Change one value; the file remains JSON."""
    tree: Any = json.loads(path.read_bytes())
    mutate_tree(draw, tree)
    path.write_bytes(encode_tree(tree))
