"""Splits a stack's state into the states of its runs, and joins the states of runs into a stack's.

Runs may be joined if they are at the same timestep, whatever stacks they come from. What a stack counts, or has drawn
ahead of its random streams, depends on the timestep alone. Where the runs are in a state is declared by its parts
(`utils.core.run_axes`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from utils.core.run_axes import RunAxes


class StatePart(Protocol):
    """A part of an agent that keeps a state for R runs."""

    @property
    def run_axes(self) -> RunAxes:
        """Where the runs are in each entry of `state_dict`; see `utils.core.run_axes`."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state. Arrays may be the part's own."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state from `state_dict`."""


def collect_run_axes(parts: Mapping[str, StatePart]) -> dict[str, RunAxes]:
    """Return the `run_axes` of each part, by name.  Raises TypeError for a part that declares none."""
    for name, part in parts.items():
        if not hasattr(part, "run_axes"):
            raise TypeError(
                f"{type(part).__name__}, the agent's part '{name}', has a state but no run_axes; "
                "declare them next to its state_dict (see utils/core/run_axes.py)"
            )
    return {name: part.run_axes for name, part in parts.items()}


def check_run_axes(state: Mapping[str, Any], axes: RunAxes, part: str) -> None:
    """Check that each entry of a state, and of its nested parts, is declared.

    part: name of the part that the state belongs to, for the message.  Raises TypeError for an entry that is missing.
    """
    for name, value in state.items():
        if name not in axes:
            raise TypeError(
                f"{part}: found '{name}' in its state but not in its run_axes; declare there where the runs are: "
                "an axis (an integer), 'list' or 'shared' (see utils/core/run_axes.py)"
            )
        nested = axes[name]
        if isinstance(nested, Mapping):
            check_run_axes(value, nested, f"{part}.{name}")


def split_runs(state: Mapping[str, Any], axes: RunAxes, runs: int) -> list[dict[str, Any]]:
    """Return the state of each of R runs, as views of tensors.  Raises KeyError for an entry that is not declared."""
    return [_select_run(state, axes, run) for run in range(runs)]


def _select_run(state: Mapping[str, Any], axes: RunAxes, run: int) -> dict[str, Any]:
    """Return one run's part of a state."""
    return {name: _select_from_entry(value, axes[name], run) for name, value in state.items()}


def _select_from_entry(value: Any, axis: Any, run: int) -> Any:
    """Return one run's part of an entry. None, such as a block that was not drawn yet, belongs to all runs."""
    if isinstance(axis, Mapping):
        return _select_run(value, axis, run)
    if axis == "shared" or value is None:
        return value
    if axis == "list":
        return value[run]
    return value.select(axis, run) if isinstance(value, Tensor) else value.take(run, axis)


def join_runs(states: Sequence[Mapping[str, Any]], axes: RunAxes) -> dict[str, Any]:
    """Return the state of a stack in which slot r holds the run of states[r]. Entries declared "list" are not copied.

    Raises ValueError if the runs are not at the same timestep.
    """
    return {name: _join_entry(name, [state[name] for state in states], axes[name]) for name in states[0]}


def _join_entry(name: str, values: list[Any], axis: Any) -> Any:
    """Return an entry of a stack's state from its runs' entries."""
    if isinstance(axis, Mapping):
        return join_runs(values, axis)
    if axis == "shared" or values[0] is None:
        if any(value != values[0] for value in values):
            raise ValueError(f"the runs' {name} differ, so they are not at one timestep")
        return values[0]
    if axis == "list":
        return values
    return torch.stack(values, axis) if isinstance(values[0], Tensor) else np.stack(values, axis)
