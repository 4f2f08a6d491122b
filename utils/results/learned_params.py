"""A run's learned parameters, read from its result and its arrays."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from utils.core.errors import BadInput
from utils.results.arrays import read_arrays
from utils.results.schema import Result, read_result

LEARNED = "learned_params"
"""Key of what a run has learned, and beginning of the names of its arrays."""


POLICIES = "policies"
"""Key of the parameters that a run acted by at each evaluation, and beginning of the names of their arrays."""

SHOWN_TIMESTEPS = 3
"""Number of timesteps of evaluations in a message, the nearest to the one that was asked for."""


@dataclass(frozen=True)
class LearnedRun:
    """A completed run and its learned arrays, with the names that the agent's `learned_params` gives them.

    evaluation: number of the evaluation whose policy is among the arrays; -1: the last one.
    """

    result: Result
    arrays: dict[str, np.ndarray]
    evaluation: int = -1

    @property
    def timestep(self) -> int:
        """Timestep of the evaluation of these parameters."""
        return int(self.result.run["timesteps_at_eval"][self.evaluation])

    def at(self, timestep: int) -> LearnedRun:
        """Return the run with the policy of the evaluation at a timestep; its critics remain the last ones.

        Raises BadInput if there was no such evaluation, or its policy was not recorded.
        """
        path, timesteps = self.result.path, self.result.run["timesteps_at_eval"]
        if timestep not in timesteps:
            near = sorted(timesteps, key=lambda each: abs(each - timestep))[:SHOWN_TIMESTEPS]
            raise BadInput(
                f"{path}: found no evaluation at timestep {timestep}; allowed: the timesteps of its {len(timesteps)} "
                f"evaluations, of which the nearest are {', '.join(map(str, sorted(near)))}"
            )
        if timestep == timesteps[-1] or not self.arrays:
            return replace(self, evaluation=timesteps.index(timestep))
        if not self.result.run.get(POLICIES):
            raise BadInput(
                f"{path}: found no policy of timestep {timestep}: its protocol's 'record' does not have "
                f"'{POLICIES}'; allowed: {timesteps[-1]}, its last evaluation"
            )
        evaluation = timesteps.index(timestep)
        return replace(self, arrays=self.arrays | self._read_policy(evaluation), evaluation=evaluation)

    def _read_policy(self, evaluation: int) -> dict[str, np.ndarray]:
        """Read the parameters that the run acted by at an evaluation.  Raises BadInput."""
        path, evaluations = self.result.path, len(self.result.run["timesteps_at_eval"])
        found = _read_named_arrays(path, POLICIES, self.result.run[POLICIES])
        for name, array in found.items():
            if not len(array.shape) or len(array) != evaluations:
                raise BadInput(
                    f"{path}: array '{POLICIES}/{name}': found shape {list(array.shape)}; allowed: a row for each of "
                    f"its {evaluations} evaluations"
                )
        return {name: array[evaluation] for name, array in found.items()}

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
    return LearnedRun(result, _read_named_arrays(path, LEARNED, run["learned_params"]))


def _read_named_arrays(path: Path, key: str, reference: Any) -> dict[str, np.ndarray]:
    """Read the arrays that a key of a run names, by the rest of their names; {} for {}.  Raises BadInput."""
    if reference == {}:
        return {}
    if not isinstance(reference, dict) or "file" not in reference or not isinstance(reference.get("arrays"), dict):
        raise BadInput(f"{path}: key '{key}': found neither {{}} nor 'file' and 'arrays'; allowed: one of these")
    file = path.parent / Path(str(reference["file"])).name
    stored = read_arrays(file, reference["arrays"])
    found = {name.removeprefix(f"{key}/"): array for name, array in stored.items()}
    for name, array in found.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise BadInput(
                f"{file}: array '{key}/{name}': found numbers that are not finite; a policy cannot act on them"
            )
    return found
