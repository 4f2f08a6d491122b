"""A command that trains by main.py passes requests to stop on: main.py writes its checkpoint, and nothing goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from utils.core.run_script import ROOT

CHILD = """
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from utils.core.interrupt import interruptible
with interruptible() as interruption:
    print("child", os.getpid(), flush=True)
    while not interruption.is_requested():
        time.sleep(0.01)
    print("asked to stop", flush=True)
    time.sleep({saving})  # Longer than subprocess.run leaves a child after Ctrl-C.
print("saved", flush=True)
sys.exit({code})
"""

PARENT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # A background process ignores it.
sys.path.insert(0, {root!r})
from utils.core.run_script import run_script
run_script([{child!r}])
print("next command", flush=True)
"""


def start(tmp_path: Path, code: int = 75, saving: float = 0.6) -> tuple[subprocess.Popen[str], int]:
    """Start a process that runs a script, in a process group of its own, and return both when the script is ready."""
    (tmp_path / "child.py").write_text(CHILD.format(root=str(ROOT), saving=saving, code=code))
    (tmp_path / "parent.py").write_text(PARENT.format(root=str(ROOT), child=str(tmp_path / "child.py")))
    command = [sys.executable, str(tmp_path / "parent.py")]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, process_group=0)
    assert parent.stdout is not None
    while not (line := parent.stdout.readline()).startswith("child "):
        assert line, "the script did not start"
    return parent, int(line.split()[1])


@pytest.mark.parametrize("code", [75, 0], ids=["stops", "ends all the same"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.parametrize("group", [False, True], ids=["alone", "group"])
def test_request_to_stop_reaches_the_script(tmp_path, number, group, code):
    """One signal, to the command alone or to its process group as of Ctrl-C: the script saves, and no other follows."""
    parent, _ = start(tmp_path, code)
    (os.killpg if group else os.kill)(parent.pid, number)
    output, _ = parent.communicate(timeout=120)
    assert (output, parent.returncode) == ("asked to stop\nsaved\n", 75)


def test_second_request_ends_the_script_at_once(tmp_path):
    """Two SIGINT to the process group, as of Ctrl-C twice: the script does not save."""
    parent, child = start(tmp_path, saving=600)
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "asked to stop\n"
    os.killpg(parent.pid, signal.SIGINT)
    output, _ = parent.communicate(timeout=120)
    assert (output, parent.returncode) == ("", 75)
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_script_that_is_killed_fails_with_the_shells_code(tmp_path):
    """Exit code 128 + 9, as of a script that the system kills for its memory."""
    parent, child = start(tmp_path)
    os.kill(child, signal.SIGKILL)
    output, _ = parent.communicate(timeout=120)
    assert (output, parent.returncode) == ("", 128 + 9)
