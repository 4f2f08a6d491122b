"""A process of a pool, from its own side: it does tasks as they come and speaks through its pipe only."""

from __future__ import annotations

import logging
import signal
import sys
import time
import traceback
from collections.abc import Callable
from logging.handlers import QueueHandler
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

Work = Callable[[Any, Callable[[int], object]], str | None]
"""Does a task, telling the callable how many steps it has made since it last did. Returns what failed, or None."""

SECONDS_BETWEEN_REPORTS = 0.2

EXIT_TERMINATED = 128 + signal.SIGTERM
"""As a shell reports it."""


class Failure(NamedTuple):
    """Why a task failed.  traceback: where, beginning with a new line, if its work did not foresee it."""

    reason: str
    traceback: str = ""


class Outcome(NamedTuple):
    """How a task ended.  failure: None if it did not fail."""

    failure: Failure | None


def attempt(work: Work, task: Any, stepped: Callable[[int], object]) -> Outcome:
    """Do one task. Whatever error ends it ends it alone."""
    try:
        reason = work(task, stepped)
    except Exception as error:  # noqa: BLE001 - handed on to be reported.
        return Outcome(Failure(f"{type(error).__name__}: {error}", "\n" + traceback.format_exc().rstrip()))
    return Outcome(None if reason is None else Failure(reason))


def serve(work: Work, pipe: Connection, level: int) -> None:
    """Do tasks until the parent closes its end of the pipe, or is gone.  level: the least that is logged.

    Ctrl-C is the parent's affair. SIGTERM unwinds the stack, so that no unfinished file stays.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))
    logging.getLogger().addHandler(PipeHandler(pipe))
    logging.getLogger().setLevel(level)
    logging.captureWarnings(True)
    try:
        while True:
            task, report = pipe.recv(), Report(pipe.send)
            outcome = attempt(work, task, report)
            report.flush()
            pipe.send(outcome)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # Nothing is left to unwind.


class PipeHandler(QueueHandler):
    """Sends records to the parent, message and traceback already text."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__(pipe)  # type: ignore[arg-type]
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        """Raises OSError, which ends the work, if the parent is gone."""
        self._pipe.send(self.prepare(record))


class Report:
    """Adds up steps, and sends what has come together a few times a second."""

    def __init__(self, send: Callable[[int], object], clock: Callable[[], float] = time.monotonic) -> None:
        """clock: seconds."""
        self._send, self._clock = send, clock
        self._steps, self._last = 0, clock()

    def __call__(self, steps: int) -> None:
        """So many more."""
        self._steps += steps
        if self._clock() - self._last >= SECONDS_BETWEEN_REPORTS:
            self.flush()

    def flush(self) -> None:
        """Send what there is."""
        if self._steps:
            self._send(self._steps)
        self._steps, self._last = 0, self._clock()
