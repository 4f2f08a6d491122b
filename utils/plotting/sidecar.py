"""A figure's file and its sidecar: a JSON file with what the figure shows and the runs behind it.

Figures that differ only in their format, `a.png`, `a.pdf` and `a.svg`, share a sidecar while they show the same.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson

from utils.core.errors import BadInput, unwritable_out
from utils.files.json_diff import first_difference
from utils.files.json_text import encode_json, read_json
from utils.files.overwrite import check_replaceable, write_out
from utils.plot_utils import FORMATS, Plot, encode_figure


def check_figure_path(path: Path) -> None:
    """Check that a figure can be written to a path.

    Raises BadInput for an unknown format, or if the sidecar would replace a file that is not a sidecar.
    """
    if path.suffix[1:] not in FORMATS:
        raise BadInput(f"--out: found '{path}'; allowed: a name that ends in {', '.join('.' + f for f in FORMATS)}")
    try:
        check_replaceable(_sidecar_path(path), lambda file: _is_sidecar(read_json(file)), "--out", "a figure's sidecar")
    except OSError as error:
        raise unwritable_out(path, error) from error


def _sidecar_path(figure: Path) -> Path:
    return figure.with_suffix(".json")


def _is_sidecar(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("figure"), dict) and "experiments" in content


def write_figure(plot: Plot, path: Path) -> None:
    """Draw a figure and write it and its sidecar.  Raises BadInput if they cannot be written."""
    figure = encode_figure(plot, path.suffix[1:])
    sidecar = _sidecar_path(path)
    try:
        known = read_json(sidecar) if sidecar.exists() else {}
    except OSError as error:
        raise unwritable_out(path, error) from error
    same = _find_difference(known, plot.sidecar) is None
    figures = (known["figure"] if same else {}) | {path.name: _sha256(figure)}
    write_out(path, figure)
    write_out(sidecar, encode_json({"figure": dict(sorted(figures.items())), **plot.sidecar}))


def describe_staleness(plot: Plot, path: Path) -> str | None:
    """Return why the figure at a path would not be drawn the same now; None if it is current.  Raises BadInput."""
    sidecar = _sidecar_path(path)
    for file in (path, sidecar):
        if not file.is_file():
            return f"there is no file {file}"
    known = read_json(sidecar)
    difference = _find_difference(known, plot.sidecar)
    if difference is not None:
        return f"it does not show the present data: {difference}"
    if known["figure"].get(path.name) != _sha256(path.read_bytes()):
        return f"the file is not the one described in {sidecar.name}"
    return None


def _find_difference(known: Any, wanted: dict[str, Any]) -> str | None:
    """Return the first difference between the content of a sidecar and the wanted content, without figures' hashes."""
    if not _is_sidecar(known):
        return "the JSON file next to it is not a figure's sidecar"
    found = {key: value for key, value in known.items() if key != "figure"}
    return first_difference(found, orjson.loads(encode_json(wanted)))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
