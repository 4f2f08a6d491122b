"""A process of a pool, from its own side: it does tasks as they come and speaks through its pipe only."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from logging.handlers import QueueHandler
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from utils.core.interrupt import STOP_SIGNALS, Interruption, Stopped

Work = Callable[[Any, Callable[[int], object], Interruption], str | None]
"""Does a task, telling the callable how many steps it has made since it last did. Returns what failed, or None.

Raises `utils.core.interrupt.Stopped` if it was told to stop and can go on another time.
"""

SECONDS_BETWEEN_REPORTS = 0.2

PR_SET_PDEATHSIG = 1
"""Linux, prctl(2)."""


TORCH_OUT_OF_MEMORY = (
    "can't allocate memory", "out of memory", "size calculation overflowed", "Overflow when unpacking long",
)  # fmt: skip
"""Texts of torch's errors of that kind: most are mere RuntimeErrors."""


class TaskFailure(NamedTuple):
    """Why a task failed.  traceback: where, beginning with a new line, if its work did not foresee it.

    expected: the reason says it all.
    """

    reason: str
    traceback: str = ""
    expected: bool = False


class TaskOutcome(NamedTuple):
    """How a task ended.  failure: None if it did not fail.  stopped: it was told to stop, and can go on."""

    failure: TaskFailure | None = None
    stopped: bool = False


def attempt(work: Work, task: Any, stepped: Callable[[int], object], interruption: Interruption) -> TaskOutcome:
    """Do one task. Whatever error ends it ends it alone."""
    try:
        reason = work(task, stepped, interruption)
    except Stopped:
        return TaskOutcome(stopped=True)
    except Exception as error:  # noqa: BLE001 - handed on to be reported.
        return TaskOutcome(_failure(error))
    return TaskOutcome(None if reason is None else TaskFailure(reason))


def _failure(error: Exception) -> TaskFailure:
    """What there is to say of an error, which is being handled. Of a disk or memory that fails, one line says it."""
    reason, trace = f"{type(error).__name__}: {error}", "\n" + traceback.format_exc().rstrip()
    if isinstance(error, MemoryError) or any(text in str(error) for text in TORCH_OUT_OF_MEMORY):
        hint = "fewer --jobs, a smaller --stack or smaller hyperparameters need less"
        return TaskFailure(f"memory ran out ({reason.splitlines()[0]}); {hint}", trace, expected=True)
    return TaskFailure(reason, trace, expected=isinstance(error, OSError))


def serve(work: Work, pipe: Connection, parent: int, level: int) -> None:
    """Do tasks until the parent closes its end of the pipe, or is gone.

    parent: its process id.  level: the least that is logged.  Ctrl-C is the parent's affair. Any other
    signal to stop, from the parent or from whoever signals us all, is a request, however often it comes.
    """
    interruption = Interruption()
    for number in STOP_SIGNALS:
        signal.signal(number, interruption.request_stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    _die_with(parent)
    logging.getLogger().addHandler(PipeHandler(pipe))
    logging.getLogger().setLevel(level)
    logging.captureWarnings(True)
    try:
        while True:
            task, report = pipe.recv(), Report(pipe.send)
            outcome = attempt(work, task, report, interruption)
            report.flush()
            pipe.send(outcome)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # The parent is gone or wants no more.


def _die_with(parent: int) -> None:
    """Have the system kill this process when its parent dies: its runs may then be gone on with at once.

    Elsewhere than on Linux, a process finds out when it next speaks.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


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
