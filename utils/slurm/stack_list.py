"""The stacks of a submission's common list, and what its tasks do with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from utils.experiment.experiment import RunId
from utils.slurm.commands import Queue, QueuedTask
from utils.slurm.submission_folder import Submission
from utils.slurm.task_plan import Plan
from utils.training.common_list import FAILED, WAITS, read_list
from utils.training.stack_sizes import split_into_stacks, stack_cost


class _Member(NamedTuple):
    """One run as `split_into_stacks` sees it.  largest: size of its shape's largest stack."""

    hyperparameters: Any
    largest: int
    run_id: RunId


def list_stacks(plan: Plan, tasks: Sequence[Sequence[RunId]]) -> list[list[RunId]]:
    """Return the stacks that form in tasks of a plan, the most expensive first.

    Runs whose result is copied from an equal run are in the stack of that run.
    """
    largest = {setting: shape.cost.stack for shape in plan.shapes for setting in shape.settings}
    cluster, stacks = plan.cluster, []
    for task in tasks:
        members = [
            _Member(plan.experiment.hyperparameters(run_id.setting), largest[run_id.setting], run_id)
            for run_id in task
            if run_id.key not in plan.twins
        ]
        jobs = min(cluster.cpus_per_task, len(members)) if cluster.stack is None else 1
        stacks += split_into_stacks(members, lambda member: member.largest, jobs)  # type: ignore[arg-type,attr-defined]
    stacks.sort(key=stack_cost, reverse=True)
    listed: list[list[RunId]] = [[member.run_id for member in stack] for stack in stacks]  # type: ignore[attr-defined]
    place = {run_id.index: stack for stack in listed for run_id in stack}
    for twin in (run_id for task in tasks for run_id in task if run_id.key in plan.twins):
        equal = plan.experiment.same_runs(plan.experiment.run(twin.index))
        next(place[run.index] for run in equal if run.index in place).append(twin)
    return listed


def find_listed_tasks(submission: Submission, queue: Queue) -> dict[str, QueuedTask]:
    """Return the task in the queue of each run on a common list, by key.  Raises BadInput or OSError.

    Waiting stacks are live while any task is. Stacks that have failed, or whose task is gone, are not.
    """
    tasks = {
        f"{number}_{place}": task
        for number, array in enumerate(submission.read_record().arrays)
        for place, task in queue.tasks.get(array.name, {}).items()
    }
    live: dict[str, QueuedTask] = {}
    for stack in read_list(submission.common_list) if tasks else ():
        task = _next_task(tasks) if stack.state == WAITS else tasks.get(stack.task)
        if task is not None and stack.state != FAILED:
            live |= dict.fromkeys(stack.keys.split(), task)
    return live


def _next_task(tasks: Mapping[str, QueuedTask]) -> QueuedTask:
    """Return what waiting stacks wait for: until a task that runs is idle, or until one starts."""
    if all(task.pending for task in tasks.values()):
        return next(iter(tasks.values()))
    return QueuedTask("PENDING", "None")


def listed_logs(submission: Submission) -> dict[str, Path]:
    """Return the log of each run on a common list, by key: that of the task which has or had it.

    Raises BadInput or OSError.
    """
    logs: dict[str, Path] = {}
    for stack in read_list(submission.common_list):
        logs |= dict.fromkeys(stack.keys.split(), submission.folder / "logs" / f"{stack.task}.log")
    return logs
