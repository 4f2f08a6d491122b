"""A finished run as the tree and arrays of its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from utils.results.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from utils.experiment.config import EnvironmentConfig
    from utils.experiment.experiment import Run
    from utils.training.run_record import RunRecord


def run_data(
    run: Run, record: RunRecord, environment: EnvironmentConfig, origin: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A finished run as it stands in its result, and the arrays that stand beside it.

    origin: the provenance. The result names each array by its place in the .npz.
    """
    recorded = {name: np.stack(rows) for name, rows in record.arrays.items()}
    learned = {f"learned_params/{name}": array for name, array in record.learned_params.items()}
    data = {
        "schema_version": SCHEMA_VERSION,
        "index": run.index,
        "key": run.key,
        "status": record.status,
        "diverged_at_timestep": record.diverged_at_timestep,
        "nonfinite": record.nonfinite,
        "run_number": run.run,
        "random_seed": run.random_seed,
        "total_timesteps": environment.total_timesteps,
        "timesteps_done": record.timesteps,
        "eval_interval_timesteps": environment.eval_interval_timesteps,
        "episodes_per_eval": environment.eval_episodes,
        **record.curves(),
        "learned_params": _reference(run, learned),
        **{name: _reference(run, {name: array}) for name, array in recorded.items()},
        "provenance": origin | record.resumption(),
    }
    return data, recorded | learned


def _reference(run: Run, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Where arrays are to be found, and their shapes; {} for none."""
    if not arrays:
        return {}
    return {"file": run.file.npz.name, "arrays": {name: list(array.shape) for name, array in arrays.items()}}
