"""The arrays that a result names: in which file they stand, and whether that file holds them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from typing import Any

from utils.errors import BadInput


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
