"""The tree and arrays of a finished run's result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from utils.results.learned_params import POLICIES
from utils.results.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from utils.experiment.config import EnvironmentConfig
    from utils.experiment.experiment import Run
    from utils.training.run_record import RunRecord


def run_data(
    run: Run, record: RunRecord, environment: EnvironmentConfig, origin: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return a finished run as its result holds it, and the arrays of its .npz.

    origin: the provenance. The result names each array by its name in the .npz.
    """
    recorded = {name: np.stack(rows) for name, rows in record.arrays.items()}
    policies = {name: array for name, array in recorded.items() if name.startswith(f"{POLICIES}/")}
    references = {name: _array_reference(run, {name: recorded[name]}) for name in recorded if name not in policies}
    learned = {f"learned_params/{name}": array for name, array in record.learned_params.items()}
    diagnostics = {f"diagnostics/{name}": array for name, array in record.diagnostic_arrays().items()}
    if POLICIES in environment.record:
        references[POLICIES] = _array_reference(run, policies)
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
        "learned_params": _array_reference(run, learned),
        "diagnostics": _array_reference(run, diagnostics),
        **references,
        "provenance": origin | record.resume_provenance(),
    }
    return data, recorded | learned | diagnostics


def _array_reference(run: Run, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the file and the shapes of arrays; {} if there are none."""
    if not arrays:
        return {}
    return {"file": run.file.npz.name, "arrays": {name: list(array.shape) for name, array in arrays.items()}}
