"""The text that describes a plan before anything is submitted."""

from __future__ import annotations

import math

from utils.slurm.cluster import Cluster
from utils.slurm.duration import DAY, HOUR, format_duration
from utils.slurm.job_limits import JobLimit
from utils.slurm.task_plan import MARGIN, Plan, usable_seconds

YEAR = 365.25 * DAY

MIB_PER_CORE = 4096
"""Memory that the Alliance charges as one core (4 GB), MiB."""

MAX_LISTED_SHAPES = 10


def format_plan(plan: Plan, cluster: Cluster, submitted: int, limit: JobLimit | None = None) -> str:
    """Return lines about the runs, the tasks, and their cost.

    submitted: number of tasks that the limit on jobs allows now.
    """
    experiment, tasks = plan.experiment, plan.tasks
    total = plan.present + plan.live + plan.runs
    lines = [
        f"{experiment.agent_source} on {experiment.env_source} -> {experiment.directory}",
        f"    {total:,} runs: {plan.present:,} with results, {plan.live:,} queued or running, {plan.runs:,} to submit",
    ]
    if not tasks:
        return "\n".join(lines)
    smallest, largest = min(map(len, tasks)), max(map(len, tasks))
    size = str(largest) if smallest == largest else f"{smallest} to {largest}"
    memory = f", {cluster.mem_per_cpu} per core" if cluster.mem_per_cpu else ""
    asked = f"{cluster.cpus_per_task} cores{memory}, {format_duration(plan.seconds)}"
    lines.append(f"    {tasks_text(len(tasks))} of {size} {'run' if largest == 1 else 'runs'}; each requests {asked}")
    lines += [f"    {line}" for line in _cost_lines(plan, cluster)]
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


def _cost_lines(plan: Plan, cluster: Cluster) -> list[str]:
    """Return lines about the cost of a run of each shape, of a task, and of all tasks."""
    lines = [format_shape(plan, number) for number in range(min(len(plan.shapes), MAX_LISTED_SHAPES))]
    if len(plan.shapes) > MAX_LISTED_SHAPES:
        lines.append(f"({len(plan.shapes) - MAX_LISTED_SHAPES} more shapes)")
    cores, used = cluster.cpus_per_task, plan.core_seconds(plan.tasks)
    charged = max(float(cores), cores * (cluster.mib_per_cpu or 0) / MIB_PER_CORE)
    hours, most = used / HOUR * charged / cores, len(plan.tasks) * plan.seconds / HOUR * charged
    lines.append(
        f"about {hours:,.2f} core-hours ({hours * HOUR / YEAR:.4f} core-years), {most:,.0f} if all time is used; "
        f"about {format_duration(used / cores / len(plan.tasks))} per task, margin {MARGIN:.0%}"
    )
    most_memory = max(shape.cost.process_mib or 0.0 for shape in plan.shapes)
    if cluster.mib_per_cpu is not None and most_memory > cluster.mib_per_cpu:
        lines.append(f"a process takes {most_memory:,.0f} MiB, more than mem_per_cpu: raise it, or lower stack")
    longest = max(shape.cost.stack_seconds for shape in plan.shapes)
    room = usable_seconds(cluster, plan.seconds)
    if longest > room:
        times = math.ceil(longest / room) if room else "many"
        lines.append(
            "a stack takes longer than a task's time limit: tasks stop with a checkpoint and requeue themselves "
            f"{times} times"
        )
    return lines


def format_shape(plan: Plan, number: int) -> str:
    """Return a line that states the cost of a run of one shape, and whether it was measured."""
    shape = plan.shapes[number]
    cost, settings = shape.cost, len(shape.settings)
    source = "measured" if cost.measured else "estimated; --pilot measures it"
    memory = ""
    if cost.process_mib is not None:
        memory = f", {cost.process_mib:,.0f} MiB per process, {cost.process_mib / cost.stack:,.0f} per run"
    which = f"setting {shape.settings[0]}" if settings == 1 else f"{settings} settings from {shape.settings[0]}"
    return f"{which}: {cost.seconds:,.1f} core-seconds per run in a stack of {cost.stack}{memory} ({source})"
