"""Tasks for pools of processes. They are told apart and timed by files, never by the clock."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from utils.core.interrupt import Interruption, Stopped

Stepped = Callable[[int], object]
Task = Callable[[Stepped, Interruption], str | None]


def call(task: Task, stepped: Stepped, interruption: Interruption) -> str | None:
    """The work of every test: a task does itself."""
    return task(stepped, interruption)


def sign(path: Path, stepped: Stepped, interruption: Interruption) -> None:
    """Leave this process's id."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(str(os.getpid()))
    unfinished.rename(path)


def sign_after(other: Path, path: Path, stepped: Stepped, interruption: Interruption) -> None:
    """The same, once another file is there."""
    wait_for(other.exists)
    sign(path, stepped, interruption)


def wait_for(done: Callable[[], bool]) -> None:
    """Return when it is; tests that wait in vain are ended by a minute without it."""
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def step(times: int, stepped: Stepped, interruption: Interruption) -> None:
    for _ in range(times):
        stepped(1)


def step_for_ever(path: Path, stepped: Stepped, interruption: Interruption) -> None:
    """Sign, and step until told to stop; then leave a second file."""
    sign(path, stepped, interruption)
    while not interruption.is_requested():
        stepped(1)
    path.with_suffix(".saved").touch()
    raise Stopped


def say(text: str, stepped: Stepped, interruption: Interruption) -> None:
    """Log it in three ways."""
    logging.getLogger("policy_params").info("%s", text)
    logging.getLogger("policy_params").debug("too fine: %s", text)
    warnings.warn(f"warned: {text}", stacklevel=1)


def raise_error(stepped: Stepped, interruption: Interruption) -> None:
    raise ValueError("three apples")


def return_reason(stepped: Stepped, interruption: Interruption) -> str:
    return "the disk is full"


def die(signal_number: int, stepped: Stepped, interruption: Interruption) -> None:
    os.kill(os.getpid(), signal_number)


def die_of_the_first_index(runs: list[Any], stepped: Stepped, interruption: Interruption) -> None:
    """A work by itself: the system kills it at the stack of index 0."""
    if runs[0].index == 0:
        die(signal.SIGKILL, stepped, interruption)


def leave(code: int, stepped: Stepped, interruption: Interruption) -> None:
    os._exit(code)


def start_interruptible(command: list[str], **options: Any) -> subprocess.Popen[str]:
    """A process in a session of its own, which SIGINT interrupts even where this suite ignores it.

    A suite that a shell started in the background does, and so would what it starts.
    """
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True, **options)
    finally:
        signal.signal(signal.SIGINT, ignored)
