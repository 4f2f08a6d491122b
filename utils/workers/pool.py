"""A pool of worker processes; each task runs in whichever process is idle.

Every worker has its own pipe to the parent, which carries its tasks, log records, steps and outcomes. Lines of
different workers therefore never mix. When a worker dies, its pipe closes, so the parent notices at once and no lock
stays held. When the parent dies, its workers die too. When asked to stop, the parent asks its workers to stop, starts
no further task, and waits until the workers have saved.

Workers are spawned: a fork would copy the locks and threads of libraries in an inconsistent state.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from utils.core.interrupt import STOP_SIGNALS, Interruption
from utils.workers.worker import TaskFailure, TaskOutcome, Work, run_task, run_worker

StepCallback = Callable[[int, int], object]
"""Callback that receives a task's number and the steps it has made since the last call."""

NumberedOutcome = tuple[int, TaskOutcome]
"""A task's number and its outcome."""

EXIT_SECONDS = 10.0
"""Time a worker has to exit before it is killed, s."""

POLL_SECONDS = 0.2
"""Interval at which the parent checks whether it was asked to stop, s."""

SPAWN = multiprocessing.get_context("spawn")


def run_tasks(
    work: Work, tasks: Sequence[Any], jobs: int, on_steps: StepCallback, interruption: Interruption
) -> Generator[NumberedOutcome, None, None]:
    """Run the tasks, `jobs` at a time, and yield their outcomes as they arrive.

    Tasks start in order; with one job or one task they run in this process. work and tasks are pickled if there are
    several processes. A failed task does not end the others.
    interruption: once it is requested, no further task starts; tasks without an outcome were not started.
    """
    if min(jobs, len(tasks)) <= 1:
        for number, task in enumerate(tasks):
            if interruption.is_requested():
                return
            yield number, run_task(work, task, partial(on_steps, number), interruption)
        return
    with Pool(work, jobs, interruption) as pool:
        yield from pool.run(tasks, on_steps)


class Pool:
    """Worker processes that are reused for several tasks, because their imports take seconds."""

    def __init__(self, work: Work, jobs: int, interruption: Interruption) -> None:
        self._work, self._jobs, self._interruption = work, jobs, interruption
        self._idle: list[Worker] = []
        self._busy: dict[Connection, Worker] = {}

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Dismiss all workers; after an error, ask the busy ones to stop."""
        for worker in self._idle:
            worker.dismiss()
        for worker in self._busy.values():
            worker.dismiss() if kind is None else worker.request_stop()
        for worker in [*self._idle, *self._busy.values()]:
            worker.join()

    def run(self, tasks: Sequence[Any], on_steps: StepCallback) -> Generator[NumberedOutcome, None, None]:
        """Run the tasks and yield their outcomes; see `run_tasks`."""
        waiting, stopping = deque(enumerate(tasks)), False
        while waiting or self._busy:
            if self._interruption.is_requested() and not stopping:
                stopping = True
                waiting.clear()
                for worker in self._busy.values():
                    worker.request_stop()
            while waiting and len(self._busy) < self._jobs:
                self._start_task(*waiting.popleft())
            if not waiting:
                for worker in self._idle:  # Frees their memory while the other workers continue.
                    worker.dismiss()
            for pipe in wait([*self._busy], POLL_SECONDS):
                worker = self._busy[pipe]  # type: ignore[index]
                if (outcome := worker.receive(on_steps)) is not None:
                    self._release(worker)
                    yield worker.number, outcome

    def _start_task(self, number: int, task: Any) -> None:
        """Give a task to an idle worker, or to a new one."""
        worker = self._idle.pop() if self._idle else Worker(self._work)
        self._busy[worker.pipe] = worker
        worker.send_task(number, task)

    def _release(self, worker: Worker) -> None:
        """Mark a worker as idle, unless it has died."""
        del self._busy[worker.pipe]
        if not worker.pipe.closed:
            self._idle.append(worker)


@contextmanager
def _blocked_signals() -> Iterator[None]:
    """Block the stop signals; processes started meanwhile inherit the block until they can handle signals."""
    resource_tracker.ensure_running()  # If it were started later, it would not block Ctrl-C.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


class Worker:
    """One worker process as its parent sees it.

    number: number of its current task.  pipe: the parent's end of the pipe.
    """

    def __init__(self, work: Work) -> None:
        self.number = -1
        self.pipe, theirs = SPAWN.Pipe()
        level = logging.getLogger().getEffectiveLevel()
        self.process = SPAWN.Process(target=run_worker, args=(work, theirs, os.getpid(), level), daemon=True)
        with _blocked_signals():
            self.process.start()
        theirs.close()

    def send_task(self, number: int, task: Any) -> None:
        """Send a task. If the process has died, `receive` reports it."""
        self.number = number
        with suppress(BrokenPipeError, ConnectionResetError):
            self.pipe.send(task)

    def receive(self, on_steps: StepCallback) -> TaskOutcome | None:
        """Receive one message and pass it on. Returns the outcome if the task has ended."""
        try:
            message = self.pipe.recv()
        except (EOFError, OSError):
            self.join()
            return TaskOutcome(TaskFailure(self._exit_reason()))
        if isinstance(message, TaskOutcome):
            return message
        if isinstance(message, logging.LogRecord):
            logging.getLogger(message.name).handle(message)
        else:
            on_steps(self.number, message)
        return None

    def request_stop(self) -> None:
        """Ask the process to save and end its task."""
        self.process.terminate()

    def dismiss(self) -> None:
        """Close the pipe; the process exits when it next uses it."""
        self.pipe.close()

    def join(self) -> None:
        """Wait until the process has exited; kill it after EXIT_SECONDS.

        The pipe stays open until the task has ended: a worker asked to stop would otherwise exit without saving.
        """
        deadline = time.monotonic() + EXIT_SECONDS
        with suppress(EOFError, OSError):
            while self.pipe.poll(max(0.0, deadline - time.monotonic())) and not isinstance(
                self.pipe.recv(), TaskOutcome
            ):
                pass
        self.pipe.close()
        self.process.join(max(0.0, deadline - time.monotonic()))
        if self.process.is_alive():
            self.process.kill()
            self.process.join()

    def _exit_reason(self) -> str:
        """Return in one line why the process exited."""
        code = self.process.exitcode
        assert code is not None
        if code == -signal.SIGKILL:
            hint = "as the system does when memory runs out; fewer --jobs or a smaller --stack need less"
            return f"its process was killed, {hint}"
        if code < 0:
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"its process exited with code {code}"
