"""The runs of a directory while they train: their states, their curves so far, and how long the rest will take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from utils.analysis.combined_results import RETURN_KEYS, Curve
from utils.analysis.diagnostics import Line, MeanDiagnostic, mean_diagnostic, mean_diagnostics
from utils.analysis.number_format import value_name
from utils.core.grid import Grid
from utils.results.diagnostics import RunDiagnostics
from utils.results.schema import grid_of_tree
from utils.stats.curves import final_performance

COMPLETED, DIVERGED, RUNNING, WAITING, STOPPED, SILENT, FAILED = (
    "completed", "diverged", "running", "waiting", "stopped", "silent", "failed",
)  # fmt: skip
STATES = (COMPLETED, DIVERGED, RUNNING, WAITING, STOPPED, SILENT, FAILED)
"""States of runs. Stopped: its process has ended, the run can be resumed. Silent: nothing was heard of it for long."""

ENDED = (COMPLETED, DIVERGED, FAILED)
"""States of runs that need no more steps."""

RETURN = "return"
"""Name of the returns where curves are averaged like diagnostics."""

NO_CURVE = Curve(np.empty(0, int), np.empty(0))
"""The curve of a run that has none yet."""


@dataclass(frozen=True)
class LiveRun:
    """A run, finished or not.

    timestep: timesteps made.  place: host and process or SLURM job; "" if unknown.
    rate: timesteps per second since its process began; 0 if unknown.  silence: seconds since its last sign.
    reason: why it failed or stopped; "" if it did not.  diagnostics: reads its windows; None if it has none.
    """

    index: int
    setting: int
    run_number: int
    state: str
    timestep: int = 0
    curve: Curve = NO_CURVE
    place: str = ""
    rate: float = 0.0
    silence: float = 0.0
    reason: str = ""
    diagnostics: Callable[[], RunDiagnostics | None] = lambda: None


@dataclass(frozen=True, eq=False)
class LiveSweep:
    """The runs of one experiment that are known.

    experiment: environment and agent, as results hold them.  notes: what is left out.
    """

    directory: Path
    experiment: dict[str, Any]
    runs: Sequence[LiveRun]
    notes: Sequence[str] = ()

    @property
    def environment(self) -> dict[str, Any]:
        """The protocol."""
        return self.experiment["environment"]

    @property
    def agent_name(self) -> str:
        """The agent's name in its configuration."""
        return self.experiment["agent"]["agent_name"]

    @property
    def title(self) -> str:
        """Agent and environment."""
        return f"{self.agent_name} on {self.environment['env_name']}"

    @property
    def total_timesteps(self) -> int:
        """Timesteps of each run."""
        return self.environment["total_timesteps"]

    @property
    def training(self) -> bool:
        """Whether curves are of training episodes, as there are no evaluations."""
        return self.environment["eval_episodes"] == 0

    @cached_property
    def returns(self) -> dict[str, Any]:
        """What a return means; equal for experiments that can share an axis."""
        return {key: self.environment.get(key) for key in RETURN_KEYS} | {"training": self.training}

    @cached_property
    def grid(self) -> Grid:
        """The grid, which numbers the settings."""
        return grid_of_tree({"experiment": self.experiment})

    @cached_property
    def settings(self) -> list[LiveSetting]:
        """The settings that have runs, by number."""
        by_setting: dict[int, list[LiveRun]] = {}
        for run in sorted(self.runs, key=lambda run: run.run_number):
            by_setting.setdefault(run.setting, []).append(run)
        return [LiveSetting(self, setting, by_setting[setting]) for setting in sorted(by_setting)]

    @cached_property
    def counts(self) -> dict[str, int]:
        """Number of runs in each state, without states that have none."""
        found = Counter(run.state for run in self.runs)
        return {state: found[state] for state in STATES if found[state]}

    def in_state(self, *states: str) -> list[LiveRun]:
        """Return the runs in any of these states, by index."""
        return sorted((run for run in self.runs if run.state in states), key=lambda run: run.index)

    @property
    def is_over(self) -> bool:
        """Whether there are runs, and none of them trains, waits, or may still train."""
        return bool(self.runs) and not {RUNNING, WAITING, SILENT} & self.counts.keys()

    @property
    def fraction_done(self) -> float:
        """Fraction of all runs' timesteps that are made; runs that need no more steps count as made."""
        made = sum(self.total_timesteps if run.state in ENDED else run.timestep for run in self.runs)
        return made / max(1, self.total_timesteps * len(self.runs))

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the runs that train and wait are done, at the present rate; None if there is no rate."""
        running = [run for run in self.in_state(RUNNING) if run.rate > 0]
        if not running:
            return None
        left = sum(self.total_timesteps - run.timestep for run in self.in_state(RUNNING, WAITING))
        longest = max((self.total_timesteps - run.timestep) / run.rate for run in running)
        return max(longest, left / sum(run.rate for run in running))


@dataclass(frozen=True, eq=False)
class LiveSetting:
    """A setting and its runs that are known, by run number."""

    sweep: LiveSweep
    setting: int
    runs: Sequence[LiveRun]

    @property
    def label(self) -> str:
        """Agent, policy, hyperparameters that vary in the grid, and number; the same whatever the runs have done."""
        chosen = self.sweep.grid.setting(self.setting)
        policy = chosen.get("policy_type")
        named = [self.sweep.agent_name, *([] if policy is None else [value_name(policy)])]
        values = self.sweep.grid.describe_varied(self.setting, ("policy_type",))
        number = f"setting {self.setting}" if len(self.sweep.grid) > 1 else ""
        return ", ".join(text for text in (*named, values, number) if text)

    @cached_property
    def curves(self) -> list[Curve]:
        """The curves of the runs that have one, without returns that are not finite."""
        finite = [(run.curve, np.isfinite(run.curve.returns)) for run in self.runs]
        return [Curve(curve.timesteps[kept], curve.returns[kept]) for curve, kept in finite if kept.any()]

    @cached_property
    def mean(self) -> MeanDiagnostic | None:
        """Mean, smallest and largest return over the runs that have got to each timestep; None without returns."""
        return mean_diagnostic(
            [RunDiagnostics(curve.timesteps, {RETURN: curve.returns}) for curve in self.curves], RETURN
        )

    @cached_property
    def performance(self) -> float:
        """Mean over runs of `final_performance` so far; -inf if there is none, or a run has diverged or failed."""
        if not self.curves or any(run.state in (DIVERGED, FAILED) for run in self.runs):
            return -np.inf
        return float(np.mean([final_performance(curve.returns, curve.timesteps) for curve in self.curves]))

    @cached_property
    def diagnostics(self) -> Line:
        """Every quantity over the runs that have it."""
        found = [run.diagnostics() for run in self.runs]
        return mean_diagnostics([each for each in found if each is not None and len(each.timesteps)])

    @property
    def timestep(self) -> int:
        """Timesteps that every run has made."""
        return min(run.timestep for run in self.runs)
