"""Tasks done by several processes at once, each task by whichever process is free.

Every worker has a pipe of its own to the parent, over which go its tasks, its log records, its steps
and its outcomes. So lines of different workers never mix; a worker that dies leaves a closed pipe
behind, which is noticed at once, and no lock that others wait for; and a worker dies with its parent.
Told to stop, the parent tells its workers, begins nothing more, and waits for what they are saving.

Workers are spawned: a fork would copy the state of libraries, their locks and threads half-way.
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
from utils.workers.worker import TaskFailure, TaskOutcome, Work, attempt, serve

Stepped = Callable[[int, int], object]
"""Called with a task's number, and the steps it has made since the last call."""

Ended = tuple[int, TaskOutcome]
"""A task's number, and how it ended."""

SECONDS_TO_LEAVE = 10.0
"""What a worker that is to leave may take over it."""

SECONDS_BETWEEN_LOOKS = 0.2
"""After which the parent sees whether it was told to stop."""

SPAWN = multiprocessing.get_context("spawn")


def run_tasks(
    work: Work, tasks: Sequence[Any], jobs: int, stepped: Stepped, interruption: Interruption
) -> Generator[Ended, None, None]:
    """Do the tasks, begun in order, `jobs` at a time; in this process if that is one. Yields outcomes as they come.

    work and tasks are pickled where there are more jobs.  A task that fails does not end the others.
    interruption: once it is requested, no task begins, and tasks without an outcome were not begun.
    """
    if min(jobs, len(tasks)) <= 1:
        for number, task in enumerate(tasks):
            if interruption.is_requested():
                return
            yield number, attempt(work, task, partial(stepped, number), interruption)
        return
    with Pool(work, jobs, interruption) as pool:
        yield from pool.do(tasks, stepped)


class Pool:
    """Processes that stay for several tasks, as what they import takes seconds to load."""

    def __init__(self, work: Work, jobs: int, interruption: Interruption) -> None:
        self._work, self._jobs, self._interruption = work, jobs, interruption
        self._idle: list[Worker] = []
        self._busy: dict[Connection, Worker] = {}

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Dismiss all workers; after an error, having them stop."""
        for worker in self._idle:
            worker.dismiss()
        for worker in self._busy.values():
            worker.dismiss() if kind is None else worker.stop()
        for worker in [*self._idle, *self._busy.values()]:
            worker.bury()

    def do(self, tasks: Sequence[Any], stepped: Stepped) -> Generator[Ended, None, None]:
        """See `run_tasks`."""
        waiting, told = deque(enumerate(tasks)), False
        while waiting or self._busy:
            if self._interruption.is_requested() and not told:
                told = True
                waiting.clear()
                for worker in self._busy.values():
                    worker.stop()
            while waiting and len(self._busy) < self._jobs:
                self._give(*waiting.popleft())
            if not waiting:
                for worker in self._idle:  # What they hold is free again while the others go on.
                    worker.dismiss()
            for pipe in wait([*self._busy], SECONDS_BETWEEN_LOOKS):
                worker = self._busy[pipe]  # type: ignore[index]
                if (outcome := worker.hear(stepped)) is not None:
                    self._release(worker)
                    yield worker.number, outcome

    def _give(self, number: int, task: Any) -> None:
        """Hand a task to an idle worker, or to a new one."""
        worker = self._idle.pop() if self._idle else Worker(self._work)
        self._busy[worker.pipe] = worker
        worker.give(number, task)

    def _release(self, worker: Worker) -> None:
        """The worker, if it still lives, is free."""
        del self._busy[worker.pipe]
        if not worker.pipe.closed:
            self._idle.append(worker)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals to stop wait; processes started meanwhile let them wait until they can heed them."""
    resource_tracker.ensure_running()  # It would let Ctrl-C through when it is started later.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


class Worker:
    """One process, seen from its parent.  number: its present task's."""

    def __init__(self, work: Work) -> None:
        self.number = -1
        self.pipe, theirs = SPAWN.Pipe()
        level = logging.getLogger().getEffectiveLevel()
        self.process = SPAWN.Process(target=serve, args=(work, theirs, os.getpid(), level), daemon=True)
        with _undisturbed():
            self.process.start()
        theirs.close()

    def give(self, number: int, task: Any) -> None:
        """Hand over a task. Whether the process still lives, `hear` finds out."""
        self.number = number
        with suppress(BrokenPipeError, ConnectionResetError):
            self.pipe.send(task)

    def hear(self, stepped: Stepped) -> TaskOutcome | None:
        """Take in the next thing it says, and pass it on. Returns the outcome if its task has ended."""
        try:
            message = self.pipe.recv()
        except (EOFError, OSError):
            self.bury()
            return TaskOutcome(TaskFailure(self._cause_of_death()))
        if isinstance(message, TaskOutcome):
            return message
        if isinstance(message, logging.LogRecord):
            logging.getLogger(message.name).handle(message)
        else:
            stepped(self.number, message)
        return None

    def stop(self) -> None:
        """Have it save what it does and end its task."""
        self.process.terminate()

    def dismiss(self) -> None:
        """Have it leave when it next listens or speaks."""
        self.pipe.close()

    def bury(self) -> None:
        """Wait for its end, and bring it about if it does not come.

        Until its task has ended it may speak: one that is told to stop would else leave without having saved.
        """
        deadline = time.monotonic() + SECONDS_TO_LEAVE
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

    def _cause_of_death(self) -> str:
        """In one line."""
        code = self.process.exitcode
        assert code is not None
        if code == -signal.SIGKILL:
            hint = "as the system does when memory runs out; fewer --jobs or a smaller --stack need less"
            return f"its process was killed, {hint}"
        if code < 0:
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"its process left with exit code {code}"
