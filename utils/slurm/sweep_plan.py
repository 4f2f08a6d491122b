"""From a request to plans: which runs, their cost, how many tasks, and how many of them fit in the queue now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from utils.experiment.experiment import Experiment, RunId
from utils.slurm import commands as slurm
from utils.slurm.cluster import Cluster
from utils.slurm.missing_runs import find_live_tasks, sort_runs
from utils.slurm.request import Request
from utils.slurm.run_cost import Measurements, estimate_cost
from utils.slurm.task_plan import Plan, Shape, divide_into_tasks, group_by_shape, runs_that_fit, time_limit


class Sweep(NamedTuple):
    """The requested runs of one experiment.

    forced: those of the missing runs that have results, which will be replaced.
    """

    experiment: Experiment
    present: Sequence[RunId]
    live: Sequence[RunId]
    missing: Sequence[RunId]
    forced: Sequence[RunId]


def find_sweeps(request: Request, experiments: Sequence[Experiment], queue: slurm.Queue) -> list[Sweep]:
    """Find the missing runs of each experiment. A run that two experiments share belongs to the first."""
    sweeps: list[Sweep] = []
    taken: dict[Path, dict[str, object]] = {}
    for experiment in experiments:
        others = taken.setdefault(experiment.directory, {})
        busy: Mapping[str, object] = {**others, **find_live_tasks(experiment, queue)}
        wanted = experiment.run_ids(request.requested_settings(experiment), request.runs)
        present, live, missing = sort_runs(experiment, wanted, busy)
        forced: list[RunId] = []
        if request.force:
            forced = [run_id for run_id in present if run_id.key not in busy]
            present, missing = [run_id for run_id in present if run_id.key in busy], sorted(missing + forced)
        sweeps.append(Sweep(experiment, present, live, missing, forced))
        others |= dict.fromkeys(run_id.key for run_id in missing)
    return sweeps


def make_plan(sweep: Sweep, cluster: Cluster, engine: str) -> Plan:
    """Plan the tasks of a sweep's missing runs.  Raises BadInput for a time of auto without measurements."""
    experiment = sweep.experiment
    measurements = Measurements(experiment, engine, cluster.stack)
    shapes = []
    for settings in group_by_shape(experiment, sorted({run_id.setting for run_id in sweep.missing})):
        rule = estimate_cost(experiment.hyperparameters(settings[0]), experiment.environment, cluster.stack, engine)
        shapes.append(Shape(settings, measurements.read(settings[0]) or rule))
    seconds = time_limit(cluster, [shape.cost for shape in shapes])
    tasks = divide_into_tasks(
        sweep.missing, [(shape.settings, runs_that_fit(cluster, shape.cost, seconds)) for shape in shapes]
    )
    return Plan(experiment, shapes, seconds, len(sweep.present), len(sweep.live), tasks)


def share_places(plans: Sequence[Plan], places: int | None) -> list[int]:
    """Return how many tasks of each plan are submitted now; earlier plans have precedence."""
    shares = []
    for plan in plans:
        share = len(plan.tasks) if places is None else min(len(plan.tasks), places)
        places = None if places is None else places - share
        shares.append(share)
    return shares
