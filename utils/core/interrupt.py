"""Being told to stop: the first signal asks for a checkpoint, a second one ends the process."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)

ECHO_SECONDS = 1.0
"""A scheduler may signal a process itself and have its batch script do so, too: that is one request."""


class Stopped(Exception):
    """Training was told to stop, and can be gone on with."""


class Interruption:
    """Whether the process was told to stop.  signal: the name of what told it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: seconds."""
        self.signal: str | None = None
        self._clock, self._since = clock, 0.0

    def is_requested(self) -> bool:
        """Polled at every step."""
        return self.signal is not None

    def request_stop(self, number: int, _frame: FrameType | None = None) -> None:
        """Handle a signal, the first as all others."""
        if self.signal is None:
            self.signal, self._since = signal.Signals(number).name, self._clock()

    def handle_signal(self, number: int, frame: FrameType | None = None) -> None:
        """Handle a signal. A second one does what it does without us, if it is Ctrl-C or no mere echo."""
        echo = number != signal.SIGINT and self._clock() - self._since < ECHO_SECONDS
        if self.signal is None or echo:
            self.request_stop(number, frame)
            return
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Take the signals that ask for a stop, but for those that whoever started the process has ignored."""
    interruption = Interruption()
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    taken = [number for number in STOP_SIGNALS if before[number] is not signal.SIG_IGN]
    for number in taken:
        signal.signal(number, interruption.handle_signal)
    try:
        yield interruption
    finally:
        for number in taken:
            signal.signal(number, before[number])
