"""The script of an array's tasks, a pure function of their resources and command.

A task trains the runs on one line of a file, or takes stacks from a common list. Where SLURM tracks processes by
cgroup, its signals reach only the script. So main.py runs in the background, and the script forwards the first signal,
the warning before the time limit (USR1) or a preemption (TERM), to it as USR1. main.py ignores TERM, which would
otherwise be a second signal and end it at once. It exits with 75, and the task requeues itself unless it was
cancelled.

The script takes signals from its first lines on. The environment is activated in the background process as well: bash
handles a signal only when a command in the foreground has ended, and loading modules can take minutes. There, USR1 ends
the process, and the task requeues itself without a checkpoint.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from utils.slurm.cluster import Cluster
from utils.slurm.duration import format_duration


@dataclass(frozen=True)
class Job:
    """Properties that all tasks share.

    seconds: time limit.
    directory: working directory of main.py.
    command: words of its command line without --index.
    common_list: directory of the list that tasks take stacks from; None: each task has runs of its own.
    expedite: whether SLURM requeues tasks of a failed node before other jobs. It then holds tasks that end with an exit
        code other than 0, so that they stay in the queue; the script reports every end as 0.
    """

    cluster: Cluster
    seconds: int
    directory: str
    command: Sequence[str]
    common_list: Path | None = None
    expedite: bool = False


def make_job_script(job: Job) -> str:
    """Return the whole script.

    The script's argument is a file with a line of indices for each task or, with a common list, the array's number.
    """
    activate = job.cluster.activate
    choice, words = OWN_RUNS, '--index="$indices"'
    if job.common_list is not None:
        choice, words = COMMON_RUNS, f'--common-list {shlex.quote(str(job.common_list))} "$name"'
    return TEMPLATE.format(
        sbatch_directives="\n".join(f"#SBATCH {option}" for option in sbatch_directives(job)),
        directory=shlex.quote(job.directory),
        activate=f"    . {shlex.quote(os.path.join('.', activate))} || exit 2\n" if activate else "",
        choice=choice,
        expedite=EXPEDITED_END if job.expedite else "",
        command=f"{shlex.join(job.command)} {words}",
    )


def resource_options(cluster: Cluster) -> dict[str, object]:
    """Return the resources that a task requests, by name of sbatch's option; None: not requested."""
    return {
        "account": cluster.account,
        "partition": cluster.partition,
        "time": None,
        "nodes": 1,
        "ntasks": 1,
        "cpus-per-task": cluster.cpus_per_task,
        "mem-per-cpu": cluster.mem_per_cpu,
        "gpus-per-node": cluster.gpus_per_node,
    }


def common_arguments(cluster: Cluster, folder: Path, name: str, own: str, log: str) -> list[str]:
    """Return the arguments of sbatch that arrays and closing jobs have; paths need no quotes here.

    folder: the submission's folder.  name: name of the job.  own: an argument of this kind of job.  log: name of the
    log's file.
    A % in the path of a log is escaped. The account is given here too, as SBATCH_ACCOUNT overrides the one in a script.
    """
    account = [f"--account={cluster.account}"] if cluster.account else []
    output = f"{str(folder).replace('%', '%%')}/logs/{log}"
    return [f"--job-name={name}", own, f"--chdir={folder}", f"--output={output}", *account]


def sbatch_directives(job: Job) -> list[str]:
    """Return the options of sbatch, quoted as for a shell, which sbatch understands too; most need no quotes."""
    cluster = job.cluster
    asked = resource_options(cluster) | {
        "time": format_duration(job.seconds),
        "signal": f"B:USR1@{cluster.warning_seconds}",
        "open-mode": "append",
    }
    return [f"--{name}={value}" for name, value in asked.items() if value is not None] + [
        "--requeue=expedite" if job.expedite else "--requeue",
        *(shlex.quote(option) for option in cluster.options),
    ]


OWN_RUNS = """\
indices=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" "$1")
[ -n "$indices" ] || { echo "$1 has no line for task $task" >&2; exit 2; }
"""

EXPEDITED_END = """\
# With --requeue=expedite, SLURM holds tasks that end with another code.
trap 'code=$?; log "ends with exit code $code"; exit 0' EXIT
"""

COMMON_RUNS = 'name="$1_$SLURM_ARRAY_TASK_ID"\n'

TEMPLATE = """\
#!/bin/bash
{sbatch_directives}

# SLURM may signal this script alone: the first signal is passed on, as USR1.
first= child=
pass_on() {{ trap '' USR1 TERM; first=$1; [ -z "$child" ] || kill -USR1 "$child"; }}
trap 'pass_on USR1' USR1
trap 'pass_on TERM' TERM

task="${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}"
log() {{ echo "$(date '+%Y-%m-%d %H:%M:%S') task $task $1"; }}
log "on $(hostname), start $((${{SLURM_RESTART_COUNT:-0}} + 1))"
{expedite}{choice}set --
cd -- {directory} || exit 2
# In the background, as bash waits for a command in the foreground before it handles a signal.
(
    trap - USR1
    trap '' TERM
    trap : EXIT # Without a trap, bash ends with the file below if that ends with "|| command".
    [ -z "$first" ] || exit 138
{activate}    exec {command}
) &
child=$!
[ -z "$first" ] || kill -USR1 "$child" # It came before there was a child.
wait "$child"; code=$?
if [ "$code" -gt 128 ]; then wait "$child"; code=$?; fi

# 75: stopped with a checkpoint; 138: by a signal that came before main.py could take it.
if [ "$code" -ne 75 ] && [ "$code" -ne 138 ]; then exit "$code"; fi
[ "$code" -eq 75 ] || log "was told to stop (${{first:-USR1}}) before it trained"
# TERM while SLURM ends the job: it was cancelled, or is queued again without our doing.
if [ "$first" = TERM ] && ! scontrol --oneliner show job "$task" | grep -q " JobState=RUNNING "; then exit "$code"; fi
log "is stopped by ${{first:-a signal}} and queued again"
for pause in 5 15 45 0; do
    scontrol requeue "$task" && break
    sleep "$pause"
done
exit "$code"
"""
