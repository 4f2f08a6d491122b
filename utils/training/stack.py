"""A stack: runs that train in lock-step, and which of them are still active."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from utils.core.errors import EnvironmentFault
from utils.core.finite import all_finite
from utils.core.interfaces import Agent, EnvBatch
from utils.experiment.config import EnvironmentConfig
from utils.training.run_record import RunRecord


@dataclass
class Stack:
    """R runs that train in lock-step: an agent of R learners, environments for training and for evaluation."""

    agent: Agent
    envs: EnvBatch
    eval_envs: EnvBatch
    random_seeds: Sequence[int]
    config: EnvironmentConfig

    def close(self) -> None:
        """Close all environments."""
        self.envs.close()
        self.eval_envs.close()


@dataclass
class Watcher:
    """Callbacks that report a loop's progress."""

    stepped: Callable[[int], object] = lambda steps: None
    """Called with the number of timesteps that were made."""
    evaluated: Callable[[int, list[float]], object] = lambda timestep, returns: None
    """Called with the timestep and each evaluated run's mean return."""
    left: Callable[[int], object] = lambda slot: None
    """Called with the slot of a run that has ended."""
    resumed: Callable[[int], object] = lambda timestep: None
    """Called with the timestep from which the runs resume."""


class ActiveRuns:
    """The runs of a stack with their records; a run leaves when it is complete, diverges or fails."""

    def __init__(
        self, stack: Stack, watcher: Watcher | None = None, interrupted: Callable[[], bool] = lambda: False
    ) -> None:
        """Activate all runs.

        interrupted: called at each step of an evaluation; returns whether to abandon it.
        """
        self.stack, self.config, self.watcher = stack, stack.config, watcher or Watcher()
        self.interrupted = interrupted
        self.runs = stack.envs.runs
        self.records = [RunRecord() for _ in range(self.runs)]
        self.active = np.ones(self.runs, bool)
        self.recorded = set(self.config.record)
        self.window = self.config.diagnostics_interval
        """Timesteps that diagnostics are averaged over; 0: there are none."""

    def end_diverged(self, signs: Mapping[str, Any]) -> None:
        """End each run for which a value in `signs`, (R, ...) each, is not finite; the other runs continue."""
        for name, values in signs.items():
            if all_finite(values):
                continue
            finite = np.isfinite(values).reshape(self.runs, -1).all(1)
            for r in selected_slots(self.active & ~finite):
                self.records[r].mark_diverged(name)
                self.end_run(r)

    def end_failed(self, envs: EnvBatch) -> None:
        """End the runs whose environment, for training or for evaluation, has raised an error."""
        for r, error in envs.errors.items():
            if self.active[r]:
                if envs is self.stack.eval_envs and isinstance(error, EnvironmentFault):
                    error.add_note("in an evaluation")
                self.records[r].mark_failed(error)
                self.end_run(r)

    def end_run(self, slot: int) -> None:
        """Keep what a run learned, with the diagnostics of its unfinished window, and deactivate its slot."""
        if self.window:
            self.end_window(slot)
        self.records[slot].learned_params = self.stack.agent.learned_params(slot)
        self.active[slot] = False
        self.watcher.left(slot)

    def end_window(self, slot: int) -> None:
        """Add a run's diagnostics since the last window to its record, if it learned since."""
        self.records[slot].add_diagnostics(self.stack.agent.read_diagnostics(slot))

    def share_time(self, account: str, started: float) -> None:
        """Divide the seconds since `started` equally among the active runs."""
        active = selected_slots(self.active)
        share = (time.perf_counter() - started) / max(1, len(active))
        for r in active:
            setattr(self.records[r], account, getattr(self.records[r], account) + share)


def selected_slots(mask: np.ndarray) -> list[int]:
    """Return the slots for which mask (R,) is true."""
    return mask.nonzero()[0].tolist()
