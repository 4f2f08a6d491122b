"""A real SLURM with an accounting database, in which accounts and QOS have limits.

    python tests/slurm/accounting.py

records what SLURM's commands answer to the questions of `utils.slurm.job_limits`, in recorded_accounting.json. It needs
root, slurmctld, slurmd, slurmdbd, munge and MariaDB.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import pytest

from tests.slurm.instance import FOLDER, reason_to_skip, running_slurm
from utils.slurm import accounting, commands, job_limits
from utils.slurm.job_limits import Charge

RECORDED = FOLDER / "recorded_accounting.json"

USER, UID = "daemon", 1
"""A user that every Linux has, and who is not SLURM's administrator."""

ACCOUNTS = (
    "add account faculty GrpSubmitJobs=30 MaxSubmitJobs=25",
    "add account def-a parent=faculty GrpSubmitJobs=20",
    "add account def-a_cpu parent=def-a",
    "add account def-a_gpu parent=def-a MaxSubmitJobs=10",
    "add account rrg-b GrpSubmitJobs=8",
    "add account rrg-c GrpSubmitJobs=3",
    "modify qos partition_qos set MaxSubmitJobsPerUser=6",
    "add qos small MaxSubmitJobsPerUser=4 MaxSubmitJobsPerAccount=7 GrpSubmitJobs=9",
    "add qos wide MaxSubmitJobsPerUser=40 GrpSubmitJobs=35",
    "add qos shared MaxSubmitJobsPerAccount=11",
    "add qos over Flags=OverPartQOS MaxSubmitJobsPerUser=12",
    f"add user {USER} account=def-a_cpu,def-a_gpu,rrg-b,rrg-c DefaultAccount=def-a_cpu",
    f"modify user {USER} where account=rrg-b set MaxSubmitJobs=5",
    f"modify user {USER} where account=rrg-c set QOS=normal,wide,small DefaultQOS=wide",
    f"modify user {USER} where account=def-a_cpu set QOS=normal,small,wide,shared,over",
    f"add user {USER} account=rrg-b partition=limited MaxSubmitJobs=2",
    "add user games account=def-a_cpu MaxSubmitJobs=15",
)
"""Arguments of sacctmgr."""

CHARGES = {
    "above": Charge("def-a", "cpu"),
    "inherited": Charge("def-a", "gpu"),
    "own": Charge("rrg-b"),
    "partition": Charge("rrg-b", partition="limited"),
    "default QOS": Charge("rrg-c"),
    "QOS": Charge("def-a", "cpu", qos="small"),
    "wide QOS": Charge("def-a", "cpu", qos="wide"),
    "account in QOS": Charge("def-a", "cpu", qos="shared"),
    "partition's QOS": Charge("def-a", "cpu", partition="limited"),
    "partition's QOS first": Charge("def-a", "cpu", partition="limited", qos="wide"),
    "over the partition's QOS": Charge("def-a", "cpu", partition="limited", qos="over"),
}
"""Ways to submit. There is a limit of another kind or place in each."""

BEFORE = ((USER, "def-a_cpu", 3), ("games", "def-a_cpu", 2), (USER, "rrg-b", 1))
"""Jobs in the queue: user, account, number of tasks."""


def reason_to_skip_accounting() -> str | None:
    """Return why SLURM with a database cannot be started here; None if it can."""
    missing = [name for name in ("slurmdbd", "mariadbd", "mariadb-install-db") if shutil.which(name) is None]
    if missing:
        return f"no {', '.join(missing)}: apt-get install slurmdbd mariadb-server"
    return reason_to_skip()


@contextmanager
def running_accounting() -> Iterator[None]:
    """Run a SLURM with the accounts and jobs above. Its commands are found by SLURM_CONF; this process is USER.

    Its folder can be read by everyone, as its users must read the configuration.
    """
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        folder.chmod(0o755)
        patch.setattr(job_limits, "user_name", lambda: USER)
        patch.setattr(os, "getuid", lambda: UID)
        with running_slurm(folder, SLURM_ARRAY="1000", SLURM_DATABASE="1"):
            for line in ACCOUNTS:
                subprocess.run(["sacctmgr", "--immediate", "--quiet", *line.split()], check=True, capture_output=True)
            for user, account, tasks in BEFORE:
                assert submit(Charge(account), tasks, user)
            yield


def submit(charge: Charge, tasks: int, user: str = USER) -> int | None:
    """Submit an array that is held. Returns the number of the job; None if SLURM refuses it because of a limit."""
    words = ["sbatch", "--parsable", "--hold", "--chdir=/", "--output=/dev/null", f"--array=0-{tasks - 1}"]
    given = {"account": account_of(charge), "partition": charge.partition, "qos": charge.qos}
    words += [f"--{name}={value}" for name, value in given.items() if value is not None]
    done = subprocess.run(
        ["runuser", "-u", user, "--", *words, "--wrap=true"], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return int(done.stdout)
    assert "Limit" in done.stderr or "MaxSubmitJobsPerAccount" in done.stderr, done.stderr
    return None


def account_of(charge: Charge) -> str | None:
    """Return the account to which SLURM is told to charge; the Alliance's finds the suffix itself."""
    return f"{charge.account}_{charge.kind}" if charge.account == "def-a" else charge.account


def record() -> None:
    """Write the answers of SLURM's commands, by command line."""
    answers: dict[str, str] = {}
    run_command = commands.run_command

    def run_and_keep(words: list[str]) -> str:
        answers[" ".join(words)] = answer = run_command(words)
        return answer

    with running_accounting(), pytest.MonkeyPatch.context() as patch:
        for module in (accounting, job_limits):
            patch.setattr(module, "run_command", run_and_keep)
        for charge in CHARGES.values():
            job_limits.find_limits(charge._replace(cluster="test"), 4)
    RECORDED.write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    record()
