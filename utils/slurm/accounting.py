"""SLURM's accounting records: associations, QOS, and the numbers of jobs that count against their limits.

An association is an account and a user, or an account alone; it may be for one partition only. Limits are read from the
database through sacctmgr or, where users may not ask it, from the controller's copy (`scontrol show assoc_mgr`). The
copy also has the numbers of jobs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from utils.slurm.commands import SlurmError, run_command

ASSOCIATION_FORMAT = "format=Account,User,Partition,ParentName,GrpSubmitJobs,MaxSubmitJobs,DefaultQOS"

QOS_FORMAT = "format=Name,Flags,GrpSubmitJobs,MaxSubmitJobsPerUser,MaxSubmitJobsPerAccount"

DEFAULT_QOS = "normal"
"""QOS of jobs if neither they nor their association name one."""

COUNTED = re.compile(r"([^\s{}=]+)=\{[^{}]*?MaxSubmitJobsP([AU])=(?:\d+|N)\((\d+)\)")
"""An account (A) or a user (U) in the controller's record of a QOS, and the number of its jobs."""

MAX_LEVELS = 20
"""Largest number of levels of accounts that are asked for."""


class Association(NamedTuple):
    """Limits of an account and a user; a user of "" is the account as a whole; a limit of None is no limit.

    partition: the only one that it is for; "" for any.
    parent: the account that this account is part of; "" for users and for the root.
    group_jobs, user_jobs: GrpSubmitJobs and MaxSubmitJobs. A user's has those of the accounts above, if it has none.
    qos: default QOS; "" for none.
    """

    account: str
    user: str
    partition: str = ""
    parent: str = ""
    group_jobs: int | None = None
    user_jobs: int | None = None
    qos: str = ""


class Qos(NamedTuple):
    """Limits of a QOS.

    overrides: whether its limits take precedence over those of a partition's QOS.
    group_jobs, user_jobs, account_jobs: GrpSubmitJobs, MaxSubmitJobsPerUser and MaxSubmitJobsPerAccount; None: none.
    """

    name: str
    overrides: bool = False
    group_jobs: int | None = None
    user_jobs: int | None = None
    account_jobs: int | None = None


class Copy(NamedTuple):
    """The controller's copy; empty if it does not show one.

    counts: numbers of jobs of ("", account, user, partition), (QOS,), (QOS, "A", account) and (QOS, "U", user).
    """

    associations: Sequence[Association] = ()
    counts: Mapping[tuple[str, ...], int] = {}

    def count_qos(self, *key: str) -> int | None:
        """Return the number of jobs of a QOS, and of an account or user in it; None if the QOS is not shown."""
        return self.counts.get(key, 0) if key[:1] in self.counts else None


def read_associations(user: str, cluster: str, copy: Copy) -> list[Association]:
    """Return the associations of a user, and those of their accounts and of all accounts above.

    cluster: name of the cluster; "": unknown.  copy: is used if there is no database, or users may not ask it.
    """
    where = [f"cluster={cluster}"] if cluster else []
    try:
        found = list(parse_associations(_ask_database("assoc", f"user={user}", *where, ASSOCIATION_FORMAT)))
        names, known = {one.account for one in found}, set[str]()
        for _ in range(MAX_LEVELS):
            known |= names
            if not names:
                break
            condition = f"account={','.join(sorted(names))}"
            rows = parse_associations(_ask_database("assoc", condition, *where, ASSOCIATION_FORMAT))
            level = [one for one in rows if not one.user and one.account in names]
            found += level
            names = {one.parent for one in level if one.parent} - known
        return found
    except SlurmError:
        return [one for one in copy.associations if one.user in ("", user)]


def read_qos() -> dict[str, Qos]:
    """Return the QOS of the database by name; none if it cannot be asked."""
    try:
        return {qos.name: qos for qos in parse_qos(_ask_database("qos", QOS_FORMAT))}
    except SlurmError:
        return {}


def read_partition_qos(partition: str | None) -> str:
    """Return the name of a partition's QOS; "" for none.  partition: None for the default one."""
    try:
        lines = run_command(["scontrol", "--oneliner", "show", "partition"]).splitlines()
    except SlurmError:
        return ""
    for line in lines:
        fields = _fields(line)
        wanted = fields.get("Default") == "YES" if partition is None else fields.get("PartitionName") == partition
        if wanted:
            return fields.get("QoS", "").replace("N/A", "")
    return ""


def read_copy(user: str) -> Copy:
    """Return the controller's copy of the accounts, a user's associations, and the QOS."""
    try:
        return parse_copy(
            run_command(["scontrol", "--oneliner", "show", "assoc_mgr", f"users={user}", "flags=assoc,qos"])
        )
    except SlurmError:
        return Copy()


def _ask_database(*words: str) -> str:
    return run_command(["sacctmgr", "--noheader", "--parsable2", "show", *words])


def parse_associations(text: str) -> Iterator[Association]:
    """Parse sacctmgr's lines with the columns of ASSOCIATION_FORMAT, where nothing is no limit."""
    for line in text.splitlines():
        account, user, partition, parent, group_jobs, user_jobs, qos = line.split("|")[:7]
        yield Association(account, user, partition, parent, parse_number(group_jobs), parse_number(user_jobs), qos)


def parse_qos(text: str) -> Iterator[Qos]:
    """Parse sacctmgr's lines with the columns of QOS_FORMAT, where nothing is no limit."""
    for line in text.splitlines():
        name, flags, *limits = line.split("|")[:5]
        yield Qos(name, "OverPartQOS" in flags.split(","), *map(parse_number, limits))


def parse_copy(text: str) -> Copy:
    """Parse scontrol's lines of fields, such as "Account=a UserName=b(7) ... MaxSubmitJobs=10(2)"; N is no limit."""
    associations: list[Association] = []
    counts: dict[tuple[str, ...], int] = {}
    for line in text.splitlines():
        fields = _fields(line)
        if "Account" in fields:
            account, user, partition, parent = (
                fields.get(name, "").partition("(")[0] for name in ("Account", "UserName", "Partition", "ParentAccount")
            )
            numbers = (parse_number(fields.get(name, "")) for name in ("GrpSubmitJobs", "MaxSubmitJobs"))
            group_jobs, user_jobs = numbers
            associations.append(Association(account, user, partition, parent, group_jobs, user_jobs))
            counts["", account, user, partition] = parse_count(fields.get("GrpSubmitJobs", ""))
        elif "QOS" in fields:
            qos = fields["QOS"].partition("(")[0]
            counts[(qos,)] = parse_count(fields.get("GrpSubmitJobs", ""))
            counts |= {(qos, kind, name): int(jobs) for name, kind, jobs in COUNTED.findall(line)}
    return Copy(associations, counts)


def _fields(line: str) -> dict[str, str]:
    """Return the fields of a line of scontrol; the first one of each name."""
    pairs = [(name, value) for name, equals, value in (word.partition("=") for word in line.split()) if equals]
    return dict(reversed(pairs))


def parse_number(text: str) -> int | None:
    """Return the number that a limit begins with; None if it begins with none."""
    found = re.match(r"\d+", text)
    return int(found[0]) if found else None


def parse_count(text: str) -> int:
    """Return the number in parentheses, such as the number of jobs in "10(2)"; 0 without one."""
    found = re.search(r"\((\d+)\)", text)
    return int(found[1]) if found else 0
