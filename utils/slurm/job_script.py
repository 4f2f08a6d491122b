"""The script of an array's tasks, as a pure function of what they ask for and call.

A task trains the runs on one line of a file. Where SLURM tracks processes by cgroup, its signals reach the
script alone. So main.py runs in the background, and the first signal, the warning before the time limit (USR1)
or a preemption (TERM), is passed on to it, as USR1. main.py ignores TERM, which elsewhere reaches it too: a second
signal would end it at once. It leaves with 75, and the task queues itself again, unless it was cancelled.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from utils.slurm.cluster import Cluster
from utils.slurm.duration import format_duration


@dataclass(frozen=True)
class Job:
    """What tasks have in common.

    seconds: their time limit.  directory: where main.py runs.  command: its words, but for --index.
    """

    cluster: Cluster
    seconds: int
    directory: str
    command: Sequence[str]


def job_script(job: Job) -> str:
    """The whole script. Its argument is a file with a line of indices for each task."""
    activate = job.cluster.activate
    return TEMPLATE.format(
        directives="\n".join(f"#SBATCH {option}" for option in directives(job)),
        directory=shlex.quote(job.directory),
        activate=f". {shlex.quote(os.path.join('.', activate))} || exit 2\n" if activate else "",
        command=shlex.join(job.command),
    )


def directives(job: Job) -> list[str]:
    """Options of sbatch, none of which needs quotes."""
    cluster = job.cluster
    asked = {
        "account": cluster.account,
        "partition": cluster.partition,
        "time": format_duration(job.seconds),
        "nodes": 1,
        "ntasks": 1,
        "cpus-per-task": cluster.cpus_per_task,
        "mem-per-cpu": cluster.mem_per_cpu,
        "gpus-per-node": cluster.gpus_per_node,
        "signal": f"B:USR1@{cluster.warning_seconds}",
        "open-mode": "append",
    }
    return [f"--{name}={value}" for name, value in asked.items() if value is not None] + [
        "--requeue",
        *cluster.options,
    ]


TEMPLATE = """\
#!/bin/bash
{directives}

task="${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}"
echo "$(date '+%Y-%m-%d %H:%M:%S') task $task on $(hostname), start $((${{SLURM_RESTART_COUNT:-0}} + 1))"
indices=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" "$1")
[ -n "$indices" ] || {{ echo "$1 has no line for task $task" >&2; exit 2; }}
set --
cd -- {directory} || exit 2
{activate}
# SLURM may signal this script alone: the first signal is passed on, as USR1.
pass_on() {{ trap '' USR1 TERM; first=$1; kill -USR1 "$child"; }}
(trap '' TERM; exec {command} --index="$indices") &
child=$!
trap 'pass_on USR1' USR1
trap 'pass_on TERM' TERM
wait "$child"; code=$?
if [ "$code" -gt 128 ]; then wait "$child"; code=$?; fi

# 75: stopped with a checkpoint; 138: by a signal that came before main.py could take it.
if [ "$code" -ne 75 ] && [ "$code" -ne 138 ]; then exit "$code"; fi
# TERM while SLURM ends the job: it was cancelled, or is queued again without our doing.
if [ "$first" = TERM ] && ! scontrol --oneliner show job "$task" | grep -q " JobState=RUNNING "; then exit "$code"; fi
for pause in 5 15 45 0; do
    scontrol requeue "$task" && break
    sleep "$pause"
done
exit "$code"
"""
