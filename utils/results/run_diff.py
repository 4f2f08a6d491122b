"""Whether two results hold the same run, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from utils.core.errors import BadInput
from utils.results.arrays import read_arrays
from utils.results.provenance_diff import Origin, unlike_environments
from utils.results.schema import essence, only_run, read_tree


def content(path: Path) -> dict[str, Any]:
    """Everything a result says of its run, flat.  Raises BadInput."""
    try:
        tree = read_tree(path)
        run = only_run(tree)
        data = essence(run)
        (cell,) = (cell for cell in tree["experiment_data"].values() if cell["runs"])
        data["agent_params"], data["environment"] = cell["agent_params"], tree["experiment"]["environment"]
        if run["learned_params"]:
            data |= read_arrays(path.with_suffix(".npz"))
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"{path}: cannot be read as a result ({' '.join(str(error).split())})") from error
    return data


def unlike(first: Path, second: Path) -> list[str]:
    """A line on why two runs of one environment protocol may differ, where their rollout hashes do.

    Raises OSError or BadInput if a file is not a result.
    """
    trees = [(path, read_tree(path)) for path in (first, second)]
    if trees[0][1]["experiment"]["environment"] != trees[1][1]["experiment"]["environment"]:
        return []
    return unlike_environments(Origin(str(path), only_run(tree).get("provenance")) for path, tree in trees)


def first_difference(a: dict[str, Any], b: dict[str, Any]) -> str | None:
    """Name, position and values of what differs first, or None."""
    for name in [*a, *(name for name in b if name not in a)]:
        if name not in a or name not in b:
            return f"{name}: only in {'the first' if name in a else 'the second'}"
        where = _difference(a[name], b[name])
        if where is not None:
            return f"{name}{where}"
    return None


def _difference(a: Any, b: Any) -> str | None:
    """Position and values where two values differ first, or None."""
    if isinstance(a, np.ndarray):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f": {a.dtype}{list(a.shape)} and {b.dtype}{list(b.shape)}"
        bits = np.dtype(f"u{a.dtype.itemsize}")
        different = np.argwhere(np.ascontiguousarray(a).view(bits) != np.ascontiguousarray(b).view(bits))
        if not len(different):
            return None
        place = tuple(int(i) for i in different[0])
        return f"{list(place)}: {a[place]!r} and {b[place]!r}"
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        inner = ((i, _difference(x, y)) for i, (x, y) in enumerate(zip(a, b, strict=True)))
        return next((f"[{i}]{where}" for i, where in inner if where is not None), None)
    return None if a == b else f": {a!r} and {b!r}"
