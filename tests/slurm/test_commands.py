"""utils/slurm/commands.py: the output of SLURM's commands is parsed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from utils.slurm import commands as slurm
from utils.slurm.commands import Queue, QueuedTask, SlurmError, parse_job_limit, parse_queue

QUEUE = """\
0|RUNNING|None|a.20260101-000000-abcdef.0
1|PENDING|Resources|a.20260101-000000-abcdef.0
12|PENDING|launch failed requeued held|b|c
N/A|RUNNING|None|an interactive job
"""


def test_a_queue():
    tasks = {
        "a.20260101-000000-abcdef.0": {0: QueuedTask("RUNNING", "None"), 1: QueuedTask("PENDING", "Resources")},
        "b|c": {12: QueuedTask("PENDING", "launch failed requeued held")},
    }
    assert parse_queue(QUEUE) == Queue(4, tasks)
    assert parse_queue("") == slurm.EMPTY_QUEUE


@pytest.mark.parametrize(
    ("account", "limit"), [("def-a", 1000), ("rrg-b", 500), ("def-none", None), (None, 500), ("other", None)]
)
def test_limits(account, limit):
    assert parse_job_limit("def-a_cpu|1000\ndef-a_gpu|10\nrrg-b|500\ndef-none|\n", account) == (
        10 if account is None else limit
    )


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


def test_the_size_of_arrays_is_asked_for(commands):
    commands("scontrol", "printf 'Configuration data\\nMaxArraySize            = 10001\\nMaxJobCount = 5\\n'")
    assert slurm.max_array_size() == 10001
    commands("scontrol", "echo 'MaxJobCount = 5'")
    assert slurm.max_array_size() is None


def test_the_limit_on_jobs_is_asked_for_and_may_remain_unknown(commands):
    commands("sacctmgr", "echo 'def-a|7'")
    assert slurm.max_jobs("def-a") == 7
    commands("sacctmgr", "echo 'no database' >&2; exit 1")
    assert slurm.max_jobs("def-a") is None


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
