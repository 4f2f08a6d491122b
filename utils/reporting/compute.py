"""The compute that an experiment used, as its results recorded it."""

from __future__ import annotations

from typing import Any, NamedTuple

from utils.analysis.combined_results import CombinedResults
from utils.analysis.number_format import NO_VALUE, format_number
from utils.results.provenance_diff import Origin
from utils.results.schema import all_runs

HOUR = 3600.0
"""Seconds in an hour."""


class ComputeUse(NamedTuple):
    """The compute of several runs.

    runs: their number.  train, evaluation: hours, the runs' shares of their stacks' time.
    core: core hours, both multiplied by each run's threads.  speed: run-steps per second of training.
    memory: MiB, the largest peak of a process, whatever stack it trained.  None where no run recorded it.
    """

    runs: int
    train: float
    evaluation: float
    core: float
    speed: float | None
    memory: float | None

    @property
    def cells(self) -> list[str]:
        """The numbers as cells of a table."""
        hours = [format_number(value) for value in (self.train, self.evaluation, self.core)]
        rest = [NO_VALUE if value is None else f"{value:,.0f}" for value in (self.speed, self.memory)]
        return [f"{self.runs:,}", *hours, *rest]


def sum_compute(experiment: CombinedResults) -> ComputeUse:
    """Return the compute of all runs that have a result."""
    rows = [_run_compute(run) for run in all_runs(experiment.tree)]
    train = sum(row.train for row in rows)
    steps = sum(row.steps for row in rows)
    return ComputeUse(
        len(rows),
        train / HOUR,
        sum(row.evaluation for row in rows) / HOUR,
        sum((row.train + row.evaluation) * row.threads for row in rows) / HOUR,
        steps / train if train and steps else None,
        max((row.memory for row in rows), default=0.0) or None,
    )


class _RunCompute(NamedTuple):
    """The compute of one run.  train, evaluation: seconds.  threads: number.  steps: timesteps.  memory: MiB."""

    train: float
    evaluation: float
    threads: float
    steps: float
    memory: float


def _run_compute(run: dict[str, Any]) -> _RunCompute:
    """Return the compute of one run; 1 thread and otherwise 0 where it is not recorded."""
    origin = Origin("", run.get("provenance"))
    return _RunCompute(
        _number(run.get("train_time")),
        _number(run.get("eval_time")),
        _number(origin.value("threads")) or 1.0,
        _number(run.get("timesteps_done")),
        _number(origin.value("peak_memory_mib")),
    )


def _number(value: Any) -> float:
    """Return a number as float and 0 for anything else: nothing but a run's curves is validated."""
    return float(value) if isinstance(value, int | float) else 0.0
