"""The project's scripts: their paths, for messages, and as child processes of another command."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import click

from utils.core.interrupt import STOPPED_EXIT_CODE, stop_signals_handled
from utils.core.source_hash import ROOT

BEHIND_TERMINAL_SECONDS = 0.2
"""Time by which Ctrl-C is passed on after the terminal has sent it, s; shorter than interrupt.ECHO_SECONDS."""


def script_path(name: str) -> str:
    """Return the path of a script for a command line that is typed in this process's working directory.

    name: its path in the project, such as "utils/watch.py".
    """
    return name if Path.cwd() == ROOT else str(ROOT / name)


def run_script(words: Sequence[str]) -> None:
    """Print a script's command line and run it; exit with its code if it fails.  words: script and arguments.

    A request to stop this process is passed on to the script, which ends in its own way: main.py writes a checkpoint.
    This process exits with 75 then, even if the script was about to end without a failure.
    """
    click.echo(shlex.join(["python", *words]))
    relay = SignalRelay()
    with stop_signals_handled(relay.handle_signal):
        relay.child = subprocess.Popen([sys.executable, ROOT / words[0], *words[1:]])
        if relay.requested:
            relay.child.terminate()
        code = relay.child.wait()
    if code < 0:  # Ended by a signal, as a shell has it.
        code = STOPPED_EXIT_CODE if relay.requested else 128 - code
    if code or relay.requested:
        sys.exit(code or STOPPED_EXIT_CODE)


class SignalRelay:
    """The stop signals that this process receives while a child process runs, passed on to it.

    child: the process; None before it has started.  requested: whether there was a signal.
    """

    def __init__(self) -> None:
        self.child: subprocess.Popen[bytes] | None = None
        self.requested = False

    def handle_signal(self, number: int, _frame: FrameType | None) -> None:
        """Pass a signal on to the child.

        Ctrl-C reaches the child by itself, and a second SIGINT would end it before its checkpoint. So it is passed on,
        a moment later, as SIGTERM, which main.py takes for a repetition, or for the request if this process alone was
        sent SIGINT.
        """
        self.requested = True
        if self.child is None:
            return
        if number == signal.SIGINT:
            time.sleep(BEHIND_TERMINAL_SECONDS)
            number = signal.SIGTERM
        self.child.send_signal(number)
