"""utils/slurm/job_limits.py, accounting.py and slurm_state.py: limits on jobs, from recorded answers of SLURM 22.05.

`tests/slurm/accounting.py` has the accounts and the jobs in the queue, and recorded the answers. What SLURM accepts in
each of these cases is tested in `test_real_accounting.py`.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path

import pytest

from tests.slurm.accounting import CHARGES, RECORDED, UID, USER
from utils.slurm import job_limits, slurm_state
from utils.slurm.accounting import Association, Qos, parse_associations, parse_copy, parse_qos
from utils.slurm.cluster import Cluster
from utils.slurm.commands import EMPTY_QUEUE
from utils.slurm.job_limits import Charge, JobLimit, accounts_above, find_limits, smallest_limit
from utils.slurm.slurm_state import assume_state, read_state

ANSWERS: dict[str, str] = json.loads(RECORDED.read_text())

MINE = 4
"""Jobs of the user in the queue when the answers were recorded."""

REPLAY = f"""#!{sys.executable}
import json, sys
answers = json.load(open({str(RECORDED)!r}))
words = " ".join([sys.argv[0].rpartition("/")[2], *sys.argv[1:]])
sys.exit("not recorded: " + words) if words not in answers else print(answers[words], end="")
"""


class Commands:
    """Fake commands of SLURM, found before all others of their names; unwritten ones fail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("sacctmgr", "scontrol", "squeue"):
            self.write(name, "#!/bin/sh\nexit 1\n")

    def write(self, name: str, text: str) -> None:
        """Write a command."""
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def replay(self, *names: str) -> None:
        """Make commands give the recorded answers."""
        for name in names:
            self.write(name, REPLAY)

    def answer(self, name: str, text: str) -> None:
        """Make a command print a text, whatever it is asked."""
        self.write(name, f"#!/bin/sh\nprintf %s {shlex.quote(text)}\n")


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Fake commands; this process is the user of the recorded answers."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("SBATCH_ACCOUNT", raising=False)
    for module in (job_limits, slurm_state.slurm):
        monkeypatch.setattr(module, "user_name", lambda: USER)
    monkeypatch.setattr(os, "getuid", lambda: UID)
    return Commands(tmp_path)


LIMITS = {
    "above": [
        JobLimit("MaxSubmitJobs of def-a_cpu", 25, 3),
        JobLimit("GrpSubmitJobs of def-a", 20, 5),
        JobLimit("GrpSubmitJobs of faculty", 30, 5),
    ],
    "inherited": [
        JobLimit("MaxSubmitJobs of def-a_gpu", 10, 0),
        JobLimit("GrpSubmitJobs of def-a", 20, 5),
        JobLimit("GrpSubmitJobs of faculty", 30, 5),
    ],
    "own": [JobLimit("MaxSubmitJobs of rrg-b", 5, 1), JobLimit("GrpSubmitJobs of rrg-b", 8, 1)],
    "partition": [
        JobLimit("MaxSubmitJobsPerUser of QOS partition_qos", 6, 0), JobLimit("GrpSubmitJobs of rrg-b", 8, 1),
    ],
    "default QOS": [JobLimit("MaxSubmitJobsPerUser of QOS wide", 40, 0), JobLimit("GrpSubmitJobs of QOS wide", 35, 0)],
    "QOS": [
        JobLimit("MaxSubmitJobsPerUser of QOS small", 4, 0),
        JobLimit("MaxSubmitJobsPerAccount of QOS small", 7, 0),
        JobLimit("GrpSubmitJobs of QOS small", 9, 0),
    ],
    "wide QOS": [JobLimit("MaxSubmitJobsPerUser of QOS wide", 40, 0), JobLimit("GrpSubmitJobs of QOS wide", 35, 0)],
    "account in QOS": [
        JobLimit("MaxSubmitJobsPerAccount of QOS shared", 11, 0),
        JobLimit("GrpSubmitJobs of def-a", 20, 5),
        JobLimit("GrpSubmitJobs of faculty", 30, 5),
    ],
    "partition's QOS": [
        JobLimit("MaxSubmitJobsPerUser of QOS partition_qos", 6, 0),
        JobLimit("GrpSubmitJobs of def-a", 20, 5),
        JobLimit("GrpSubmitJobs of faculty", 30, 5),
    ],
    "partition's QOS first": [
        JobLimit("MaxSubmitJobsPerUser of QOS partition_qos", 6, 0), JobLimit("GrpSubmitJobs of QOS wide", 35, 0),
    ],
    "over the partition's QOS": [
        JobLimit("MaxSubmitJobsPerUser of QOS over", 12, 0),
        JobLimit("GrpSubmitJobs of def-a", 20, 5),
        JobLimit("GrpSubmitJobs of faculty", 30, 5),
    ],
}  # fmt: skip
"""The limits in each of CHARGES. In def-a_cpu the user has three jobs and a colleague two."""


