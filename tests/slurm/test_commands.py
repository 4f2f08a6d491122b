"""utils/slurm/commands.py: the output of SLURM's commands is parsed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from utils.slurm import commands as slurm
from utils.slurm.commands import Queue, QueuedTask, SlurmError, parse_queue

QUEUE = """\
me|0|RUNNING|None|a.20260101-000000-abcdef.0
me|1|PENDING|Resources|a.20260101-000000-abcdef.0
colleague|12|PENDING|launch failed requeued held|b|c
me|N/A|RUNNING|None|an interactive job
colleague|N/A|RUNNING|None|another
"""


def test_a_queue():
    """The colleague's tasks are found; only the user's own jobs count."""
    tasks = {
        "a.20260101-000000-abcdef.0": {0: QueuedTask("RUNNING", "None"), 1: QueuedTask("PENDING", "Resources")},
        "b|c": {12: QueuedTask("PENDING", "launch failed requeued held")},
    }
    singles = {"an interactive job": QueuedTask("RUNNING", "None"), "another": QueuedTask("RUNNING", "None")}
    assert parse_queue(QUEUE, "me") == Queue(3, tasks, singles)
    assert parse_queue("", "me") == slurm.EMPTY_QUEUE


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A function that writes a command, found before all others of its name."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def write(name: str, script: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/bash\n{script}\n")
        (tmp_path / name).chmod(0o755)

    return write


def test_a_command_that_fails_is_named_with_what_it_said(commands):
    commands("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(SlurmError, match=r"^squeue failed with exit code 1: .*Unable to contact"):
        slurm.read_queue()


def test_the_queues_of_colleagues_are_asked_for_unless_they_have_left(commands, tmp_path):
    commands("squeue", f'echo "$@" >{tmp_path}/seen')
    assert slurm.read_queue({"daemon", "nobody-of-this-name"}) == slurm.EMPTY_QUEUE
    users = ",".join(sorted({slurm.user_name(), "daemon"}))
    assert (tmp_path / "seen").read_text() == f"--user={users} --noheader --array --format=%u|%K|%T|%r|%j\n"


def test_the_configuration_is_asked_for(commands):
    commands("scontrol", "printf 'Configuration data as of 1\nMaxArraySize            = 10001\nPrologFlags = a=b\n'")
    assert slurm.read_config() == {"MaxArraySize": "10001", "PrologFlags": "a=b"}


@pytest.mark.parametrize(("account", "exported"), [(None, "SBATCH_ACCOUNT=def-b\n"), ("def-a", "")])
def test_only_an_account_is_taken_from_sbatchs_variables(commands, monkeypatch, tmp_path, account, exported):
    monkeypatch.setenv("SBATCH_ACCOUNT", "def-b")
    monkeypatch.setenv("SBATCH_TIMELIMIT", "1")
    commands("sbatch", f"env | grep ^SBATCH >{tmp_path}/seen; echo '12345;fir'")
    assert slurm.submit_job(["job.sh"], account) == 12345
    assert (tmp_path / "seen").read_text() == exported


def test_an_answer_that_is_no_number_is_an_error(commands):
    commands("sbatch", "echo 'come back later'")
    with pytest.raises(SlurmError, match="come back later"):
        slurm.submit_job(["job.sh"], None)
