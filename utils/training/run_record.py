"""What one run's result says of its learning: filled in by the loop, written by `utils.results.result_file`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from utils.checkpoint.row_files import RowSequence

PER_EPISODE = ("train_episode_rewards", "train_episode_steps")

MANY = 10_000
"""Episodes from which on their list is not written anew with each checkpoint."""


@dataclass
class RunRecord:
    """One run's curves, in the order in which they came about."""

    status: str = "running"
    timesteps: int = 0
    diverged_at_timestep: int | None = None
    nonfinite: str | None = None
    error: Exception | None = None
    """What ended a run that failed; it has no result."""
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
    resumed_at: list[int] = field(default_factory=list)
    """Timesteps at which a later process went on with the run."""
    exact: bool = True
    """Whether all that is here is what one process would have found, had it not been stopped."""
    _reward: float = 0.0
    _steps: int = 0

    def step(self, reward: float, ended: bool) -> None:
        """Count one training step into the present episode."""
        self.timesteps += 1
        self._reward += reward
        self._steps += 1
        if ended:
            self._close_episode()

    def _close_episode(self) -> None:
        self.train_episode_rewards.append(self._reward)
        self.train_episode_steps.append(self._steps)
        self._reward, self._steps = 0.0, 0

    def evaluated(self, returns: Sequence[float], steps: Sequence[int]) -> None:
        """Add one evaluation at the present timestep."""
        self.timesteps_at_eval.append(self.timesteps)
        self.eval_episode_rewards.append(list(returns))
        self.eval_episode_steps.append(list(steps))

    def keep(self, name: str, array: np.ndarray) -> None:
        """Add to an array asked for by the protocol's `record`."""
        self.arrays.setdefault(name, []).append(np.array(array))

    def kept(self, name: str) -> int:
        """How many rows were added to an array."""
        return len(self.arrays.get(name, ()))

    def forget(self, name: str, rows: int) -> None:
        """Have an array end after so many rows."""
        if self.kept(name) > rows:
            del self.arrays[name][rows:]
        if self.kept(name) == 0:
            self.arrays.pop(name, None)

    def state(self) -> dict[str, Any]:
        """All of it, for a checkpoint. What has many rows is such that only new ones need be written."""
        episodes = {name: getattr(self, name) for name in PER_EPISODE}
        return (
            vars(self)
            | {name: RowSequence(values, len(values)) for name, values in episodes.items() if len(values) >= MANY}
            | {"arrays": {name: RowSequence(rows, len(rows)) for name, rows in self.arrays.items()}}
        )

    @classmethod
    def resumed(cls, state: dict[str, Any]) -> RunRecord:
        """Take over what `state` gave; rows come as one array each."""
        episodes = {name: np.asarray(state[name]).tolist() for name in PER_EPISODE}
        record = cls(**state | episodes | {"arrays": {name: list(rows) for name, rows in state["arrays"].items()}})
        record.resumed_at.append(record.timesteps)
        return record

    def resumption(self) -> dict[str, Any]:
        """Whether and where it was gone on with, as it stands in a result's provenance."""
        how = ("exact" if self.exact else "approximate") if self.resumed_at else None
        return {"resume": how, "resumed_at": self.resumed_at}

    def break_off(self) -> None:
        """Another episode is to follow the present one, which could not be gone on with."""
        self.exact = False
        if self._steps:
            self._close_episode()

    def diverged(self, what: str) -> None:
        """End the run here: `what` was the first thing that was not finite."""
        self.diverged_at_timestep, self.nonfinite = self.timesteps, what
        self.finish("diverged")

    def failed(self, error: Exception) -> None:
        """End the run here, for a reason that is not in what it learned."""
        self.error = error
        self.finish("failed")

    def finish(self, status: str) -> None:
        """End the run. An episode cut off by the end is kept, and said to be incomplete."""
        self.status = status
        if self._steps:
            self.last_episode_complete = False
            self._close_episode()

    def curves(self) -> dict[str, Any]:
        """The run's data as it stands in a result."""
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
