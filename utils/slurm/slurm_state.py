"""What planning asks SLURM: the queue, the smallest limit on jobs, and the largest array."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Set
from typing import NamedTuple

from utils.slurm import commands as slurm
from utils.slurm.cluster import Cluster
from utils.slurm.job_limits import Charge, JobLimit, find_limits, smallest_limit

EXPEDITE_VERSION = (25, 11)
"""First version of SLURM with --requeue=expedite."""


class SlurmState(NamedTuple):
    """The state of SLURM.

    limit: the limit on jobs that leaves the fewest; None: no limit.
    array_size: largest number of tasks in an array.
    notes: lines for the user.
    expedites: whether sbatch takes --requeue=expedite.
    """

    queue: slurm.Queue
    limit: JobLimit | None
    array_size: int
    notes: tuple[str, ...] = ()
    expedites: bool = False


def assume_state(cluster: Cluster) -> SlurmState:
    """Return the state of a SLURM that cannot be asked: an empty queue, and the cluster file's limits."""
    return SlurmState(slurm.EMPTY_QUEUE, smallest_limit(file_limits(cluster, 0)), cluster.max_array_size)


def read_state(cluster: Cluster, users: Set[str]) -> SlurmState:
    """Ask SLURM.  Raises SlurmError.

    users: names of the users whose jobs matter, in addition to this one.
    """
    queue, config = slurm.read_queue(users), slurm.read_config()
    charge = Charge(
        account=cluster.account or os.environ.get(slurm.ACCOUNT) or None,
        kind="gpu" if cluster.asks_for_gpu else "cpu",
        partition=cluster.partition,
        qos=cluster.qos,
        cluster=config.get("ClusterName", ""),
    )
    limits = [*file_limits(cluster, queue.jobs), *find_limits(charge, queue.jobs)]
    size = config.get("MaxArraySize", "")
    others = sorted(users - {slurm.user_name()})
    notes = []
    if others and "jobs" in config.get("PrivateData", "").split(","):
        names = ", ".join(others)
        notes.append(f"SLURM hides the jobs of other users; runs that {names} submitted may be in the queue")
    if cluster.expedite and not has_expedited_requeue(config):
        notes.append("SLURM has no --requeue=expedite here; tasks of a failed node are requeued as usual")
    largest = int(size) if size.isdecimal() else cluster.max_array_size
    return SlurmState(queue, smallest_limit(limits), largest, tuple(notes), has_expedited_requeue(config))


def has_expedited_requeue(config: Mapping[str, str]) -> bool:
    """Return whether SLURM accepts --requeue=expedite: version 25.11 or later, and the feature is on.

    config: SLURM's configuration.
    """
    found = re.match(r"(\d+)\.(\d+)", config.get("SLURM_VERSION", ""))
    features = ",".join(config.get(name, "") for name in ("SlurmctldParameters", "SchedulerParameters")).split(",")
    new_enough = found is not None and (int(found[1]), int(found[2])) >= EXPEDITE_VERSION
    return new_enough and "enable_expedited_requeue" in features


def file_limits(cluster: Cluster, jobs: int) -> list[JobLimit]:
    """Return the limit in the cluster file, if there is one.  jobs: number of the user's jobs in the queue."""
    return [] if cluster.max_jobs is None else [JobLimit("max_jobs of the cluster file", cluster.max_jobs, jobs)]
