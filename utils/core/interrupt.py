"""Requests to stop by signal: the first one asks for a checkpoint, the second one ends the process."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED_EXIT_CODE = 75
"""Exit code of a command that was asked to stop: the same command goes on."""

STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
"""Signals that request a stop."""

ECHO_SECONDS = 1.0
"""Time within which a repeated signal counts as the same request, s.

A scheduler may signal a process both directly and through its batch script.
"""


class Stopped(Exception):
    """Exception that ends training that was asked to stop and can be resumed."""


class Interruption:
    """A request to stop, or its absence.

    signal: name of the signal, or whatever else, that requested it; None if there was no request.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start without a request.  clock: returns seconds."""
        self.signal: str | None = None
        self._clock, self._since = clock, 0.0

    def is_requested(self) -> bool:
        """Return whether a stop was requested."""
        return self.signal is not None

    def request_stop(self, number: int, _frame: FrameType | None = None) -> None:
        """Handle a signal by recording a request; repeated signals have no effect."""
        if self.signal is None:
            self.signal, self._since = signal.Signals(number).name, self._clock()

    def request(self, reason: str) -> None:
        """Record a request that comes from this process.  reason: stands for a signal's name."""
        self.signal = self.signal or reason

    def handle_signal(self, number: int, frame: FrameType | None = None) -> None:
        """Handle a signal by recording a request; a second one ends the process.

        A repetition within ECHO_SECONDS is ignored, unless it is Ctrl-C.
        """
        echo = number != signal.SIGINT and self._clock() - self._since < ECHO_SECONDS
        if self.signal is None or echo:
            self.request_stop(number, frame)
            return
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Handle the stop signals as requests, except those that were ignored when the process started."""
    interruption = Interruption()
    with stop_signals_handled(interruption.handle_signal):
        yield interruption


@contextmanager
def stop_signals_handled(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle the stop signals by a function, except those that were ignored when the process started."""
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    handled = [number for number in STOP_SIGNALS if before[number] is not signal.SIG_IGN]
    for number in handled:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])
