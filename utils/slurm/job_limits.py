"""Limits on the number of jobs, from SLURM's accounting records.

SLURM looks for each kind of limit first in the QOS, that of the partition before that of the job, unless the job's has
the flag OverPartQOS. Only if no QOS has the limit do those of the associations apply: MaxSubmitJobs of the user, and
GrpSubmitJobs of the user, of the account, and of every account above. (SLURM's documentation, "Resource Limits";
`tests/slurm/test_real_accounting.py` compares the limits with what SLURM accepts.)
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from utils.slurm.accounting import (
    DEFAULT_QOS,
    Association,
    Copy,
    Qos,
    read_associations,
    read_copy,
    read_partition_qos,
    read_qos,
)
from utils.slurm.commands import SlurmError, run_command, user_name


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


class Charge(NamedTuple):
    """How tasks are submitted, as far as limits depend on it.

    account: the account that will be charged; None: SLURM's choice, so all accounts of the user.
    kind: "cpu" or "gpu"; the Alliance charges an account a to a_cpu or a_gpu.
    partition, qos: those that tasks ask for; None: SLURM's choice.
    cluster: the cluster's name, as the database may have several; "": unknown.
    """

    account: str | None = None
    kind: str = "cpu"
    partition: str | None = None
    qos: str | None = None
    cluster: str = ""


def find_limits(charge: Charge, jobs: int) -> list[JobLimit]:
    """Return the limits in SLURM's records that apply to this user; an empty list if there are none to read.

    jobs: number of the user's jobs in the queue.
    """
    me, names = user_name(), (charge.account, f"{charge.account}_{charge.kind}")
    copy = read_copy(me)
    found = read_associations(me, charge.cluster, copy)
    mine = [one for one in found if one.user == me and (charge.account is None or one.account in names)]
    if not mine:
        return []
    accounts = {one.account: one for one in found if not one.user}
    qos, partition_qos = read_qos(), read_partition_qos(charge.partition)
    limits: list[JobLimit] = []
    for one in choose_for_partition(mine, charge.partition):
        wanted = qos.get(charge.qos or one.qos or DEFAULT_QOS)
        both = order_qos(qos.get(partition_qos), wanted)
        limits += limits_of(one, list(accounts_above(one, accounts)), both, JobCounts(copy, me, jobs))
    return list(dict.fromkeys(limits))


def choose_for_partition(mine: Sequence[Association], partition: str | None) -> list[Association]:
    """Return one association for each account: the partition's own if there is one, else that of any partition."""
    chosen: dict[str, Association] = {}
    for one in sorted(mine, key=lambda one: one.partition == (partition or "")):
        if one.partition in ("", partition):
            chosen[one.account] = one
    return [chosen[account] for account in sorted(chosen)]


def accounts_above(one: Association, accounts: dict[str, Association]) -> Iterator[Association]:
    """Yield the association of the account as a whole, and of each account above it, up to the root."""
    name, seen = one.account, set[str]()
    while name in accounts and name not in seen:
        seen.add(name)
        yield accounts[name]
        name = accounts[name].parent


def order_qos(of_partition: Qos | None, of_job: Qos | None) -> list[Qos]:
    """Return the QOS that apply, the one with precedence first."""
    pair = (of_job, of_partition) if of_job is not None and of_job.overrides else (of_partition, of_job)
    return [qos for qos in pair if qos is not None]


class JobCounts:
    """The numbers of jobs that count against limits: the controller's, or else those in the queue."""

    def __init__(self, copy: Copy, user: str, jobs: int) -> None:
        """copy: the controller's.  jobs: number of the user's jobs in the queue."""
        self._copy, self._user, self._jobs = copy, user, jobs

    def of_association(self, one: Association) -> int:
        """Return the number of jobs of an association; without the controller's, of accounts above only one's own."""
        found = self._copy.counts.get(("", one.account, one.user, one.partition))
        if found is not None:
            return found
        return self._jobs if one.user else self._in_queue(f"--account={one.account}")

    def of_qos(self, qos: str) -> int:
        """Return the number of jobs of a QOS."""
        found = self._copy.count_qos(qos)
        return self._in_queue(f"--qos={qos}") if found is None else found

    def of_user(self, qos: str) -> int:
        """Return the number of the user's jobs of a QOS. SLURM shows users by number, or by name and number."""
        names = (str(os.getuid()), self._user, f"{self._user}({os.getuid()})")
        found = [self._copy.count_qos(qos, "U", name) for name in names]
        return max((each for each in found if each is not None), default=self._jobs)

    def of_account(self, qos: str, account: str) -> int:
        """Return the number of jobs of an account in a QOS."""
        found = self._copy.count_qos(qos, "A", account)
        return self._in_queue(f"--qos={qos}", f"--account={account}") if found is None else found

    def _in_queue(self, *conditions: str) -> int:
        """Return the number of jobs of all users that squeue shows; this user's if it does not say."""
        try:
            lines = run_command(["squeue", *conditions, "--noheader", "--array", "--format=%i"])
        except SlurmError:
            return self._jobs
        return max(self._jobs, len(lines.split()))


def limits_of(
    mine: Association, accounts: Sequence[Association], both: Sequence[Qos], count: JobCounts
) -> Iterator[JobLimit]:
    """Yield the limits of a user in an account.

    accounts: the account as a whole, and those above.  both: the QOS that apply, the one with precedence first.
    """
    user = next(((qos.name, qos.user_jobs) for qos in both if qos.user_jobs is not None), None)
    account = next(((qos.name, qos.account_jobs) for qos in both if qos.account_jobs is not None), None)
    group = next(((qos.name, qos.group_jobs) for qos in both if qos.group_jobs is not None), None)
    if user is not None:
        yield JobLimit(f"MaxSubmitJobsPerUser of QOS {user[0]}", user[1], count.of_user(user[0]))
    if account is not None:
        used = count.of_account(account[0], mine.account)
        yield JobLimit(f"MaxSubmitJobsPerAccount of QOS {account[0]}", account[1], used)
    if user is account is None and mine.user_jobs is not None:
        yield JobLimit(f"MaxSubmitJobs of {mine.account}", mine.user_jobs, count.of_association(mine))
    if group is not None:
        yield JobLimit(f"GrpSubmitJobs of QOS {group[0]}", group[1], count.of_qos(group[0]))
        return
    for one in (mine, *accounts):
        if one.group_jobs is not None:
            yield JobLimit(f"GrpSubmitJobs of {one.account}", one.group_jobs, count.of_association(one))


def smallest_limit(limits: Iterable[JobLimit]) -> JobLimit | None:
    """Return the limit that leaves the fewest jobs; None without limits."""
    return min(limits, key=lambda limit: limit.free, default=None)
