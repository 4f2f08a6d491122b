"""A run's learned parameters, read from its result and its arrays."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
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

    @property
    def trained_timesteps(self) -> int:
        """Number of training timesteps behind the parameters, those before the run's own start included."""
        origin = self.result.run.get("provenance")
        start = origin.get("start_from") if isinstance(origin, dict) else None
        before = start.get("timesteps", 0) if isinstance(start, dict) else 0
        return int(self.result.run.get("timesteps_done") or 0) + int(before)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the arrays, hexadecimal: of their names, types, shapes and values.

        Statistics of observations continue with the number of observations, so that it counts with them.
        """
        digest = hashlib.sha256()
        if any(name.startswith("observations/") for name in self.arrays):
            digest.update(b"%d observations\n" % self.trained_timesteps)
        for name, array in sorted(self.arrays.items()):
            digest.update(f"{name} {array.dtype.str} {list(array.shape)}\n".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


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
