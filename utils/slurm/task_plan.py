"""Division of missing runs into tasks: how many runs a task has, and its time limit.

A task trains with one process per core, each process one stack at a time. It holds as many runs as fill its time with
whole stacks on all cores, less a margin (`MARGIN`) in case nodes are slower than measured. If not even one stack fits,
the task stops with a checkpoint at its time limit and requeues itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from utils.core.errors import BadInput
from utils.experiment.experiment import Experiment, RunId
from utils.slurm.cluster import AUTO, Cluster
from utils.slurm.duration import HOUR, parse_duration
from utils.slurm.run_cost import Cost

MARGIN = 0.25
"""Fraction by which a task may be slower than planned and still end in time."""

START_SECONDS = 60
"""Seconds until the first step: modules, imports from a busy file system, the environment check."""

TIME_TIERS = tuple(hours * HOUR for hours in (3, 12, 24, 72, 168))
"""Time limits of the Alliance's partitions, seconds: a shorter partition has more nodes and starts sooner."""

MAX_RUNS_PER_TASK = 5000
"""Largest number of runs in a task: Linux limits a word of a command line, here their indices, to 128 KiB."""


@dataclass(frozen=True)
class Shape:
    """Settings that can share stacks.

    settings: the settings' numbers.
    cost: cost of one run.
    """

    settings: Sequence[int]
    cost: Cost


@dataclass(frozen=True)
class Plan:
    """The tasks to submit for one experiment.

    seconds: time limit of a task.
    present, live: numbers of runs that have results, and that are queued or running; they are not submitted.
    """

    experiment: Experiment
    shapes: Sequence[Shape]
    seconds: int
    present: int
    live: int
    tasks: Sequence[Sequence[RunId]]

    @property
    def runs(self) -> int:
        """Number of runs to submit."""
        return sum(len(task) for task in self.tasks)

    def core_seconds(self, tasks: Sequence[Sequence[RunId]]) -> float:
        """Return the core-seconds that training the tasks' runs takes."""
        by_setting = {setting: shape.cost.seconds for shape in self.shapes for setting in shape.settings}
        return sum(by_setting[run_id.setting] for task in tasks for run_id in task)


def group_by_shape(experiment: Experiment, settings: Sequence[int]) -> list[list[int]]:
    """Group settings that can share stacks, ordered by the first setting of each group."""
    groups: dict[tuple, list[int]] = {}
    for setting in settings:
        groups.setdefault(experiment.hyperparameters(setting).structure(), []).append(setting)
    return list(groups.values())


def time_limit(cluster: Cluster, costs: Sequence[Cost]) -> int:
    """Return the time limit of a task, seconds: the cluster's; for auto, the shortest tier in which a stack fits.

    Raises BadInput for auto without a measurement.
    """
    if cluster.time != AUTO:
        return parse_duration(cluster.time)
    if not all(cost.measured for cost in costs):
        raise BadInput('"time": "auto" needs measurements, and there are none yet; --pilot makes them')
    longest = max((cost.stack_seconds for cost in costs), default=0.0)
    fitting = [tier for tier in TIME_TIERS if usable_seconds(cluster, tier) >= longest]
    asked = min(fitting, default=cluster.max_seconds)
    return max(cluster.min_seconds, min(asked, cluster.max_seconds))


def usable_seconds(cluster: Cluster, seconds: int) -> float:
    """Return the seconds of a time limit that training may be planned to take."""
    return max(0.0, seconds - cluster.warning_seconds - START_SECONDS) / (1.0 + MARGIN)


def runs_that_fit(cluster: Cluster, cost: Cost, seconds: int) -> int:
    """Return how many runs of a shape fit in a task of `seconds`; at least one stack per core."""
    if cluster.runs_per_task is not None:
        return min(cluster.runs_per_task, MAX_RUNS_PER_TASK)
    stacks = max(1, int(usable_seconds(cluster, seconds) / cost.stack_seconds))
    return min(cluster.cpus_per_task * cost.stack * stacks, MAX_RUNS_PER_TASK)


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
