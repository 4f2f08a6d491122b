"""Limits on the number of jobs, from the cluster file and from SLURM's accounting database.

An association is an account and a user, or an account alone. In it, MaxSubmitJobs limits the jobs of the user, and
GrpSubmitJobs those of all users of the association. The database is asked through sacctmgr or, where users may not ask
it, through the controller's copy. An association of an account with a user inherits its account's MaxSubmitJobs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from utils.slurm.commands import SlurmError, run_command, user_name

FORMAT = "format=Account,User,GrpSubmitJobs,MaxSubmitJobs"


class JobLimit(NamedTuple):
    """A limit on queued and running jobs.

    name: its name and where it is set.
    jobs: largest number of jobs.
    used: jobs that count already.
    """

    name: str
    jobs: int
    used: int

    @property
    def free(self) -> int:
        """Number of jobs that may still be submitted."""
        return max(0, self.jobs - self.used)


class Association(NamedTuple):
    """Limits of an account and a user; a user of "" is the account as a whole; a limit of None is no limit."""

    account: str
    user: str
    group_jobs: int | None
    user_jobs: int | None


def find_limits(account: str | None, kind: str, jobs: int) -> list[JobLimit]:
    """Return the limits in the database that apply to this user; an empty list if it cannot be asked.

    account: the account that will be charged; None: SLURM's choice, so all accounts of the user.
    kind: "cpu" or "gpu"; the Alliance charges an account a to a_cpu or a_gpu.
    jobs: number of the user's jobs in the queue.
    """
    me, charged = user_name(), (account, f"{account}_{kind}")
    mine = [one for one in read_associations(f"user={me}") if one.user == me]
    mine = [one for one in mine if account is None or one.account in charged]
    names = sorted({one.account for one in mine})
    whole = [one for one in read_associations(f"account={','.join(names)}") if not one.user] if names else []
    limits = []
    for one in [*mine, *(one for one in whole if one.account in names)]:
        if one.user and one.user_jobs is not None:
            limits.append(JobLimit(f"MaxSubmitJobs of {one.account}", one.user_jobs, jobs))
        if one.group_jobs is not None:
            used = jobs if one.user else count_jobs(one.account, jobs)
            limits.append(JobLimit(f"GrpSubmitJobs of {one.account}", one.group_jobs, used))
    return limits


def count_jobs(account: str, mine: int) -> int:
    """Return the number of jobs of all users of an account; `mine` if SLURM does not say."""
    try:
        lines = run_command(["squeue", f"--account={account}", "--noheader", "--array", "--format=%i"])
    except SlurmError:
        return mine
    return max(mine, len(lines.split()))


def read_associations(condition: str) -> list[Association]:
    """Return the associations that meet a condition such as "user=x"; an empty list if there is no database."""
    try:
        return list(
            parse_rows(run_command(["sacctmgr", "--noheader", "--parsable2", "show", "assoc", condition, FORMAT]))
        )
    except SlurmError:
        pass  # There is no accounting database, or users may not query it.
    name, _, value = condition.partition("=")
    try:
        words = ["scontrol", "--oneliner", "show", "assoc_mgr", f"{name}s={value}", "flags=assoc"]
        return list(parse_cache(run_command(words)))
    except SlurmError:
        return []


def parse_rows(text: str) -> Iterator[Association]:
    """Parse sacctmgr's lines `account|user|GrpSubmitJobs|MaxSubmitJobs`, where nothing is no limit."""
    for line in text.splitlines():
        account, user, group_jobs, user_jobs = line.split("|")[:4]
        yield Association(account, user, parse_number(group_jobs), parse_number(user_jobs))


def parse_cache(text: str) -> Iterator[Association]:
    """Parse scontrol's lines of fields, such as "Account=a UserName=b(7) ... MaxSubmitJobs=10(2)"; N is no limit."""
    for line in text.splitlines():
        fields = dict(word.split("=", 1) for word in line.split() if "=" in word)
        if "Account" in fields:
            numbers = (parse_number(fields.get(name, "")) for name in ("GrpSubmitJobs", "MaxSubmitJobs"))
            yield Association(fields["Account"], fields.get("UserName", "").partition("(")[0], *numbers)


def parse_number(text: str) -> int | None:
    """Return the number that a limit begins with; None if it begins with none."""
    found = re.match(r"\d+", text)
    return int(found[0]) if found else None


def smallest_limit(limits: Iterable[JobLimit]) -> JobLimit | None:
    """Return the limit that leaves the fewest jobs; None without limits."""
    return min(limits, key=lambda limit: limit.free, default=None)
