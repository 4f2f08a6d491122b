"""The code that runs inside a worker process; it communicates with its parent through a pipe only."""

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
"""Function that runs a task: (task, on_steps, interruption) -> what failed, or None.

It calls on_steps with the number of steps made since the last call. It raises `utils.core.interrupt.Stopped` if it was
asked to stop and the task can be resumed later.
"""

REPORT_SECONDS = 0.2
"""Interval at which steps are reported to the parent, s."""

PR_SET_PDEATHSIG = 1
"""Option of prctl(2) on Linux: signal that a process receives when its parent dies."""

TORCH_OUT_OF_MEMORY = (
    "can't allocate memory", "out of memory", "size calculation overflowed", "Overflow when unpacking long",
)  # fmt: skip
"""Texts that identify torch's out-of-memory errors, most of which are plain RuntimeErrors."""


class TaskFailure(NamedTuple):
    """Why a task failed.

    reason: one line or more.  traceback: begins with a newline; empty if the work reported the failure itself.
    expected: whether the reason is sufficient without the traceback.
    """

    reason: str
    traceback: str = ""
    expected: bool = False


class TaskOutcome(NamedTuple):
    """How a task ended.

    failure: None if it did not fail.  stopped: it was asked to stop and can be resumed.
    """

    failure: TaskFailure | None = None
    stopped: bool = False


def run_task(work: Work, task: Any, on_steps: Callable[[int], object], interruption: Interruption) -> TaskOutcome:
    """Run one task and return its outcome; an exception becomes a failure."""
    try:
        reason = work(task, on_steps, interruption)
    except Stopped:
        return TaskOutcome(stopped=True)
    except Exception as error:  # noqa: BLE001 - reported as the task's failure.
        return TaskOutcome(_describe_error(error))
    return TaskOutcome(None if reason is None else TaskFailure(reason))


def _describe_error(error: Exception) -> TaskFailure:
    """Return the failure for the exception being handled; disk and memory errors need no traceback."""
    reason, trace = f"{type(error).__name__}: {error}", "\n" + traceback.format_exc().rstrip()
    if isinstance(error, MemoryError) or any(text in str(error) for text in TORCH_OUT_OF_MEMORY):
        hint = "fewer --jobs, a smaller --stack or smaller hyperparameters need less"
        return TaskFailure(f"memory ran out ({reason.splitlines()[0]}); {hint}", trace, expected=True)
    return TaskFailure(reason, trace, expected=isinstance(error, OSError))


def run_worker(work: Work, pipe: Connection, parent: int, level: int) -> None:
    """Run tasks until the parent closes its end of the pipe or exits.

    parent: its process id.  level: lowest level that is logged.
    Ctrl-C is left to the parent. Any other stop signal, from the parent or sent to all processes of a job, is a
    request to stop, even if repeated.
    """
    interruption = Interruption()
    for number in STOP_SIGNALS:
        signal.signal(number, interruption.request_stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    _exit_with_parent(parent)
    logging.getLogger().addHandler(PipeHandler(pipe))
    logging.getLogger().setLevel(level)
    logging.captureWarnings(True)
    try:
        while True:
            task, reporter = pipe.recv(), StepReporter(pipe.send)
            outcome = run_task(work, task, reporter, interruption)
            reporter.flush()
            pipe.send(outcome)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # The parent has exited or has no more tasks.


def _exit_with_parent(parent: int) -> None:
    """Make the system kill this process when its parent dies, so that its runs can be resumed at once.

    On systems other than Linux, the process notices when it next uses the pipe.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


class PipeHandler(QueueHandler):
    """Log handler that sends records to the parent, with message and traceback formatted as text."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__(pipe)  # type: ignore[arg-type]
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record.  Raises OSError, which ends the work, if the parent has exited."""
        self._pipe.send(self.prepare(record))


class StepReporter:
    """Callback that accumulates steps and sends their sum a few times per second."""

    def __init__(self, send: Callable[[int], object], clock: Callable[[], float] = time.monotonic) -> None:
        """Start with no steps.  send: receives the sum.  clock: returns seconds."""
        self._send, self._clock = send, clock
        self._steps, self._last = 0, clock()

    def __call__(self, steps: int) -> None:
        """Add steps."""
        self._steps += steps
        if self._clock() - self._last >= REPORT_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send the steps accumulated so far."""
        if self._steps:
            self._send(self._steps)
        self._steps, self._last = 0, self._clock()
