"""Watching: one page about runs in training, written again and again until all of them have ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from utils.analysis.live_reader import LiveReader, Queued, newest
from utils.analysis.live_runs import FAILED, STOPPED, LiveSweep
from utils.core.errors import BadInput
from utils.core.interrupt import STOPPED_EXIT_CODE, Interruption, interruptible
from utils.files.overwrite import write_out
from utils.reporting.line_styles import LineStyles
from utils.reporting.live_page import PageTimes, describe_counts, render_live_page
from utils.reporting.report_file import check_report_path, default_path

LIVE_PAGE = "live.html"
"""Default name of the page."""

START_SECONDS = 30.0
"""Time to wait for a run that trains, s: main.py needs some seconds to begin."""

NAP_SECONDS = 0.2
"""Interval at which a request to stop is noticed, s."""

DONE, FAILURE, INTERRUPTED = 0, 1, STOPPED_EXIT_CODE
"""Exit codes: all runs have a result; a run failed or was stopped; watching was stopped."""

log = logging.getLogger("policy_params")


class Watch:
    """The watching of some directories."""

    def __init__(
        self,
        data: Sequence[str],
        out: str | None,
        interval: float,
        read_queue: Callable[[Path], Sequence[Queued]] = lambda directory: (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Choose the page's file.

        data: directories of results, which need not exist yet.  out: value of --out; None: the default path.
        interval: seconds between two pages.  read_queue: see `LiveReader`.  clock: returns seconds since the epoch.
        Raises BadInput if the page cannot be written there, or a directory is a file.
        """
        for each in data:
            if Path(each).is_file():
                raise BadInput(f"--watch: found the file '{each}'; allowed: the directory in which runs write results")
        self._data, self._interval, self._clock = data, interval, clock
        self.path = Path(out) if out else default_path(data).with_name(LIVE_PAGE)
        check_report_path(self.path)
        self._readers = [LiveReader(Path(each), read_queue, clock) for each in data]
        self._styles = LineStyles()
        self._began = clock()
        self._announced = self._has_begun = False

    def run(self, interruption: Interruption) -> int:
        """Write the page until all runs have ended, or until a stop is requested. Returns an exit code.

        Raises BadInput if there is no run within START_SECONDS, or the page cannot be written.
        """
        while True:
            sweeps = newest(self._readers)
            over = self._is_over(sweeps)
            stopped = interruption.is_requested()
            if sweeps:
                self._write(sweeps, last=over or stopped)
            elif self._has_waited():
                raise BadInput(
                    f"--watch: found no run in {', '.join(self._data)} within {START_SECONDS:.0f} s; allowed: a "
                    "directory in which main.py writes results"
                )
            if over or stopped:
                return self._end(sweeps, over)
            self._sleep(interruption)

    def _is_over(self, sweeps: Sequence[LiveSweep]) -> bool:
        """Return whether all runs have ended, and some have trained meanwhile or none has begun for START_SECONDS."""
        over = all(sweep.is_over for sweep in sweeps)
        self._has_begun = self._has_begun or not over
        return bool(sweeps) and over and (self._has_begun or self._has_waited())

    def _has_waited(self) -> bool:
        return self._clock() - self._began >= START_SECONDS

    def _write(self, sweeps: Sequence[LiveSweep], last: bool) -> None:
        times = PageTimes(self._clock(), None if last else self._interval)
        write_out(self.path, render_live_page(sweeps, self._styles, times).encode())
        if not self._announced:
            click.echo(self.path)
            self._announced = True

    def _sleep(self, interruption: Interruption) -> None:
        """Sleep for the interval, or until a stop is requested."""
        until = self._clock() + self._interval
        while not interruption.is_requested() and (left := until - self._clock()) > 0:
            time.sleep(min(NAP_SECONDS, left))

    def _end(self, sweeps: Sequence[LiveSweep], over: bool) -> int:
        counts = describe_counts(sweeps) or "no run yet"
        if not over:
            click.echo(f"watching was stopped: {counts}", err=True)
            return INTERRUPTED
        click.echo(f"all runs have ended: {counts}", err=True)
        return FAILURE if any(sweep.in_state(FAILED, STOPPED) for sweep in sweeps) else DONE


def watch(data: Sequence[str], out: str | None, interval: float, read_queue: Callable[[Path], Sequence[Queued]]) -> int:
    """Watch directories, as `Watch` does, until all runs have ended or a signal asks to stop. Returns an exit code."""
    watching = Watch(data, out, interval, read_queue)
    with interruptible() as interruption:
        return watching.run(interruption)
