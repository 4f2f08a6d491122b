"""The stacks that form in a task, and the time that they take.

They are the stacks that main.py makes of the task's runs (`utils.training.stack_sizes`), started in its order by one
process per core. So a few runs on many cores make small stacks, and a task takes at least as long as its longest stack.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any, NamedTuple

from utils.slurm.cluster import Cluster
from utils.slurm.run_cost import Cost
from utils.training.stack_sizes import split_into_stacks

POOL_STARTS = 2.0
"""Start of a task with several processes, relative to that of one: each process imports everything once more.

Measured with two processes on a shared 2-core machine: 5.5 s instead of 2.3 s.
"""


class _Member(NamedTuple):
    """One run as `split_into_stacks` sees it.  shape: its number."""

    hyperparameters: Any
    shape: int


class TaskTime(NamedTuple):
    """The stacks of a task and their time.

    stacks: shape and number of runs of each stack, in the order in which they start.
    used: core-seconds of training.
    training: seconds from the start of the first stack to the end of the last one.
    start: seconds of each start of the task.
    """

    stacks: tuple[tuple[int, int], ...]
    used: float
    training: float
    start: float

    @property
    def seconds(self) -> float:
        """Seconds of a task that is not interrupted."""
        return self.start + self.training

    def starts(self, limit: float) -> int:
        """Return how often the task starts if it is told to stop after `limit` seconds; 0: it never gets to train."""
        room = limit - self.start
        return 0 if room <= 0.0 else max(1, -int(-self.training // room))


def time_task(counts: Sequence[int], shapes: Sequence[tuple[Any, Cost]], cluster: Cluster) -> TaskTime:
    """Return the stacks and the time of a task.

    counts: number of runs of each shape.
    shapes: hyperparameters of a run of each shape, and its cost; the cost's stack is the largest one.
    """
    members = [_Member(shapes[i][0], i) for i, runs in enumerate(counts) for _ in range(runs)]
    jobs = min(cluster.cpus_per_task, len(members))
    # main.py balances the number of stacks only if it also chooses their size.
    split: list[list[Any]] = split_into_stacks(
        members,  # type: ignore[arg-type]
        lambda member: shapes[member.shape][1].stack,  # type: ignore[attr-defined]
        jobs if cluster.stack is None else 1,
    )
    stacks = tuple((stack[0].shape, len(stack)) for stack in split)
    seconds = [shapes[shape][1].seconds_of(runs) for shape, runs in stacks]
    ends = [0.0] * jobs
    for duration in seconds:
        heapq.heapreplace(ends, ends[0] + duration)
    start = max(shapes[shape][1].start_seconds for shape, _ in stacks)
    pool = POOL_STARTS if min(jobs, len(stacks)) > 1 else 1.0
    return TaskTime(stacks, sum(seconds), max(ends), start * pool)
