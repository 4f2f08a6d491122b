"""utils/slurm/job_limits.py and utils/slurm/slurm_state.py: limits on jobs, from fake commands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from utils.slurm.cluster import Cluster
from utils.slurm.commands import EMPTY_QUEUE, user_name
from utils.slurm.job_limits import Association, JobLimit, find_limits, parse_cache, parse_rows
from utils.slurm.slurm_state import assume_state, read_state

ME = user_name()

ROWS = f"""\
def-a_cpu||200|
def-a_cpu|{ME}||100
def-a_cpu|colleague|5|5
def-a_gpu|{ME}||10
rrg-b|{ME}|70|50
"""

CACHE = """\
Current Association Manager state

ClusterName=fir Account=def-a_cpu UserName= Partition= ID=2 GrpJobs=N(3) GrpSubmitJobs=200(37) MaxJobs= MaxSubmitJobs=
ClusterName=fir Account=def-a_cpu UserName=me(1000) Partition= ID=3 GrpSubmitJobs=N(2) MaxSubmitJobs=100(2) MaxWallPJ=
"""


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A function that writes a command, found before all others of its name; unwritten ones of SLURM fail."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("SBATCH_ACCOUNT", raising=False)

    def write(name: str, script: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/bash\n{script}\n")
        (tmp_path / name).chmod(0o755)

    for name in ("sacctmgr", "scontrol", "squeue"):
        write(name, "exit 1")
    return write


def test_lines_of_sacctmgr():
    assert list(parse_rows("def-a||200|\ndef-a|me||100\n")) == [
        Association("def-a", "", 200, None),
        Association("def-a", "me", None, 100),
    ]


def test_lines_of_the_controllers_copy():
    assert list(parse_cache(CACHE)) == [
        Association("def-a_cpu", "", 200, None),
        Association("def-a_cpu", "me", None, 100),
    ]


@pytest.mark.parametrize(
    ("account", "kind", "limits"),
    [
        (
            "def-a",
            "cpu",
            [JobLimit("MaxSubmitJobs of def-a_cpu", 100, 4), JobLimit("GrpSubmitJobs of def-a_cpu", 200, 6)],
        ),
        ("def-a", "gpu", [JobLimit("MaxSubmitJobs of def-a_gpu", 10, 4)]),
        ("rrg-b", "cpu", [JobLimit("MaxSubmitJobs of rrg-b", 50, 4), JobLimit("GrpSubmitJobs of rrg-b", 70, 4)]),
        ("other", "cpu", []),
    ],
)
def test_limits_of_the_account_that_is_charged(commands, account, kind, limits):
    """The account as a whole has six jobs, of which four are the user's."""
    commands("sacctmgr", f"cat <<'END'\n{ROWS}END")
    commands("squeue", "printf '1_0\\n1_1\\n1_2\\n1_3\\n2\\n3\\n'")
    assert find_limits(account, kind, 4) == limits


def test_any_account_of_the_user_if_slurm_chooses(commands):
    commands("sacctmgr", f"cat <<'END'\n{ROWS}END")
    found = {limit.name: limit.jobs for limit in find_limits(None, "cpu", 4)}
    assert found == {
        "MaxSubmitJobs of def-a_cpu": 100, "GrpSubmitJobs of def-a_cpu": 200, "MaxSubmitJobs of def-a_gpu": 10,
        "MaxSubmitJobs of rrg-b": 50, "GrpSubmitJobs of rrg-b": 70,
    }  # fmt: skip


def test_the_controllers_copy_is_asked_if_the_database_may_not_be(commands):
    commands("scontrol", f"cat <<'END'\n{CACHE.replace('me(1000)', ME + '(1000)')}END")
    assert [limit.jobs for limit in find_limits("def-a", "cpu", 2)] == [100, 200]


def test_without_a_database_there_is_no_limit(commands):
    assert find_limits("def-a", "cpu", 2) == []


@pytest.mark.parametrize(
    ("max_jobs", "name", "free"),
    [(None, "MaxSubmitJobs of def-a", 5), (9, "MaxSubmitJobs of def-a", 5), (6, "max_jobs of the cluster file", 4)],
)
def test_the_smaller_of_the_file_and_the_database(commands, max_jobs, name, free):
    """Two jobs are in the queue."""
    commands("sacctmgr", f"echo 'def-a|{ME}||7'")
    commands("squeue", f"printf '{ME}|N/A|RUNNING|None|x\\n{ME}|N/A|RUNNING|None|y\\n'")
    commands("scontrol", "echo 'MaxArraySize = 11'")
    state = read_state(Cluster(account="def-a", max_jobs=max_jobs), set())
    assert state.limit is not None
    assert (state.limit.name, state.limit.free, state.array_size, state.notes) == (name, free, 11, ())


def test_the_account_of_the_environment_is_the_one_that_is_charged(commands, monkeypatch):
    monkeypatch.setenv("SBATCH_ACCOUNT", "rrg-b")
    commands("sacctmgr", f"cat <<'END'\n{ROWS}END")
    commands("squeue", "true")
    commands("scontrol", "true")
    assert read_state(Cluster(), set()).limit == JobLimit("MaxSubmitJobs of rrg-b", 50, 0)


def test_a_limit_that_is_exceeded_leaves_nothing():
    assert JobLimit("x", 5, 7).free == 0


def test_hidden_jobs_of_colleagues_are_pointed_out(commands):
    commands("squeue", "true")
    commands("scontrol", "echo 'PrivateData = accounts,jobs'")
    assert read_state(Cluster(), {ME}).notes == ()
    assert "runs that daemon submitted may be in the queue" in read_state(Cluster(), {ME, "daemon"}).notes[0]


def test_what_is_assumed_without_slurm():
    state = assume_state(Cluster(max_jobs=5, max_array_size=7))
    assert state == (EMPTY_QUEUE, JobLimit("max_jobs of the cluster file", 5, 0), 7, ())
