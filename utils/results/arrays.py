"""The arrays that a result names: their file, whether it is complete, and their values."""

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
    """Return, for each file of arrays that a run names, the arrays that it must contain.

    Raises BadInput for a name that is not a .npz in the result's own directory.
    """
    files: dict[str, list[str]] = {}
    for key, part in run.items():
        if not isinstance(part, dict) or "file" not in part:
            continue
        name = part["file"]
        if not isinstance(name, str) or "/" in name or name.startswith(".") or not name.endswith(".npz"):
            raise BadInput(f"key '{key}.file': found {name!r}; allowed: the name of a .npz in the result's directory")
        files.setdefault(name, []).extend(map(str, part.get("arrays", ())))
    return files


def find_array_flaw(content: bytes, arrays: Iterable[str]) -> str | None:
    """Return what is wrong with the content of a .npz that must contain these arrays; None if nothing is."""
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
    """Read the named arrays of a .npz, or all of them, from its file or from its directory's archive.

    Raises BadInput if the file, or an array in it, is missing or damaged.
    """
    try:
        with np.load(io.BytesIO(read_file(path)), allow_pickle=False) as stored:
            return {name: stored[name] for name in (stored.files if names is None else names)}
    except Exception as error:  # zipfile, zlib and numpy raise nearly anything for a damaged file.
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise BadInput(f"{path}: its arrays cannot be read ({reason})") from error
