"""What is asked of SLURM's commands and told to them. Each answer takes one call, however many tasks there are."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple

SECONDS_TO_ANSWER = 120.0
"""A busy controller takes its time; SLURM's own commands give up after less."""

ACCOUNT = "SBATCH_ACCOUNT"


class SlurmError(Exception):
    """Says, in one line, which command failed and what it said."""


class QueuedTask(NamedTuple):
    """A task of an array, pending or running.  state: SLURM's, such as RUNNING; reason: why it does not run."""

    state: str
    reason: str

    @property
    def pending(self) -> bool:
        """Whether it waits."""
        return self.state == "PENDING"


class Queue(NamedTuple):
    """The user's queue.  jobs: all there are, each task being one.  tasks: by the array's name, then by number."""

    jobs: int
    tasks: Mapping[str, Mapping[int, QueuedTask]]


EMPTY = Queue(0, {})


def available() -> bool:
    """Whether jobs can be submitted from here."""
    return shutil.which("sbatch") is not None


def ask(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """What a command prints.  Raises SlurmError."""
    try:
        done = subprocess.run(
            arguments, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS_TO_ANSWER
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SlurmError(f"{arguments[0]}: {error}") from error
    if done.returncode:
        said = " ".join(done.stderr.split()) or "nothing"
        raise SlurmError(f"{arguments[0]} failed with exit code {done.returncode} and said: {said}")
    return done.stdout


def queue() -> Queue:
    """The user's queue now.  Raises SlurmError."""
    return parse_queue(ask(["squeue", "--me", "--noheader", "--array", "--format=%K|%T|%r|%j"]))


def parse_queue(text: str) -> Queue:
    """text: a line for each job, and for each task of an array."""
    tasks: dict[str, dict[int, QueuedTask]] = {}
    lines = text.splitlines()
    for line in lines:
        number, state, reason, name = line.split("|", 3)
        if number.isdecimal():
            tasks.setdefault(name, {})[int(number)] = QueuedTask(state, reason)
    return Queue(len(lines), tasks)


def max_array_size() -> int | None:
    """One more than the largest number of a task; None if SLURM does not tell.  Raises SlurmError."""
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", ask(["scontrol", "show", "config"]), re.MULTILINE)
    return int(found[1]) if found else None


def max_jobs(account: str | None) -> int | None:
    """The jobs that the user may have queued and running; None if no limit can be found out.

    account: the one that will be charged; None: any of the user's.
    """
    try:
        arguments = ["sacctmgr", "--noheader", "--parsable2", "show", "assoc", f"user={getpass.getuser()}"]
        return parse_limits(ask([*arguments, "format=Account,MaxSubmitJobs"]), account)
    except SlurmError:
        return None  # There is no accounting database, or it is not for users to ask.


def parse_limits(text: str, account: str | None) -> int | None:
    """The least limit among the lines `account|limit` that are about the account, or about one for its CPUs."""
    limits = []
    for line in text.splitlines():
        name, _, limit = line.partition("|")
        if limit.isdecimal() and (account is None or name in (account, f"{account}_cpu")):
            limits.append(int(limit))
    return min(limits, default=None)


def submit(arguments: Sequence[str], account: str | None) -> int:
    """Call sbatch. Returns the job's number.  Raises SlurmError.

    account: None: SBATCH_ACCOUNT's, if it is set. Other variables of sbatch's would beat the script.
    """
    kept = {ACCOUNT} if account is None else set()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SBATCH_") or name in kept}
    answer = ask(["sbatch", "--parsable", *arguments], environment)
    number = answer.strip().partition(";")[0]
    if not number.isdecimal():
        raise SlurmError(f"sbatch answered with no job's number: {answer.strip()!r}")
    return int(number)
