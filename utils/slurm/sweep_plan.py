"""From a request to plans: which runs, what they cost, how many tasks, and how many of those fit in the queue now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from utils.experiment.experiment import Experiment, RunId
from utils.slurm import commands as slurm
from utils.slurm.cluster import Cluster
from utils.slurm.missing_runs import live_tasks, sort_cells
from utils.slurm.request import Request
from utils.slurm.run_cost import Measurements, estimate
from utils.slurm.task_plan import Plan, Shape, capacity, divide, shapes_of, time_limit


class Sweep(NamedTuple):
    """One experiment's runs.  forced: those of the missing that have results, which are to be replaced."""

    experiment: Experiment
    present: Sequence[RunId]
    live: Sequence[RunId]
    missing: Sequence[RunId]
    forced: Sequence[RunId]


def find_sweeps(request: Request, experiments: Sequence[Experiment], queue: slurm.Queue) -> list[Sweep]:
    """What each experiment lacks. A run that two of them have in common is the first one's."""
    sweeps: list[Sweep] = []
    taken: dict[Path, dict[str, object]] = {}
    for experiment in experiments:
        others = taken.setdefault(experiment.directory, {})
        busy: Mapping[str, object] = {**others, **live_tasks(experiment, queue)}
        wanted = experiment.run_ids(request.settings_of(experiment), request.runs)
        present, live, missing = sort_cells(experiment, wanted, busy)
        forced: list[RunId] = []
        if request.force:
            forced = [cell for cell in present if cell.key not in busy]
            present, missing = [cell for cell in present if cell.key in busy], sorted(missing + forced)
        sweeps.append(Sweep(experiment, present, live, missing, forced))
        others |= dict.fromkeys(cell.key for cell in missing)
    return sweeps


def make_plan(sweep: Sweep, cluster: Cluster, engine: str) -> Plan:
    """Tasks for what a sweep lacks.  Raises BadInput for a time of auto without measurements."""
    experiment = sweep.experiment
    measurements = Measurements(experiment, engine, cluster.stack)
    shapes = []
    for settings in shapes_of(experiment, sorted({cell.setting for cell in sweep.missing})):
        rule = estimate(experiment.hyperparameters(settings[0]), experiment.environment, cluster.stack, engine)
        shapes.append(Shape(settings, measurements.read(settings[0]) or rule))
    seconds = time_limit(cluster, [shape.cost for shape in shapes])
    tasks = divide(sweep.missing, [(shape.settings, capacity(cluster, shape.cost, seconds)) for shape in shapes])
    return Plan(experiment, shapes, seconds, len(sweep.present), len(sweep.live), tasks)


def room(cluster: Cluster, queue: slurm.Queue) -> int | None:
    """Tasks that the user may still add to the queue; None: any number.  Raises SlurmError."""
    told = slurm.max_jobs(cluster.account) if slurm.available() else None
    limit = cluster.max_jobs if told is None else told
    return None if limit is None else max(0, limit - queue.jobs)


def array_size(cluster: Cluster) -> int:
    """Tasks in an array at most.  Raises SlurmError."""
    told = slurm.max_array_size() if slurm.available() else None
    return told or cluster.max_array_size


def shared(plans: Sequence[Plan], places: int | None) -> list[int]:
    """How many tasks of each plan are submitted now, the first plans first."""
    shares = []
    for plan in plans:
        share = len(plan.tasks) if places is None else min(len(plan.tasks), places)
        places = None if places is None else places - share
        shares.append(share)
    return shares
