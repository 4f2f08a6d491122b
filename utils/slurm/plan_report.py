"""The text that describes a plan before anything is submitted."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from utils.slurm.duration import DAY, HOUR, format_duration
from utils.slurm.job_limits import JobLimit
from utils.slurm.task_plan import Plan

YEAR = 365.25 * DAY

MIB_PER_CORE = 4096
"""Memory that the Alliance charges as one core (4 GB), MiB."""

MAX_LISTED_SHAPES = 10

MAX_IDLE = 0.25
"""Fraction of the cores that may be idle on average without a warning."""


def format_plan(plan: Plan, submitted: int, limit: JobLimit | None = None) -> str:
    """Return lines about the runs, the tasks, and their cost.

    submitted: number of tasks that the limit on jobs allows now.
    """
    cluster, experiment, tasks = plan.cluster, plan.experiment, plan.tasks
    total = plan.present + plan.copies + plan.live + plan.runs
    copies = f", {plan.copies:,} to copy from equal runs or other directories" if plan.copies else ""
    twins = f" ({len(plan.twins):,} of them equal to others, so copied from these)" if plan.twins else ""
    lines = [
        f"{experiment.agent_source} on {experiment.env_source} -> {experiment.directory}",
        f"    {total:,} runs: {plan.present:,} with results{copies}, {plan.live:,} queued or running, {plan.runs:,} "
        f"to submit{twins}",
    ]
    if not tasks:
        return "\n".join(lines)
    smallest, largest = min(map(len, tasks)), max(map(len, tasks))
    size = str(largest) if smallest == largest else f"{smallest} to {largest}"
    memory = f", {cluster.mem_per_cpu} per core" if cluster.mem_per_cpu else ""
    asked = f"{cluster.cpus_per_task} cores{memory}, {format_duration(plan.seconds)}"
    lines.append(f"    {tasks_text(len(tasks))} of {size} {'run' if largest == 1 else 'runs'}; each requests {asked}")
    lines += [f"    {line}" for line in [*_cost_lines(plan), *_warnings(plan)]]
    if submitted < len(tasks):
        lines.append(
            f"    {submitted:,} of the tasks now, as many as your limit on jobs allows{_describe_limit(limit)}"
        )
    return "\n".join(lines)


def _describe_limit(limit: JobLimit | None) -> str:
    """Return a limit on jobs in parentheses, after a space; empty without a limit."""
    return "" if limit is None else f" ({limit.name}: {limit.jobs:,}, {limit.used:,} of them taken)"


def tasks_text(tasks: int) -> str:
    """Return a number of tasks in words, such as "1 task"."""
    return f"{tasks:,} {'task' if tasks == 1 else 'tasks'}"


def _cost_lines(plan: Plan) -> list[str]:
    """Return lines about the cost of a run of each shape, of a task, and of all tasks."""
    totals = _shape_totals(plan)
    lines = [format_shape(plan, number, totals[number]) for number in range(min(len(plan.shapes), MAX_LISTED_SHAPES))]
    if len(plan.shapes) > MAX_LISTED_SHAPES:
        lines.append(f"({len(plan.shapes) - MAX_LISTED_SHAPES} more shapes)")
    cores = plan.cluster.cpus_per_task
    charged = max(float(cores), cores * (plan.cluster.mib_per_cpu or 0) / MIB_PER_CORE)
    elapsed = [plan.elapsed_seconds(time) for time in plan.times]
    hours = sum(elapsed) / HOUR * charged
    most = charged / HOUR * sum(max(1, time.starts(plan.trainable_seconds)) * plan.seconds for time in plan.times)
    shortest, longest = (format_duration(end(elapsed)) for end in (min, max))
    lines.append(
        f"about {hours:,.2f} core-hours ({hours * HOUR / YEAR:.4f} core-years), {most:,.0f} if all time is used; "
        f"about {longest if shortest == longest else f'{shortest} to {longest}'} per task"
    )
    return lines


class ShapeTotal(NamedTuple):
    """What the runs of a shape take in all tasks.

    smallest, largest: numbers of runs in its stacks.
    seconds: core-seconds per run.
    """

    smallest: int
    largest: int
    seconds: float


def _shape_totals(plan: Plan) -> list[ShapeTotal]:
    """Return the totals of each shape."""
    sizes: list[Counter[int]] = [Counter() for _ in plan.shapes]
    for time, tasks in Counter(plan.times).items():
        for number, runs in time.stacks:
            sizes[number][runs] += tasks
    totals = []
    for shape, counts in zip(plan.shapes, sizes, strict=True):
        seconds = sum(stacks * shape.cost.seconds_of(runs) for runs, stacks in counts.items())
        totals.append(ShapeTotal(min(counts), max(counts), seconds / sum(r * n for r, n in counts.items())))
    return totals


def _warnings(plan: Plan) -> list[str]:
    """Return a line for each thing about the plan that should be changed or known."""
    return [line for line in (_memory_warning(plan), _idle_warning(plan), _requeue_warning(plan)) if line]


def _memory_warning(plan: Plan) -> str | None:
    """Return a warning if a process takes more memory than a core has."""
    pairs = zip(plan.shapes, _shape_totals(plan), strict=True)
    most = max(shape.cost.process_mib_of(total.largest) or 0.0 for shape, total in pairs)
    if plan.cluster.mib_per_cpu is None or most <= plan.cluster.mib_per_cpu:
        return None
    return f"a process takes {most:,.0f} MiB, more than mem_per_cpu: raise it, or lower stack"


def _idle_warning(plan: Plan) -> str | None:
    """Return a warning if cores are idle for much of the time that tasks train."""
    cores, times = plan.cluster.cpus_per_task, plan.times
    busy = sum(time.used for time in times) / sum(time.training for time in times)
    if busy > (1.0 - MAX_IDLE) * cores:
        return None
    stacks = max(len(time.stacks) for time in times)
    advice = f"its runs make {stacks} {'stack' if stacks == 1 else 'stacks'}; lower cpus_per_task"
    if stacks >= cores:
        advice = "its stacks end at different times; lower cpus_per_task, or stack if it is given"
    elif plan.cluster.runs_per_task or plan.cluster.stack:
        advice += ", or let runs_per_task and stack be null"
    return f"warning: {cores - busy:.1f} of the {cores} cores of a task are idle on average: {advice}"


def _requeue_warning(plan: Plan) -> str | None:
    """Return a warning if tasks take longer than their time limit."""
    starts = [time.starts(plan.trainable_seconds) for time in plan.times]
    if 0 in starts:
        return "warning: a task has no time to train between its start and the warning: raise time"
    if max(starts) == 1:
        return None
    times = f"{max(starts) - 1:,} {'time' if max(starts) == 2 else 'times'}"
    return f"a task takes longer than its time limit: it stops with a checkpoint and requeues itself, about {times}"


def format_shape(plan: Plan, number: int, total: ShapeTotal) -> str:
    """Return a line that states the cost of a run of one shape, and whether it was measured."""
    shape = plan.shapes[number]
    cost, settings = shape.cost, len(shape.settings)
    source = "measured" if cost.measured else "estimated; --pilot measures it"
    memory, most = "", cost.process_mib_of(total.largest)
    if most is not None:
        memory = f", {most:,.0f} MiB per process"
    which = f"setting {shape.settings[0]}" if settings == 1 else f"{settings} settings from {shape.settings[0]}"
    stacks = f"{total.smallest} to {total.largest}" if total.smallest < total.largest else str(total.largest)
    return f"{which}: {total.seconds:,.1f} core-seconds per run in stacks of {stacks}{memory} ({source})"
