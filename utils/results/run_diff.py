"""The first difference between two results of a run, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from utils.files.json_diff import find_difference
from utils.results.arrays import read_arrays
from utils.results.diagnostics import DIAGNOSTICS
from utils.results.provenance_diff import Origin, describe_environment_differences
from utils.results.schema import is_same_protocol, read_result, reproducible_part


def read_comparable(path: Path) -> dict[str, Any]:
    """Read what every execution of a run must reproduce: curves, configuration and arrays, by name.

    Raises BadInput if the file is not a result, or its arrays cannot be read.
    """
    result = read_result(path)
    content = reproducible_part(result.run)
    content["agent_params"], content["environment"] = result.agent_params, result.experiment["environment"]
    if result.run.get("learned_params"):
        content |= read_arrays(path.with_suffix(".npz"))
    return content


def explain_difference(first: Path, second: Path) -> list[str]:
    """Return a line on why two runs of one protocol may differ, if their rollout hashes do.

    Raises BadInput if a file is not a result.
    """
    results = [read_result(path) for path in (first, second)]
    if not is_same_protocol(*(result.experiment["environment"] for result in results)):
        return []
    origins = (Origin(str(result.path), result.run.get("provenance")) for result in results)
    return describe_environment_differences(origins)


def first_run_difference(a: dict[str, Any], b: dict[str, Any]) -> str | None:
    """Describe the first difference between the contents of two results: name, position and both values; or None.

    Diagnostics are compared if both have them: results of earlier versions have none.
    """
    if DIAGNOSTICS not in a or DIAGNOSTICS not in b:
        a, b = _without_diagnostics(a), _without_diagnostics(b)
    difference = find_difference(a, b, _describe_bits)
    return None if difference is None else "".join(difference)


def _without_diagnostics(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name.split("/")[0] != DIAGNOSTICS}


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
