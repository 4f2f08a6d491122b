"""Being told to stop: the first signal asks for a checkpoint, the second ends the process."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


class Interruption:
    """Whether the process was told to stop.  signal: the name of what told it."""

    def __init__(self) -> None:
        self.signal: str | None = None

    def requested(self) -> bool:
        """Polled at every step."""
        return self.signal is not None

    def take(self, number: int, _frame: FrameType | None = None) -> None:
        """Handle a signal. A second one, of whichever kind, does what it does without us."""
        if self.signal is None:
            self.signal = signal.Signals(number).name
            return
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Take the signals that ask for a stop, but for those that whoever started the process has ignored."""
    interruption = Interruption()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    taken = [number for number in SIGNALS if before[number] is not signal.SIG_IGN]
    for number in taken:
        signal.signal(number, interruption.take)
    try:
        yield interruption
    finally:
        for number in taken:
            signal.signal(number, before[number])
