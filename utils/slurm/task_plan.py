"""From missing runs to tasks: how many in each, and how long it may take.

A task trains with a process on each of its cores, each process a stack at a time. It holds as many runs as fill
its time with whole stacks on all cores, a share of `MARGIN` less, in case nodes are slower than was
measured. Where not even one stack fits, the task stops with a checkpoint at its limit and queues itself again.
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
"""The part by which a task may be slower than foreseen and still end in time."""

START_SECONDS = 60
"""Until the first step: modules, imports from a busy file system, the environment's trial."""

TIERS = tuple(hours * HOUR for hours in (3, 12, 24, 72, 168))
"""The limits of the Alliance's partitions by time: the shorter, the more nodes and the sooner a start."""

MOST_RUNS = 5000
"""In a task: their indices must fit on a command line, of which Linux takes 128 KiB a word."""


@dataclass(frozen=True)
class Shape:
    """Settings that can share stacks.  settings: their numbers; cost: of a run."""

    settings: Sequence[int]
    cost: Cost


@dataclass(frozen=True)
class Plan:
    """What is to be submitted of one experiment.

    seconds: the time limit of a task.  present, live: runs left out, as they have results or are queued or running.
    """

    experiment: Experiment
    shapes: Sequence[Shape]
    seconds: int
    present: int
    live: int
    tasks: Sequence[Sequence[RunId]]

    @property
    def runs(self) -> int:
        """To be submitted."""
        return sum(len(task) for task in self.tasks)

    def core_seconds(self, tasks: Sequence[Sequence[RunId]]) -> float:
        """Of training the tasks' runs."""
        by_setting = {setting: shape.cost.seconds for shape in self.shapes for setting in shape.settings}
        return sum(by_setting[cell.setting] for task in tasks for cell in task)


def shapes_of(experiment: Experiment, settings: Sequence[int]) -> list[list[int]]:
    """The settings in groups that agree structurally, in order of the first of each."""
    groups: dict[tuple, list[int]] = {}
    for setting in settings:
        groups.setdefault(experiment.hyperparameters(setting).structure(), []).append(setting)
    return list(groups.values())


def time_limit(cluster: Cluster, costs: Sequence[Cost]) -> int:
    """Seconds that a task asks for: as the cluster says or, if that is auto, the shortest tier that holds a stack.

    Raises BadInput for auto without a measurement.
    """
    if cluster.time != AUTO:
        return parse_duration(cluster.time)
    if not all(cost.measured for cost in costs):
        raise BadInput('"time": "auto" goes by measurements, of which there are none yet; --pilot makes them')
    longest = max((cost.stack_seconds for cost in costs), default=0.0)
    fitting = [tier for tier in TIERS if usable(cluster, tier) >= longest]
    asked = min(fitting, default=cluster.max_seconds)
    return max(cluster.min_seconds, min(asked, cluster.max_seconds))


def usable(cluster: Cluster, seconds: int) -> float:
    """Of a time limit, what training may be foreseen to take."""
    return max(0.0, seconds - cluster.warning_seconds - START_SECONDS) / (1.0 + MARGIN)


def capacity(cluster: Cluster, cost: Cost, seconds: int) -> int:
    """Runs of one shape in a task of so many seconds; at least a stack on each core."""
    if cluster.runs_per_task is not None:
        return min(cluster.runs_per_task, MOST_RUNS)
    stacks = max(1, int(usable(cluster, seconds) / cost.stack_seconds))
    return min(cluster.cpus_per_task * cost.stack * stacks, MOST_RUNS)


def divide(cells: Sequence[RunId], shapes: Sequence[tuple[Sequence[int], int]]) -> list[list[RunId]]:
    """The cells in as few tasks as hold them, each about as full as the others; those of a shape stay together.

    shapes: for each, its settings, and how many of its runs fill a task.
    """
    places = {setting: (place, runs) for place, (settings, runs) in enumerate(shapes) for setting in settings}
    waiting = sorted(cells, key=lambda cell: (places[cell.setting][0], cell.index))
    full = math.lcm(*{runs for _, runs in places.values()})
    weights = [full // places[cell.setting][1] for cell in waiting]
    total, begun = sum(weights), 0
    tasks: list[list[RunId]] = [[] for _ in range(-(-total // full))]
    for cell, weight in zip(waiting, weights, strict=True):
        tasks[begun * len(tasks) // total].append(cell)
        begun += weight
    return [sorted(task) for task in tasks if task]