@pytest.mark.parametrize("name", CHARGES)
def test_limits_of_the_way_of_submitting(commands, name):
    commands.replay("sacctmgr", "scontrol")
    assert find_limits(CHARGES[name]._replace(cluster="test"), MINE) == LIMITS[name]


def test_the_controllers_copy_is_asked_if_the_database_may_not_be(commands):
    """It has the associations, and those above, but not the limits of QOS."""
    commands.replay("scontrol")
    assert find_limits(Charge("def-a", "cpu"), MINE) == LIMITS["above"]
    assert find_limits(Charge("rrg-b", partition="limited"), MINE) == [
        JobLimit("MaxSubmitJobs of rrg-b", 2, 0), JobLimit("GrpSubmitJobs of rrg-b", 8, 1),
    ]  # fmt: skip


def test_jobs_in_the_queue_count_if_the_controller_shows_no_numbers(commands):
    """Six jobs are in the account of the association, of which four are the user's."""
    commands.replay("sacctmgr")
    commands.answer("squeue", "1_0\n1_1\n1_2\n1_3\n2\n3\n")
    assert find_limits(Charge("def-a", "cpu", cluster="test"), MINE) == [
        JobLimit("MaxSubmitJobs of def-a_cpu", 25, 4),
        JobLimit("GrpSubmitJobs of def-a", 20, 6),
        JobLimit("GrpSubmitJobs of faculty", 30, 6),
    ]
    small = find_limits(CHARGES["QOS"]._replace(cluster="test"), MINE)
    assert [limit.used for limit in small] == [4, 6, 6]
    commands.write("squeue", "#!/bin/sh\nexit 1\n")
    assert [limit.used for limit in find_limits(CHARGES["QOS"]._replace(cluster="test"), MINE)] == [4, 4, 4]


def test_any_account_of_the_user_if_slurm_chooses(commands):
    commands.replay("sacctmgr", "scontrol")
    found = {limit.name: limit.jobs for limit in find_limits(Charge(cluster="test"), MINE)}
    assert found == {
        "MaxSubmitJobs of def-a_cpu": 25, "MaxSubmitJobs of def-a_gpu": 10, "GrpSubmitJobs of def-a": 20,
        "GrpSubmitJobs of faculty": 30, "MaxSubmitJobs of rrg-b": 5, "GrpSubmitJobs of rrg-b": 8,
        "MaxSubmitJobsPerUser of QOS wide": 40, "GrpSubmitJobs of QOS wide": 35,
    }  # fmt: skip


@pytest.mark.parametrize("account", ["def-a", "other"])
def test_without_a_database_there_is_no_limit(commands, account):
    assert find_limits(Charge(account), 2) == []


def test_another_account_has_no_limit(commands):
    commands.replay("sacctmgr", "scontrol")
    assert find_limits(Charge("def-z", cluster="test"), 2) == []


def test_accounts_in_a_circle_are_passed_once():
    accounts = {name: Association(name, "", parent=parent) for name, parent in (("a", "b"), ("b", "a"))}
    assert [one.account for one in accounts_above(Association("a", "me"), accounts)] == ["a", "b"]


