"""Executions of main.py in processes that are forked from this one, whose libraries are imported already.

An execution takes a second less than a new interpreter does, and is a process of its own all the same. They share
Python's hash seed, however: what depends on it is the same in all of them.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from main import main
from tests.faults.third_party_verdicts import KILLED
from utils.core.process_setup import limit_threads


class ForkedProcess:
    """A process that runs main.py.  stdout: lines of its standard output and error."""

    def __init__(self, pid: int, output: int) -> None:
        self.pid = pid
        self.stdout = os.fdopen(output, errors="replace")

    def terminate(self) -> None:
        """Send SIGTERM."""
        os.kill(self.pid, signal.SIGTERM)

    def wait(self) -> int:
        """Return the exit code once the process has ended; -N if signal N ended it, KILLED if its time was up."""
        self.stdout.close()
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return KILLED if code == -signal.SIGALRM else code


class ForkedInterpreter:
    """This interpreter, once it has imported what main.py needs."""

    def __init__(self) -> None:
        limit_threads()
        import utils.wiring.run  # noqa: F401

    def start(self, arguments: Sequence[str], folder: Path, seconds: int) -> ForkedProcess:
        """Run main.py in a folder, for at most some seconds: SIGALRM ends it then."""
        output, end = os.pipe()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            signal.alarm(seconds)
            os.chdir(folder)
            os.dup2(end, 1)
            os.dup2(end, 2)
            _run_and_exit(list(arguments))
        os.close(end)
        return ForkedProcess(pid, output)


def _run_and_exit(arguments: list[str]) -> None:
    """Run main.py and end the process as the interpreter does."""
    sys.stdout, sys.stderr = (os.fdopen(fd, "w", buffering=1) for fd in (1, 2))
    logging.getLogger().handlers.clear()  # main.py sets up its own.
    code = 1
    try:
        main(arguments, prog_name="main.py")
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:  # noqa: BLE001 - the process ends here.
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
