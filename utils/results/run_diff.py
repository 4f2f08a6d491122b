"""Whether two results hold the same run, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from utils.core.errors import BadInput
from utils.files.json_diff import find_difference
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


def first_run_difference(a: dict[str, Any], b: dict[str, Any]) -> str | None:
    """Describe the first difference between the contents of two results: name, position and both values; or None."""
    difference = find_difference(a, b, _describe_bits)
    return None if difference is None else "".join(difference)


def _describe_bits(a: Any, b: Any) -> str | None:
    """Describe where two values first differ, to the bit, or return None."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f": {a.dtype}{list(a.shape)} and {b.dtype}{list(b.shape)}"
        bits = np.dtype(f"u{a.dtype.itemsize}")
        different = np.argwhere(np.ascontiguousarray(a).view(bits) != np.ascontiguousarray(b).view(bits))
        if not len(different):
            return None
        position = tuple(int(i) for i in different[0])
        return f"{list(position)}: {a[position]!r} and {b[position]!r}"
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        inner = ((i, _describe_bits(x, y)) for i, (x, y) in enumerate(zip(a, b, strict=True)))
        return next((f"[{i}]{where}" for i, where in inner if where is not None), None)
    return None if a == b else f": {a!r} and {b!r}"
