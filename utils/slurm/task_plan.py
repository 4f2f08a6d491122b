"""Division of missing runs into tasks: how many runs a task has, and its time limit.

A task trains with one process per core, each process one stack at a time. Tasks are filled with stacks on all cores for
about TASK_SECONDS: short jobs start sooner, and more of them run at the same time. If the limit on jobs leaves no room
for so many tasks, they are filled further, up to their time limit less a margin (`MARGIN`) in case nodes are slower
than measured. Stacks that take longer than that are made smaller, unless this makes runs much more expensive
(`utils.slurm.run_cost.MAX_SPREAD_COST`). If not even such a stack fits, the task stops with a checkpoint at its time
limit and requeues itself.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from utils.core.errors import BadInput
from utils.experiment.experiment import Experiment, RunId
from utils.slurm.cluster import AUTO, Cluster
from utils.slurm.duration import HOUR, parse_duration
from utils.slurm.run_cost import Cost
from utils.slurm.task_time import TaskTime, time_task

MARGIN = 0.25
"""Fraction by which a task may be slower than planned and still end in time."""

RESERVE_SECONDS = 60
"""Seconds of a time limit for the start of a task: modules, imports from a busy file system, the environment check."""

TASK_SECONDS = HOUR
"""Duration that tasks are filled for: shorter ones are a burden for SLURM, longer ones wait longer."""

TIME_TIERS = tuple(hours * HOUR for hours in (3, 12, 24, 72, 168))
"""Time limits of the Alliance's partitions, seconds: a shorter partition has more nodes and starts sooner."""

MAX_RUNS_PER_TASK = 5000
"""Largest number of runs in a task: Linux limits a word of a command line, here their indices, to 128 KiB."""


@dataclass(frozen=True)
class Shape:
    """Settings that can share stacks.

    settings: the settings' numbers.
    cost: cost of one run in the largest stack that can form.
    """

    settings: Sequence[int]
    cost: Cost


@dataclass(frozen=True)
class Plan:
    """The tasks to submit for one experiment.

    seconds: time limit of a task.
    present, live: numbers of runs that have results, and that are queued or running; they are not submitted.
    copies: number of runs whose result is copied when the plan is submitted.
    twins: keys of runs in tasks that are not trained, but copied from an equal run of their task.
    """

    cluster: Cluster
    experiment: Experiment
    shapes: Sequence[Shape]
    seconds: int
    present: int
    live: int
    tasks: Sequence[Sequence[RunId]]
    copies: int = 0
    twins: Set[str] = frozenset()

    @property
    def runs(self) -> int:
        """Number of runs to submit."""
        return sum(len(task) for task in self.tasks)

    @cached_property
    def times(self) -> list[TaskTime]:
        """The stacks and the time of each task."""
        shape_of = {setting: place for place, shape in enumerate(self.shapes) for setting in shape.settings}
        shapes = [(self.experiment.hyperparameters(shape.settings[0]), shape.cost) for shape in self.shapes]
        known: dict[tuple[int, ...], TaskTime] = {}
        times = []
        for task in self.tasks:
            counts = Counter(shape_of[run_id.setting] for run_id in task if run_id.key not in self.twins)
            kind = tuple(counts[place] for place in range(len(shapes)))
            if kind not in known:
                known[kind] = time_task(kind, shapes, self.cluster)
            times.append(known[kind])
        return times

    def core_seconds(self, tasks: int) -> float:
        """Return the core-seconds that training the runs of the first tasks takes."""
        return sum(time.used for time in self.times[:tasks])

    def elapsed_seconds(self, time: TaskTime) -> float:
        """Return the seconds that a task runs, in all its starts."""
        return time.training + max(1, time.starts(self.trainable_seconds)) * time.start

    @property
    def trainable_seconds(self) -> int:
        """Seconds of a start of a task until the warning."""
        return self.seconds - self.cluster.warning_seconds


def group_by_shape(experiment: Experiment, settings: Sequence[int]) -> list[list[int]]:
    """Group settings that can share stacks, ordered by the first setting of each group."""
    groups: dict[tuple, list[int]] = {}
    for setting in settings:
        groups.setdefault(experiment.hyperparameters(setting).structure(), []).append(setting)
    return list(groups.values())


