"""Processes that tests start and wait for."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

MAX_WAIT_SECONDS = 60.0
"""Time after which a test that waits in vain fails."""


def wait_for(done: Callable[[], bool]) -> None:
    """Return when a condition holds; fail after MAX_WAIT_SECONDS."""
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def start_interruptible(command: list[str], **options: Any) -> subprocess.Popen[str]:
    """Start a process in a session of its own, which SIGINT interrupts even if this test suite ignores it.

    A suite that a shell has started in the background ignores it, and so would the processes that it starts.
    """
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True, **options)
    finally:
        signal.signal(signal.SIGINT, ignored)
