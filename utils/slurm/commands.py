"""Calls of SLURM's commands. Each query takes one call, whatever the number of tasks."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

COMMAND_TIMEOUT_SECONDS = 120.0
"""Timeout of a command: longer than SLURM's own, as a busy controller answers slowly."""

ACCOUNT = "SBATCH_ACCOUNT"


class SlurmError(Exception):
    """A failed SLURM command, with its error output, in one line."""


class QueuedTask(NamedTuple):
    """A pending or running task of an array, or another job.

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
    """The jobs of some users in the queue.

    jobs: number of jobs of this user; each task counts as one.
    tasks: the tasks of all the users, by name of their array and then by number.
    singles: the jobs of all the users that are no arrays, by name.
    """

    jobs: int
    tasks: Mapping[str, Mapping[int, QueuedTask]]
    singles: Mapping[str, QueuedTask] = MappingProxyType({})


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


def user_name() -> str:
    """Return the name of the user of this process."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return getpass.getuser()


def read_queue(others: Iterable[str] = ()) -> Queue:
    """Read the queue of this user and of others.  Raises SlurmError.

    others: names of users; SLURM refuses unknown ones, so those who have left are not asked for.
    """
    me = user_name()
    users = ",".join(sorted({me, *filter(_is_user, others)}))
    return parse_queue(
        run_command(["squeue", f"--user={users}", "--noheader", "--array", "--format=%u|%K|%T|%r|%j"]), me
    )


def _is_user(name: str) -> bool:
    """Return whether there is a user of this name."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def parse_queue(text: str, me: str) -> Queue:
    """Parse the output of squeue: a line for each job and each task of an array.  me: name of this user."""
    tasks: dict[str, dict[int, QueuedTask]] = {}
    singles: dict[str, QueuedTask] = {}
    jobs = 0
    for line in text.splitlines():
        user, number, state, reason, name = line.split("|", 4)
        jobs += user == me
        if number.isdecimal():
            tasks.setdefault(name, {})[int(number)] = QueuedTask(state, reason)
        else:
            singles[name] = QueuedTask(state, reason)
    return Queue(jobs, tasks, singles)


def read_config() -> dict[str, str]:
    """Read the configuration of SLURM's controller: values by name.  Raises SlurmError."""
    lines = run_command(["scontrol", "show", "config"]).splitlines()
    return {name.strip(): value.strip() for name, equals, value in (line.partition("=") for line in lines) if equals}


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
