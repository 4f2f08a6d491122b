"""Calls of SLURM's commands. Each query takes one call, whatever the number of tasks."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple

COMMAND_TIMEOUT_SECONDS = 120.0
"""Timeout of a command: longer than SLURM's own, as a busy controller answers slowly."""

ACCOUNT = "SBATCH_ACCOUNT"


class SlurmError(Exception):
    """A failed SLURM command, with its error output, in one line."""


class QueuedTask(NamedTuple):
    """A pending or running task of an array.

    state: SLURM's state, such as RUNNING.
    reason: why it does not run.
    """

    state: str
    reason: str

    @property
    def pending(self) -> bool:
        """Whether the task is pending."""
        return self.state == "PENDING"


class Queue(NamedTuple):
    """The user's queue.

    jobs: number of jobs; each task counts as one.
    tasks: the tasks, by name of their array and then by number.
    """

    jobs: int
    tasks: Mapping[str, Mapping[int, QueuedTask]]


EMPTY_QUEUE = Queue(0, {})


def is_available() -> bool:
    """Return whether jobs can be submitted from this machine."""
    return shutil.which("sbatch") is not None


def run_command(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Run a command and return its output.  Raises SlurmError."""
    try:
        done = subprocess.run(
            arguments, env=environment, capture_output=True, text=True, check=False, timeout=COMMAND_TIMEOUT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SlurmError(f"{arguments[0]}: {error}") from error
    if done.returncode:
        said = " ".join(done.stderr.split()) or "no error output"
        raise SlurmError(f"{arguments[0]} failed with exit code {done.returncode}: {said}")
    return done.stdout


def read_queue() -> Queue:
    """Read the user's queue.  Raises SlurmError."""
    return parse_queue(run_command(["squeue", "--me", "--noheader", "--array", "--format=%K|%T|%r|%j"]))


def parse_queue(text: str) -> Queue:
    """Parse the output of squeue: a line for each job and each task of an array."""
    tasks: dict[str, dict[int, QueuedTask]] = {}
    lines = text.splitlines()
    for line in lines:
        number, state, reason, name = line.split("|", 3)
        if number.isdecimal():
            tasks.setdefault(name, {})[int(number)] = QueuedTask(state, reason)
    return Queue(len(lines), tasks)


def max_array_size() -> int | None:
    """Return MaxArraySize, one more than the largest task number; None if unknown.  Raises SlurmError."""
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", run_command(["scontrol", "show", "config"]), re.MULTILINE)
    return int(found[1]) if found else None


def max_jobs(account: str | None) -> int | None:
    """Return the user's limit on queued and running jobs; None if it cannot be determined.

    account: the account that will be charged; None: any account of the user.
    """
    try:
        arguments = ["sacctmgr", "--noheader", "--parsable2", "show", "assoc", f"user={getpass.getuser()}"]
        return parse_job_limit(run_command([*arguments, "format=Account,MaxSubmitJobs"]), account)
    except SlurmError:
        return None  # There is no accounting database, or users may not query it.


def parse_job_limit(text: str, account: str | None) -> int | None:
    """Return the smallest limit of an account or its CPU account in lines `account|limit`; None if it has no limit."""
    limits = []
    for line in text.splitlines():
        name, _, limit = line.partition("|")
        if limit.isdecimal() and (account is None or name in (account, f"{account}_cpu")):
            limits.append(int(limit))
    return min(limits, default=None)


def submit_job(arguments: Sequence[str], account: str | None) -> int:
    """Submit a job with sbatch and return its number.  Raises SlurmError.

    account: account to charge; None: that of SBATCH_ACCOUNT, if it is set.
    Other SBATCH_ variables are removed, because they would override the script.
    """
    kept = {ACCOUNT} if account is None else set()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SBATCH_") or name in kept}
    answer = run_command(["sbatch", "--parsable", *arguments], environment)
    number = answer.strip().partition(";")[0]
    if not number.isdecimal():
        raise SlurmError(f"sbatch returned no job number: {answer.strip()!r}")
    return int(number)
