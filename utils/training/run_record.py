"""The record of one run: its curves and arrays, filled by the loop and written to its result."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from utils.checkpoint.row_files import RowSequence

PER_EPISODE = ("train_episode_rewards", "train_episode_steps")

MANY_EPISODES = 10_000
"""Number of episodes from which checkpoints write only new ones."""


@dataclass
class RunRecord:
    """One run's curves in chronological order."""

    status: str = "running"
    timesteps: int = 0
    diverged_at_timestep: int | None = None
    nonfinite: str | None = None
    error: Exception | None = None
    """Exception that ended a failed run, which has no result."""
    train_episode_rewards: list[float] = field(default_factory=list)
    train_episode_steps: list[int] = field(default_factory=list)
    last_episode_complete: bool = True
    timesteps_at_eval: list[int] = field(default_factory=list)
    eval_episode_rewards: list[list[float]] = field(default_factory=list)
    eval_episode_steps: list[list[int]] = field(default_factory=list)
    train_time: float = 0.0
    eval_time: float = 0.0
    learned_params: dict[str, np.ndarray] = field(default_factory=dict)
    arrays: dict[str, list[np.ndarray]] = field(default_factory=dict)
    diagnostics: dict[str, list[float]] = field(default_factory=dict)
    """Values of each window, by name; NaN in a window without this value."""
    timesteps_at_diagnostics: list[int] = field(default_factory=list)
    """Timestep at which each window ends."""
    resumed_at: list[int] = field(default_factory=list)
    """Timesteps at which a later process resumed the run."""
    exact: bool = True
    """Whether the record equals that of an uninterrupted run."""
    _reward: float = 0.0
    _steps: int = 0

    def add_step(self, reward: float, ended: bool) -> None:
        """Add one training step to the present episode."""
        self.timesteps += 1
        self._reward += reward
        self._steps += 1
        if ended:
            self._close_episode()

    def _close_episode(self) -> None:
        self.train_episode_rewards.append(self._reward)
        self.train_episode_steps.append(self._steps)
        self._reward, self._steps = 0.0, 0

    def add_evaluation(self, returns: Sequence[float], steps: Sequence[int]) -> None:
        """Add an evaluation at the present timestep."""
        self.timesteps_at_eval.append(self.timesteps)
        self.eval_episode_rewards.append(list(returns))
        self.eval_episode_steps.append(list(steps))

    def add_diagnostics(self, values: Mapping[str, float]) -> None:
        """Add a window of diagnostics that ends at the present timestep; nothing if there are no values."""
        if not values:
            return
        windows = len(self.timesteps_at_diagnostics)
        for name in values:
            self.diagnostics.setdefault(name, [math.nan] * windows)
        for name, series in self.diagnostics.items():
            series.append(values.get(name, math.nan))
        self.timesteps_at_diagnostics.append(self.timesteps)

    def diagnostic_arrays(self) -> dict[str, np.ndarray]:
        """Return the diagnostics as arrays (W,), with the timestep at which each window ends, by name."""
        if not self.timesteps_at_diagnostics:
            return {}
        ends = {"timestep": np.array(self.timesteps_at_diagnostics, np.int64)}
        return ends | {name: np.array(series) for name, series in self.diagnostics.items()}

    def add_row(self, name: str, array: np.ndarray) -> None:
        """Add a row to an array that the protocol's `record` asks for."""
        self.arrays.setdefault(name, []).append(np.array(array))

    def row_count(self, name: str) -> int:
        """Return the number of rows of an array."""
        return len(self.arrays.get(name, ()))

    def truncate_rows(self, name: str, rows: int) -> None:
        """Keep only the first `rows` rows of an array."""
        if self.row_count(name) > rows:
            del self.arrays[name][rows:]
        if self.row_count(name) == 0:
            self.arrays.pop(name, None)

    def state(self) -> dict[str, Any]:
        """Return the record for a checkpoint. Long lists are `RowSequence`s: only their new rows are written."""
        episodes = {name: getattr(self, name) for name in PER_EPISODE}
        return (
            vars(self)
            | {
                name: RowSequence(values, len(values))
                for name, values in episodes.items()
                if len(values) >= MANY_EPISODES
            }
            | {"arrays": {name: RowSequence(rows, len(rows)) for name, rows in self.arrays.items()}}
        )

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> RunRecord:
        """Return the record of a saved `state`, in which each `RowSequence` is an array, and count it as resumed."""
        episodes = {name: np.asarray(state[name]).tolist() for name in PER_EPISODE}
        record = cls(**state | episodes | {"arrays": {name: list(rows) for name, rows in state["arrays"].items()}})
        record.resumed_at.append(record.timesteps)
        return record

    def resume_provenance(self) -> dict[str, Any]:
        """Return whether and where the run was resumed, for the result's provenance."""
        how = ("exact" if self.exact else "approximate") if self.resumed_at else None
        return {"resume": how, "resumed_at": self.resumed_at}

    def break_episode(self) -> None:
        """Close the present episode, which could not be resumed; another one follows."""
        self.exact = False
        if self._steps:
            self._close_episode()

    def mark_diverged(self, what: str) -> None:
        """End the run as diverged.

        what: name of the first value that was not finite.
        """
        self.diverged_at_timestep, self.nonfinite = self.timesteps, what
        self.finish("diverged")

    def mark_failed(self, error: Exception) -> None:
        """End the run with an error that did not come from learning."""
        self.error = error
        self.finish("failed")

    def finish(self, status: str) -> None:
        """End the run. An episode that the end interrupts is kept and marked incomplete."""
        self.status = status
        if self._steps:
            self.last_episode_complete = False
            self._close_episode()

    def curves(self) -> dict[str, Any]:
        """Return the run's curves as its result holds them."""
        return {
            "eval_episode_rewards": self.eval_episode_rewards,
            "eval_episode_steps": self.eval_episode_steps,
            "timesteps_at_eval": self.timesteps_at_eval,
            "train_episode_rewards": self.train_episode_rewards,
            "train_episode_steps": self.train_episode_steps,
            "last_episode_complete": self.last_episode_complete,
            "total_train_episodes": len(self.train_episode_rewards),
            "train_time": self.train_time,
            "eval_time": self.eval_time,
        }
