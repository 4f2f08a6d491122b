"""A figure's file, and the JSON beside it: what the figure shows and the runs behind it.

One sidecar serves the files of one name, `a.png`, `a.pdf` and `a.svg`, as long as they show the same.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson

from utils.core.errors import BadInput, unwritable_out
from utils.files.atomic import write_atomically
from utils.files.json_diff import first_difference
from utils.files.json_text import encode_json, read_json
from utils.plot_utils import FORMATS, Plot, encode


def check_place(path: Path) -> None:
    """Raises BadInput for what cannot be drawn or written there, or where the sidecar would replace a foreign file."""
    if path.suffix[1:] not in FORMATS:
        raise BadInput(f"--out: found '{path}'; allowed: a name that ends in {', '.join('.' + f for f in FORMATS)}")
    beside = path.with_suffix(".json")
    try:
        foreign = beside.exists() and not _is_sidecar(read_json(beside))
    except OSError as error:
        raise unwritable_out(path, error) from error
    if foreign:
        raise BadInput(f"--out: '{path}' would replace {beside}, which no figure left; allowed: another name")


def _is_sidecar(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("figure"), dict) and "experiments" in content


def write(plot: Plot, path: Path) -> None:
    """Draw the figure, and write it and its sidecar.  Raises BadInput if they cannot be written."""
    figure = encode(plot, path.suffix[1:])
    beside = path.with_suffix(".json")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        known = read_json(beside) if beside.exists() else {}
        same = _difference(known, plot.facts) is None
        figures = (known["figure"] if same else {}) | {path.name: _sha256(figure)}
        write_atomically(path, figure)
        write_atomically(beside, encode_json({"figure": dict(sorted(figures.items())), **plot.facts}))
    except OSError as error:
        raise unwritable_out(path, error) from error


def staleness(plot: Plot, path: Path) -> str | None:
    """Why the figure at a path is not the one that would be drawn now; None if it is.  Raises BadInput."""
    beside = path.with_suffix(".json")
    for file in (path, beside):
        if not file.is_file():
            return f"there is no file {file}"
    known = read_json(beside)
    difference = _difference(known, plot.facts)
    if difference is not None:
        return f"what it shows is not what the data say now: {difference}"
    if known["figure"].get(path.name) != _sha256(path.read_bytes()):
        return f"the file is not the one that {beside.name} describes"
    return None


def _difference(known: Any, facts: dict[str, Any]) -> str | None:
    """The first key in which a sidecar differs from facts, and what each says."""
    if not _is_sidecar(known):
        return "no figure left the file beside it"
    return first_difference(
        {key: value for key, value in known.items() if key != "figure"}, orjson.loads(encode_json(facts))
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
