"""What a plan says before anything is submitted."""

from __future__ import annotations

import math

from utils.slurm.cluster import Cluster
from utils.slurm.duration import DAY, HOUR, format_duration
from utils.slurm.task_plan import MARGIN, Plan, usable

YEAR = 365.25 * DAY

MIB_A_CORE = 4096
"""Of memory, which the Alliance charges as one core (4 GB)."""

MOST_SHAPES = 10


def plan_report(plan: Plan, cluster: Cluster, submitted: int) -> str:
    """Lines on the runs, the tasks, and what they cost.  submitted: the tasks that fit under the user's limit."""
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
    memory = f", {cluster.mem_per_cpu} a core" if cluster.mem_per_cpu else ""
    asked = f"{cluster.cpus_per_task} cores{memory}, {format_duration(plan.seconds)}"
    lines.append(f"    {counted(len(tasks))} of {size} {'run' if largest == 1 else 'runs'}; each asks for {asked}")
    lines += [f"    {line}" for line in _costs(plan, cluster)]
    if submitted < len(tasks):
        lines.append(f"    now {submitted:,} of the tasks, as many as your limit on jobs leaves room for")
    return "\n".join(lines)


def counted(tasks: int) -> str:
    """So many tasks, in words."""
    return f"{tasks:,} {'task' if tasks == 1 else 'tasks'}"


def _costs(plan: Plan, cluster: Cluster) -> list[str]:
    """What a run of each shape, a task, and all together cost."""
    lines = [shape_line(plan, number) for number in range(min(len(plan.shapes), MOST_SHAPES))]
    if len(plan.shapes) > MOST_SHAPES:
        lines.append(f"({len(plan.shapes) - MOST_SHAPES} more shapes)")
    cores, used = cluster.cpus_per_task, plan.core_seconds(plan.tasks)
    charged = max(float(cores), cores * (cluster.mib_per_cpu or 0) / MIB_A_CORE)
    hours, most = used / HOUR * charged / cores, len(plan.tasks) * plan.seconds / HOUR * charged
    lines.append(
        f"about {hours:,.2f} core-hours ({hours * HOUR / YEAR:.4f} core-years), {most:,.0f} if all time is used; "
        f"about {format_duration(used / cores / len(plan.tasks))} a task, margin {MARGIN:.0%}"
    )
    most_memory = max(shape.cost.process_mib or 0.0 for shape in plan.shapes)
    if cluster.mib_per_cpu is not None and most_memory > cluster.mib_per_cpu:
        lines.append(f"a process takes {most_memory:,.0f} MiB: more than mem_per_cpu; raise it, or lower stack")
    longest = max(shape.cost.stack_seconds for shape in plan.shapes)
    room = usable(cluster, plan.seconds)
    if longest > room:
        times = math.ceil(longest / room) if room else "many"
        lines.append(
            f"a stack takes longer than a task may: tasks stop with a checkpoint and queue again, {times} times"
        )
    return lines


def shape_line(plan: Plan, number: int) -> str:
    """What a run of one shape costs, and how that is known."""
    shape = plan.shapes[number]
    cost, settings = shape.cost, len(shape.settings)
    source = "measured" if cost.measured else "by rule; --pilot measures it"
    memory = ""
    if cost.process_mib is not None:
        memory = f", {cost.process_mib:,.0f} MiB a process, {cost.process_mib / cost.stack:,.0f} a run"
    which = f"setting {shape.settings[0]}" if settings == 1 else f"{settings} settings from {shape.settings[0]}"
    return f"{which}: {cost.seconds:,.1f} core-seconds a run in a stack of {cost.stack}{memory} ({source})"
