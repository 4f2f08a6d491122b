"""A stack's state taken apart into those of its runs, and put together from those of others.

Runs may meet in a new stack that stand at one timestep: what a stack counts, or has drawn ahead of its
streams, is a matter of the timestep alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

RUN_AXIS = {
    "params": -2, "target": -2, "mean": -2, "square": -2, "log_alpha": -2, "alpha": 0,
    "data": 0, "generators": 0, "block": 0,
    "weights": 1, "avg_reward": 0, "e": 1, "columns": 0,
}  # fmt: skip
"""Where the run axis of what a state calls so is, a list's being its first."""

SHARED = ("count", "updates", "next", "request", "additions")
"""What is the same in all runs that stand at one timestep."""


def take_apart(state: dict[str, Any], runs: int) -> list[dict[str, Any]]:
    """The state of each of R runs; views where there were arrays.  Raises KeyError for a name without an axis."""
    return [_taken_run(state, run) for run in range(runs)]


def put_together(states: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One state of runs that were taken apart. The rows of each one's replay stay by themselves, in a list.

    Raises ValueError if the runs do not stand at one timestep.
    """
    return {name: _joined(name, [state[name] for state in states]) for name in states[0]}


def _taken_run(state: dict[str, Any], run: int) -> dict[str, Any]:
    return {name: _taken(name, value, run) for name, value in state.items()}


def _taken(name: str, value: Any, run: int) -> Any:
    if isinstance(value, dict):
        return _taken_run(value, run)
    if name in SHARED or value is None:
        return value
    axis = RUN_AXIS[name]
    if isinstance(value, Tensor):
        return value.select(axis, run)
    return value[run] if isinstance(value, list) else value.take(run, axis)


def _joined(name: str, values: list[Any]) -> Any:
    if isinstance(values[0], dict) and name not in RUN_AXIS:
        return put_together(values)
    if name in SHARED or values[0] is None:
        if any(value != values[0] for value in values):
            raise ValueError(f"the runs' {name} differ, so they do not stand at one timestep")
        return values[0]
    if name in ("data", "generators", "columns"):
        return values
    if isinstance(values[0], Tensor):
        return torch.stack(values, RUN_AXIS[name])
    return np.stack(values, RUN_AXIS[name])
