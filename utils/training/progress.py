"""Progress of all stacks of a call: a bar on a terminal, else a line each minute."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from tqdm import tqdm

log = logging.getLogger("policy_params")

SECONDS_BETWEEN_LINES = 60.0


class Evaluation(NamedTuple):
    """An evaluation of a stack: the mean returns of its worst and its best setting, which may be the same."""

    timestep: int
    worst: float
    best: float


class EvaluationHandler(logging.Handler):
    """A log handler that takes evaluations from the records that have one as their attribute `evaluation`.

    Records come from every process that trains; the bar is in this one.
    """

    def __init__(self, show: Callable[[Evaluation], object]) -> None:
        """Pass each evaluation to `show`."""
        super().__init__()
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record's evaluation on, if it has one."""
        evaluation = getattr(record, "evaluation", None)
        if evaluation is not None:
            self._show(evaluation)


@contextmanager
def evaluations_shown(show: Callable[[Evaluation], object]) -> Iterator[None]:
    """Pass every evaluation that is logged to `show` while the block runs."""
    handler = EvaluationHandler(show)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


class SweepProgress:
    """A counter of run-steps and completed runs; a run-step is one training timestep of one run."""

    def __init__(
        self, runs: Sequence[int], timesteps: Sequence[int], bar: tqdm, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start counting.

        runs, timesteps: for each stack, the number of its runs and of the timesteps still to make.
        bar: bar of all run-steps; if it is disabled, lines are logged.
        clock: returns seconds.
        """
        self._runs, self._timesteps, self._bar, self._clock = runs, timesteps, bar, clock
        self._made = [0] * len(runs)
        self._done = self._elsewhere = 0
        self._returns = ""
        self._expected = sum(count * each for count, each in zip(runs, timesteps, strict=True))
        bar.total = self._expected
        self._start = self._last_line = clock()

    def add_steps(self, stack: int, timesteps: int) -> None:
        """Add timesteps that a stack, given by its number, has made in lock-step."""
        self._made[stack] += timesteps
        self._bar.update(timesteps * self._runs[stack])
        if self._bar.disable and self._clock() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = self._clock()
            log.info(self.format_line())

    def end_stack(self, stack: int, done: int, elsewhere: int = 0) -> None:
        """Note that a stack has ended; timesteps that it has not made are no longer expected.

        done: number of its runs that have a result.  elsewhere: number of its runs that another process trains.
        """
        self._expected -= (self._timesteps[stack] - self._made[stack]) * self._runs[stack]
        self._done += done
        self._elsewhere += elsewhere
        self._bar.total = self._expected
        self._show()

    def show_evaluation(self, evaluation: Evaluation) -> None:
        """Show the returns of the latest evaluation beside the bar."""
        low, high = f"{evaluation.worst:.1f}", f"{evaluation.best:.1f}"
        returns = f"return {low}" if low == high else f"returns {low} to {high}"
        self._returns = f", {returns} at step {evaluation.timestep:,}"
        self._show()

    def _show(self) -> None:
        self._bar.set_postfix_str(f"{self._runs_text()}{self._returns}")

    def format_line(self) -> str:
        """Return completed runs, run-steps per second since the start, and the time left at that rate, if any."""
        made = sum(steps * runs for steps, runs in zip(self._made, self._runs, strict=True))
        seconds = self._clock() - self._start
        rate = made / seconds if seconds > 0 else 0.0
        seconds_left = (self._expected - made) / rate if rate > 0 else 0.0
        left = f", {tqdm.format_interval(seconds_left)} left" if seconds_left > 0 else ""
        return f"{self._runs_text()}, {rate:,.0f} run-steps/s{left}"

    def _runs_text(self) -> str:
        """Return how many runs are done, and how many are left to other processes."""
        left = f", {self._elsewhere} left to another process" if self._elsewhere else ""
        return f"{self._done} of {sum(self._runs)} runs done{left}"
