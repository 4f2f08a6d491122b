"""Arrays that stand in a .npz file beside a result."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from utils.errors import BadInput


def read_arrays(path: Path, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Those named, or all.  Raises BadInput for a file, or an array in it, that is not there or is damaged."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in (stored.files if names is None else names)}
    except Exception as error:  # A damaged archive has zipfile, zlib and numpy raise nearly anything.
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise BadInput(f"{path}: its arrays cannot be read ({reason})") from error
