"""The compute that an experiment used, by what its results say."""

from __future__ import annotations

from typing import Any, NamedTuple

from utils.experiment import Experiment
from utils.wording import NOTHING, brief

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


def compute(experiment: Experiment) -> Compute:
    """Of all runs that have a result."""
    runs = [run for cell in experiment.tree["experiment_data"].values() for run in cell["runs"]]
    times = [(_number(run.get("train_time")), _number(run.get("eval_time")), _threads(run)) for run in runs]
    train = sum(training for training, _, _ in times)
    steps = sum(_number(run.get("timesteps_done")) for run in runs)
    return Compute(
        len(runs),
        train / HOUR,
        sum(evaluation for _, evaluation, _ in times) / HOUR,
        sum((training + evaluation) * threads for training, evaluation, threads in times) / HOUR,
        steps / train if train and steps else None,
        max((_number(_provenance(run).get("peak_memory_mib")) for run in runs), default=0.0) or None,
    )


def _provenance(run: dict[str, Any]) -> dict[str, Any]:
    found = run.get("provenance")
    return found if isinstance(found, dict) else {}


def _threads(run: dict[str, Any]) -> float:
    """1 where a result does not say."""
    return _number(_provenance(run).get("threads")) or 1.0


def _number(value: Any) -> float:
    """0 for what is none: a result's reader relies on no more than its curves."""
    return float(value) if isinstance(value, int | float) else 0.0
