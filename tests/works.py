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

Stepped = Callable[[int], object]


def call(task: Callable[[Stepped], str | None], stepped: Stepped) -> str | None:
    """The work of every test: a task does itself."""
    return task(stepped)


def sign(path: Path, stepped: Stepped) -> None:
    """Leave this process's id."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(str(os.getpid()))
    unfinished.rename(path)


def sign_after(other: Path, path: Path, stepped: Stepped) -> None:
    """The same, once another file is there."""
    wait_for(other.exists)
    sign(path, stepped)


def wait_for(done: Callable[[], bool]) -> None:
    """Return when it is; tests that wait in vain are ended by a minute without it."""
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def step(times: int, stepped: Stepped) -> None:
    for _ in range(times):
        stepped(1)


def step_for_ever(path: Path, stepped: Stepped) -> None:
    """Sign, step until stopped, and unwind by leaving a second file."""
    try:
        sign(path, stepped)
        while True:
            stepped(1)
    finally:
        path.with_suffix(".unwound").touch()


def say(text: str, stepped: Stepped) -> None:
    """Log it in three ways."""
    logging.getLogger("policy_params").info("%s", text)
    logging.getLogger("policy_params").debug("too fine: %s", text)
    warnings.warn(f"warned: {text}", stacklevel=1)


def raise_error(stepped: Stepped) -> None:
    raise ValueError("three apples")


def return_reason(stepped: Stepped) -> str:
    return "the disk is full"


def die(signal_number: int, stepped: Stepped) -> None:
    os.kill(os.getpid(), signal_number)


def leave(code: int, stepped: Stepped) -> None:
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