def time_limit(cluster: Cluster, costs: Sequence[Cost]) -> int:
    """Return the time limit of a task, seconds: the cluster's; for auto, the shortest tier in which stacks fit.

    Raises BadInput for auto without a measurement.
    """
    if cluster.time != AUTO:
        return parse_duration(cluster.time)
    if not all(cost.measured for cost in costs):
        raise BadInput('"time": "auto" needs measurements, and there are none yet; --pilot makes them')
    longest = max((cost.seconds_of(smallest_stack(cluster, cost)) for cost in costs), default=0.0)
    fitting = [tier for tier in TIME_TIERS if usable_seconds(cluster, tier) >= longest]
    asked = min(fitting, default=cluster.max_seconds)
    return max(cluster.min_seconds, min(asked, cluster.max_seconds))


def usable_seconds(cluster: Cluster, seconds: int) -> float:
    """Return the seconds of a time limit that training may be planned to take."""
    return max(0.0, seconds - cluster.warning_seconds - RESERVE_SECONDS) / (1.0 + MARGIN)


def smallest_stack(cluster: Cluster, cost: Cost) -> int:
    """Return the smallest stack that tasks are planned with. main.py keeps to a given size, whatever the time."""
    return cost.stack if cluster.stack is not None else cost.smallest_stack


def runs_that_fit(cluster: Cluster, cost: Cost, seconds: float) -> int:
    """Return how many runs of a shape fill a task for `seconds` of training; at least one stack per core."""
    if cluster.runs_per_task is not None:
        return min(cluster.runs_per_task, MAX_RUNS_PER_TASK)
    per_core = cost.stack * int(seconds / cost.stack_seconds)
    if not per_core:
        fitting = (runs for runs in range(cost.stack, 0, -1) if cost.seconds_of(runs) <= seconds)
        per_core = max(smallest_stack(cluster, cost), next(fitting, 0))
    return min(cluster.cpus_per_task * per_core, MAX_RUNS_PER_TASK)


def plan_tasks(
    cluster: Cluster, run_ids: Sequence[RunId], shapes: Sequence[Shape], seconds: int, places: int | None
) -> list[list[RunId]]:
    """Divide runs into tasks of about TASK_SECONDS, or of longer ones if there are places for fewer.

    seconds: time limit of a task.
    places: number of tasks that the limit on jobs allows; None: any number.
    """
    most = usable_seconds(cluster, seconds)
    goal = min(float(TASK_SECONDS), most)
    while True:
        tasks = divide_into_tasks(
            run_ids, [(shape.settings, runs_that_fit(cluster, shape.cost, goal)) for shape in shapes]
        )
        if places is None or len(tasks) <= places or goal >= most:
            return tasks
        goal = min(2.0 * goal, most)


def divide_into_tasks(run_ids: Sequence[RunId], shapes: Sequence[tuple[Sequence[int], int]]) -> list[list[RunId]]:
    """Divide runs into as few tasks as possible, all about equally full; runs of a shape stay together.

    shapes: for each shape, its settings and the number of its runs that fills a task.
    """
    places = {setting: (place, runs) for place, (settings, runs) in enumerate(shapes) for setting in settings}
    waiting = sorted(run_ids, key=lambda run_id: (places[run_id.setting][0], run_id.index))
    full = math.lcm(*{runs for _, runs in places.values()})
    weights = [full // places[run_id.setting][1] for run_id in waiting]
    total, begun = sum(weights), 0
    tasks: list[list[RunId]] = [[] for _ in range(-(-total // full))]
    for run_id, weight in zip(waiting, weights, strict=True):
        tasks[begun * len(tasks) // total].append(run_id)
        begun += weight
    return [sorted(task) for task in tasks if task]


def add_twins(tasks: Sequence[Sequence[RunId]], twins: Mapping[str, Sequence[RunId]]) -> list[list[RunId]]:
    """Add to each task the runs that are equal to one of its runs; a task that becomes too large is divided.

    twins: by key of a run.
    """
    if not twins:
        return [list(task) for task in tasks]
    largest = MAX_RUNS_PER_TASK // (1 + max(map(len, twins.values())))
    parts = [list(task[start : start + largest]) for task in tasks for start in range(0, len(task), largest)]
    return [sorted([*part, *(twin for run_id in part for twin in twins.get(run_id.key, ()))]) for part in parts]
