"""What can befall files, as hypothesis draws it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.faults.odd import change_one_place, written


@st.composite
def damages(draw: st.DrawFn, paths: list[Path]) -> list[Path]:
    """One or two of the files are damaged when this is drawn. Returns which."""
    chosen = draw(st.lists(st.sampled_from(paths), min_size=1, max_size=2, unique=True))
    for path in chosen:
        kinds = [_cut, _flip, _overwrite, _empty, _remove, _become_a_folder]
        kinds += [_edit] * 6 if path.suffix == ".json" else []
        draw(st.sampled_from(kinds))(draw, path)
    return chosen


def _cut(draw: st.DrawFn, path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: draw(st.integers(0, len(content) - 1))])


def _flip(draw: st.DrawFn, path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[draw(st.integers(0, len(content) - 1))] ^= 1 << draw(st.integers(0, 7))
    path.write_bytes(content)


def _overwrite(draw: st.DrawFn, path: Path) -> None:
    path.write_bytes(draw(st.binary(max_size=200)))


def _empty(_draw: st.DrawFn, path: Path) -> None:
    path.write_bytes(b"")


def _remove(_draw: st.DrawFn, path: Path) -> None:
    path.unlink()


def _become_a_folder(_draw: st.DrawFn, path: Path) -> None:
    path.unlink()
    path.mkdir()


def _edit(draw: st.DrawFn, path: Path) -> None:
    """JSON still, with something else at a place."""
    tree: Any = json.loads(path.read_bytes())
    change_one_place(draw, tree)
    path.write_bytes(written(tree))
