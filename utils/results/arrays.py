"""The arrays that a result names: in which file they stand, whether it holds them, and what they are."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from utils.core.errors import BadInput
from utils.files.archive import read_file


def named_arrays(run: dict[str, Any]) -> dict[str, list[str]]:
    """For each file of arrays that the run names, the arrays it should hold.

    Raises BadInput for a name that is not that of a .npz in the result's own directory.
    """
    files: dict[str, list[str]] = {}
    for key, part in run.items():
        if not isinstance(part, dict) or "file" not in part:
            continue
        name = part["file"]
        if not isinstance(name, str) or "/" in name or name.startswith(".") or not name.endswith(".npz"):
            raise BadInput(f"key '{key}.file': found {name!r}; allowed: the name of a .npz beside the result")
        files.setdefault(name, []).extend(map(str, part.get("arrays", ())))
    return files


def why_not_whole(content: bytes, arrays: Iterable[str]) -> str | None:
    """What is wrong with a .npz that should hold some arrays; None: nothing, every checksum in it being right."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            damaged = file.testzip()
            missing = sorted({f"{name}.npy" for name in arrays} - set(file.namelist()))
    except zipfile.BadZipFile as error:
        return str(error)
    if damaged or missing:
        return f"{damaged} is damaged" if damaged else f"it lacks {missing[0]}"
    return None


def read_arrays(path: Path, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Those named, or all, of a file or, where it is archived, from there.

    Raises BadInput for a file, or an array in it, that is not there or is damaged.
    """
    try:
        with np.load(io.BytesIO(read_file(path)), allow_pickle=False) as stored:
            return {name: stored[name] for name in (stored.files if names is None else names)}
    except Exception as error:  # A damaged archive has zipfile, zlib and numpy raise nearly anything.
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise BadInput(f"{path}: its arrays cannot be read ({reason})") from error
