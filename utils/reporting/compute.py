"""The compute that an experiment used, by what its results say."""

from __future__ import annotations

from collections.abc import Iterable
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
    times = [(run.get("train_time") or 0.0, run.get("eval_time") or 0.0, _threads(run)) for run in runs]
    train = sum(training for training, _, _ in times)
    steps = sum(run.get("timesteps_done") or 0 for run in runs)
    return Compute(
        len(runs),
        train / HOUR,
        sum(evaluation for _, evaluation, _ in times) / HOUR,
        sum((training + evaluation) * threads for training, evaluation, threads in times) / HOUR,
        steps / train if train and steps else None,
        _largest(_provenance(run).get("peak_memory_mib") for run in runs),
    )


def _provenance(run: dict[str, Any]) -> dict[str, Any]:
    found = run.get("provenance")
    return found if isinstance(found, dict) else {}


def _threads(run: dict[str, Any]) -> int:
    """1 where a result does not say."""
    return _provenance(run).get("threads") or 1


def _largest(values: Iterable[Any]) -> float | None:
    return max((value for value in values if value is not None), default=None)
