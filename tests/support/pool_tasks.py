"""Tasks for pools of processes. Files identify and time them, never the clock."""

from __future__ import annotations

import logging
import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.processes import wait_for
from utils.core.interrupt import Interruption, Stopped

StepCallback = Callable[[int], object]
Task = Callable[[StepCallback, Interruption], str | None]


def run_task(task: Task, on_steps: StepCallback, interruption: Interruption) -> str | None:
    """Call the task: the work of every pool in the tests."""
    return task(on_steps, interruption)


def write_pid(path: Path, on_steps: StepCallback, interruption: Interruption) -> None:
    """Write this process's id to a file, which appears whole."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(str(os.getpid()))
    unfinished.rename(path)


def write_pid_after(other: Path, path: Path, on_steps: StepCallback, interruption: Interruption) -> None:
    """Wait for another file, then write this process's id."""
    wait_for(other.exists)
    write_pid(path, on_steps, interruption)


def report_steps(times: int, on_steps: StepCallback, interruption: Interruption) -> None:
    """Report single steps."""
    for _ in range(times):
        on_steps(1)


def step_until_stopped(path: Path, on_steps: StepCallback, interruption: Interruption) -> None:
    """Write this process's id, report steps until asked to stop, then create a second file."""
    write_pid(path, on_steps, interruption)
    while not interruption.is_requested():
        on_steps(1)
    path.with_suffix(".saved").touch()
    raise Stopped


def log_text(text: str, on_steps: StepCallback, interruption: Interruption) -> None:
    """Log a text at two levels and warn of it."""
    logging.getLogger("policy_params").info("%s", text)
    logging.getLogger("policy_params").debug("too fine: %s", text)
    warnings.warn(f"warned: {text}", stacklevel=1)


def raise_error(on_steps: StepCallback, interruption: Interruption) -> None:
    """Raise an error that nothing expects."""
    raise ValueError("three apples")


def return_reason(on_steps: StepCallback, interruption: Interruption) -> str:
    """Report a failure by its reason."""
    return "the disk is full"


def kill_itself(signal_number: int, on_steps: StepCallback, interruption: Interruption) -> None:
    """Send this process a signal."""
    os.kill(os.getpid(), signal_number)


def kill_itself_at_index_0(runs: list[Any], on_steps: StepCallback, interruption: Interruption) -> None:
    """Kill this process if the stack has index 0; work of a pool, like `run_task`."""
    if runs[0].index == 0:
        kill_itself(signal.SIGKILL, on_steps, interruption)


def exit_with(code: int, on_steps: StepCallback, interruption: Interruption) -> None:
    """End this process with an exit code."""
    os._exit(code)