def test_lines_of_sacctmgr():
    text = "def-a|||root|200|100|\ndef-a|me|limited|||7|wide\n"
    assert list(parse_associations(text)) == [
        Association("def-a", "", "", "root", 200, 100),
        Association("def-a", "me", "limited", "", None, 7, "wide"),
    ]
    text = "normal||||\nover|DenyOnLimit,OverPartQOS|1|2|3\n"
    assert list(parse_qos(text)) == [Qos("normal"), Qos("over", True, 1, 2, 3)]


def test_numbers_in_the_controllers_copy():
    """Later versions of SLURM show a user's name too; the record has a QOS with jobs of two accounts."""
    line = (
        "QOS=q(3) GrpSubmitJobs=90(5) Account Limits= a={MaxJobsPA=N(0) MaxSubmitJobsPA=60(3) MaxTRESPA=cpu=N(0)} "
        "b={MaxJobsPA=N(0) MaxSubmitJobsPA=60(2)} User Limits= 1={MaxJobsPU=N(0) MaxSubmitJobsPU=N(4)} "
        "games(5)={MaxJobsPU=N(0) MaxSubmitJobsPU=40(1)}"
    )
    copy = parse_copy(line)
    assert copy.counts == {
        ("q",): 5, ("q", "A", "a"): 3, ("q", "A", "b"): 2, ("q", "U", "1"): 4, ("q", "U", "games(5)"): 1,
    }  # fmt: skip
    assert (copy.count_qos("q", "A", "c"), copy.count_qos("other", "A", "a")) == (0, None)


@pytest.mark.parametrize(
    ("max_jobs", "name", "free"),
    [(None, "MaxSubmitJobs of def-a", 5), (9, "MaxSubmitJobs of def-a", 5), (6, "max_jobs of the cluster file", 4)],
)
def test_the_smaller_of_the_file_and_the_database(commands, max_jobs, name, free):
    """Two jobs are in the queue."""
    commands.answer("sacctmgr", f"def-a|{USER}||||7|\n")
    commands.answer("squeue", f"{USER}|N/A|RUNNING|None|x\n{USER}|N/A|RUNNING|None|y\n")
    commands.answer("scontrol", "MaxArraySize = 11\n")
    state = read_state(Cluster(account="def-a", max_jobs=max_jobs), set())
    assert state.limit is not None
    assert (state.limit.name, state.limit.free, state.array_size, state.notes) == (name, free, 11, ())


def test_what_the_cluster_file_and_the_environment_say_decides(commands, monkeypatch):
    """The controller's configuration names the cluster whose associations apply."""
    asked = []
    monkeypatch.setattr(slurm_state, "find_limits", lambda charge, jobs: asked.append(charge) or [])
    monkeypatch.setenv("SBATCH_ACCOUNT", "rrg-b")
    commands.answer("squeue", "")
    commands.answer("scontrol", "ClusterName             = fir\n")
    read_state(Cluster(partition="p", options=["--qos=high", "--nice"], gpus_per_node="1"), set())
    read_state(Cluster(account="def-a"), set())
    assert asked == [Charge("rrg-b", "gpu", "p", "high", "fir"), Charge("def-a", "cpu", None, None, "fir")]


def test_a_limit_that_is_exceeded_leaves_nothing():
    assert JobLimit("x", 5, 7).free == 0
    assert smallest_limit([JobLimit("a", 9, 1), JobLimit("b", 5, 7)]) == JobLimit("b", 5, 7)


def test_hidden_jobs_of_colleagues_are_pointed_out(commands):
    commands.answer("squeue", "")
    commands.answer("scontrol", "PrivateData = accounts,jobs\n")
    assert read_state(Cluster(), {USER}).notes == ()
    assert "runs that games submitted may be in the queue" in read_state(Cluster(), {USER, "games"}).notes[0]


def test_what_is_assumed_without_slurm():
    state = assume_state(Cluster(max_jobs=5, max_array_size=7))
    assert state == (EMPTY_QUEUE, JobLimit("max_jobs of the cluster file", 5, 0), 7, (), False)
