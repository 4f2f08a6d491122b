"""From a request to plans: which runs, their cost, how many tasks, and how many of them fit in the queue now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from utils.experiment.experiment import Experiment, RunId
from utils.slurm import commands as slurm
from utils.slurm.cluster import AUTO, Cluster
from utils.slurm.duration import parse_duration
from utils.slurm.equal_runs import Twins, find_copies, separate_equal_runs
from utils.slurm.missing_runs import find_live_tasks, sort_runs
from utils.slurm.request import Request
from utils.slurm.run_cost import Cost, Measurements, estimate_cost
from utils.slurm.task_plan import Plan, Shape, add_twins, group_by_shape, plan_tasks, time_limit
from utils.training.existing_results import ExistingResult
from utils.training.stack_sizes import max_runs_for_memory

MIB = 2**20


class Sweep(NamedTuple):
    """The requested runs of one experiment.

    live: queued or running runs, and those that are equal to one of these.
    missing: runs to train.
    forced: runs to submit that have results, which will be replaced.
    copies: results of equal runs, or in other directories, that other runs already have.
    twins: by key of a run to train, the other runs to submit that are equal to it, so that its task copies its result.
    """

    experiment: Experiment
    present: Sequence[RunId]
    live: Sequence[RunId]
    missing: Sequence[RunId]
    forced: Sequence[RunId] = ()
    copies: Sequence[ExistingResult] = ()
    twins: Twins = {}  # noqa: RUF012


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
        others |= dict.fromkeys(run_id.key for run_id in missing)
        copies = [] if request.force else find_copies(experiment, missing)
        copied = {each.run.index for each in copies}
        missing = [run_id for run_id in missing if run_id.index not in copied]
        trained, twins, waiting = separate_equal_runs(experiment, missing, busy)
        forced = sorted(set(forced).difference(waiting))
        sweeps.append(Sweep(experiment, present, live + waiting, trained, forced, copies, twins))
    return sweeps


def make_plan(sweep: Sweep, cluster: Cluster, engine: str, places: int | None = None) -> Plan:
    """Plan the tasks of a sweep's missing runs.  Raises BadInput for a time of auto without measurements.

    places: number of tasks that the limit on jobs allows; None: any number.
    """
    shapes = find_shapes(sweep, cluster, engine)
    seconds = time_limit(cluster, [shape.cost for shape in shapes])
    return _plan_for(sweep, cluster, shapes, seconds, places)


def _plan_for(sweep: Sweep, cluster: Cluster, shapes: Sequence[Shape], seconds: int, places: int | None) -> Plan:
    """Return the plan of a sweep for a time limit, seconds.  shapes, places: see `plan_tasks`."""
    tasks = add_twins(plan_tasks(cluster, sweep.missing, shapes, seconds, places), sweep.twins)
    twins = frozenset(twin.key for equal in sweep.twins.values() for twin in equal)
    present, live = len(sweep.present), len(sweep.live)
    return Plan(cluster, sweep.experiment, shapes, seconds, present, live, tasks, len(sweep.copies), twins)


def find_shapes(sweep: Sweep, cluster: Cluster, engine: str, measured: bool = True) -> list[Shape]:
    """Return the shapes of a sweep's missing runs, with their costs; of runs that extend others, the rest's.

    measured: whether to use measurements, where there are some.
    """
    experiment = sweep.experiment
    measurements = Measurements(experiment, engine, cluster.stack)
    shapes = []
    for settings in group_by_shape(experiment, sorted({run_id.setting for run_id in sweep.missing})):
        rule = estimate_cost(experiment.hyperparameters(settings[0]), experiment.environment, cluster.stack, engine)
        found = measurements.read(settings[0]) if measured else None
        cost = rule if found is None else found.resized(largest_stack(cluster, rule, found))
        shapes.append(Shape(settings, _cost_of_rest(cost, experiment)))
    return shapes


def _cost_of_rest(cost: Cost, experiment: Experiment) -> Cost:
    """Return the cost of a run's timesteps beyond those of the run that it extends."""
    share = experiment.new_timesteps / experiment.total_timesteps
    return cost.model_copy(update={"seconds": share * cost.seconds, "fixed_seconds": share * cost.fixed_seconds})


def planned_stacks(sweep: Sweep, cluster: Cluster, shapes: Sequence[Shape], places: int | None) -> list[int]:
    """Return the size of the largest stack of each shape that forms in tasks of the cluster's time, by rule.

    places: number of tasks that the limit on jobs allows; None: any number.
    """
    seconds = cluster.max_seconds if cluster.time == AUTO else parse_duration(cluster.time)
    plan = _plan_for(sweep, cluster, shapes, seconds, places)
    sizes = [1] * len(shapes)
    for time in plan.times:
        for shape, runs in time.stacks:
            sizes[shape] = max(sizes[shape], runs)
    return sizes


def largest_stack(cluster: Cluster, rule: Cost, measured: Cost) -> int:
    """Return the largest stack that main.py makes in a task: by speed and, unless it is given, by memory."""
    if cluster.stack is not None or cluster.mib_per_cpu is None or not measured.replay_mib:
        return rule.stack
    return min(rule.stack, max_runs_for_memory(round(measured.replay_mib * MIB), cluster.mib_per_cpu * MIB))


def share_places(plans: Sequence[Plan], places: int | None) -> list[int]:
    """Return how many tasks of each plan are submitted now; earlier plans have precedence."""
    shares = []
    for plan in plans:
        share = len(plan.tasks) if places is None else min(len(plan.tasks), places)
        places = None if places is None else places - share
        shares.append(share)
    return shares
