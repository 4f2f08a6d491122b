"""How far all stacks of a call are: a bar on a terminal, else a line each minute."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from tqdm import tqdm

log = logging.getLogger("policy_params")

SECONDS_BETWEEN_LINES = 60.0


class SweepProgress:
    """Counts run-steps, a run-step being one training step of one run, and the runs that are done."""

    def __init__(
        self, runs: Sequence[int], timesteps: Sequence[int], bar: tqdm, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """runs, timesteps: how many each stack has, the timesteps being those still to make.  clock: seconds.

        bar: of all run-steps; a disabled one asks for lines.
        """
        self._runs, self._timesteps, self._bar, self._clock = runs, timesteps, bar, clock
        self._made = [0] * len(runs)
        self._done = 0
        self._expected = sum(count * each for count, each in zip(runs, timesteps, strict=True))
        bar.total = self._expected
        self._start = self._last_line = clock()

    def stepped(self, stack: int, timesteps: int) -> None:
        """A stack, by its number, has made so many more steps in lock-step."""
        self._made[stack] += timesteps
        self._bar.update(timesteps * self._runs[stack])
        if self._bar.disable and self._clock() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = self._clock()
            log.info(self.line())

    def ended(self, stack: int, failed: bool) -> None:
        """A stack has ended. Steps that it never made are waited for no longer."""
        self._expected -= (self._timesteps[stack] - self._made[stack]) * self._runs[stack]
        self._done += 0 if failed else self._runs[stack]
        self._bar.total = self._expected
        self._bar.set_postfix_str(f"{self._done} of {sum(self._runs)} runs done")

    def line(self) -> str:
        """Runs done, run-steps a second since the beginning, and at that rate the time left, if any."""
        made = sum(steps * runs for steps, runs in zip(self._made, self._runs, strict=True))
        seconds = self._clock() - self._start
        rate = made / seconds if seconds > 0 else 0.0
        seconds_left = (self._expected - made) / rate if rate > 0 else 0.0
        left = f", {tqdm.format_interval(seconds_left)} left" if seconds_left > 0 else ""
        return f"{self._done} of {sum(self._runs)} runs done, {rate:,.0f} run-steps/s{left}"
