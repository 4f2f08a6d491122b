"""The compute that an experiment used, by what its results say."""

from __future__ import annotations

from typing import Any, NamedTuple

from utils.analysis.combined_results import CombinedResults
from utils.analysis.number_format import NOTHING, brief
from utils.results.schema import all_runs

HOUR = 3600.0


class Compute(NamedTuple):
    """In hours, run-steps a second of training, and MiB; None where no run says.

    train, evaluation: the runs' shares of their stacks' time.  core: both, times the threads of each.
    memory: the largest that a process held, of whatever stack it trained.
    """

    runs: int
    train: float
    evaluation: float
    core: float
    speed: float | None
    memory: float | None

    @property
    def words(self) -> list[str]:
        """The numbers as a table has them."""
        hours = [brief(value) for value in (self.train, self.evaluation, self.core)]
        rest = [NOTHING if value is None else f"{value:,.0f}" for value in (self.speed, self.memory)]
        return [f"{self.runs:,}", *hours, *rest]


def compute(experiment: CombinedResults) -> Compute:
    """Of all runs that have a result."""
    rows = [_row(run) for run in all_runs(experiment.tree)]
    train = sum(row.train for row in rows)
    steps = sum(row.steps for row in rows)
    return Compute(
        len(rows),
        train / HOUR,
        sum(row.evaluation for row in rows) / HOUR,
        sum((row.train + row.evaluation) * row.threads for row in rows) / HOUR,
        steps / train if train and steps else None,
        max((row.memory for row in rows), default=0.0) or None,
    )


class _Row(NamedTuple):
    """Of one run: seconds, threads, timesteps, MiB."""

    train: float
    evaluation: float
    threads: float
    steps: float
    memory: float


def _row(run: dict[str, Any]) -> _Row:
    """1 thread where a result does not say, 0 for anything else."""
    origin = _provenance(run)
    return _Row(
        _number(run.get("train_time")),
        _number(run.get("eval_time")),
        _number(origin.get("threads")) or 1.0,
        _number(run.get("timesteps_done")),
        _number(origin.get("peak_memory_mib")),
    )


def _provenance(run: dict[str, Any]) -> dict[str, Any]:
    found = run.get("provenance")
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> float:
    """0 for what is none: a result's reader relies on no more than its curves."""
    return float(value) if isinstance(value, int | float) else 0.0
