"""A run's learned parameters, read from its result and its arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from utils.core.errors import BadInput
from utils.results.arrays import read_arrays
from utils.results.schema import Result, read_result

PREFIX = "learned_params/"
"""Prefix of the learned parameters among the names of a result's arrays."""


@dataclass(frozen=True)
class LearnedRun:
    """A completed run and its learned arrays, with the names that the agent's `learned_params` gives them."""

    result: Result
    arrays: dict[str, np.ndarray]

    @property
    def last_timestep(self) -> int:
        """Timestep of the last evaluation, which evaluated these parameters."""
        return int(self.result.run["timesteps_at_eval"][-1])


def read_learned_run(path: Path) -> LearnedRun:
    """Read a completed run and its learned arrays.

    Raises BadInput if the file is not the result of one completed run, or its arrays are missing.
    """
    result = read_result(path)
    run = result.run
    if run["status"] != "completed":
        raise BadInput(
            f"{path}: key 'status': found '{run['status']}'; allowed: 'completed', because "
            "only such a run has a learned policy"
        )
    for name in ("random_seed", "learned_params"):
        if run.get(name) is None:
            raise BadInput(f"{path}: key '{name}': found none; a policy cannot be rebuilt without it")
    if not run["timesteps_at_eval"]:
        raise BadInput(f"{path}: key 'timesteps_at_eval': found []; allowed: at least the last timestep")
    return LearnedRun(result, _read_learned_arrays(path, run["learned_params"]))


def _read_learned_arrays(path: Path, reference: Any) -> dict[str, np.ndarray]:
    """Read the arrays that `learned_params` names; {} for an agent that learns nothing.  Raises BadInput."""
    if reference == {}:
        return {}
    if not isinstance(reference, dict) or "file" not in reference or not isinstance(reference.get("arrays"), dict):
        raise BadInput(
            f"{path}: key 'learned_params': found neither {{}} nor 'file' and 'arrays'; allowed: one of these"
        )
    file = path.parent / Path(str(reference["file"])).name
    stored = read_arrays(file, reference["arrays"])
    found = {name.removeprefix(PREFIX): array for name, array in stored.items()}
    for name, array in found.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise BadInput(
                f"{file}: array '{PREFIX}{name}': found numbers that are not finite; a policy cannot act on them"
            )
    return found
