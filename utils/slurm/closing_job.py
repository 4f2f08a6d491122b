"""A sweep's closing job, which combines the results and writes the report once all tasks have ended.

It waits for the arrays of its submission by SLURM's dependency `afterany`: until all tasks have ended, completed,
failed or cancelled. A task that requeues itself has not ended.

It requests what a task requests, but one core and CLOSING_MEMORY; where whole nodes are allocated, a node. It runs in
the minutes that combining takes.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from utils.slurm.cluster import Cluster
from utils.slurm.duration import MINUTE, format_duration
from utils.slurm.job_script import common_arguments, resource_options
from utils.slurm.submission_folder import CLOSING_LOG

COMBINE, REPORT = "combine", "report"

STEPS = (COMBINE, REPORT)
"""What a closing job can do, in this order."""

CLOSING_SECONDS = 30 * MINUTE
"""Time limit of a closing job, if the cluster accepts one so short."""

CLOSING_MEMORY = "8000M"
"""Memory of a closing job, unless it has a whole node."""

SCRIPT = "closing.sh"
"""Name of the script in the submission's folder."""


@dataclass(frozen=True)
class ClosingJob:
    """A closing job.

    steps: some of STEPS, in order.
    results: directory of the results.
    agent_json, env_json: configurations of the sweep, as other sweeps may have results in the same directory.
    directory, script: working directory and path of main.py, next to which the other scripts are.
    """

    cluster: Cluster
    steps: Sequence[str]
    results: Path
    agent_json: Path
    env_json: Path
    directory: str
    script: str

    def commands(self) -> list[list[str]]:
        """Return the words of each step's command."""
        folder, results = PurePath(self.script).parent, str(self.results)
        files = [f"--agent-json={self.agent_json}", f"--env-json={self.env_json}"]
        commands = {
            COMBINE: ["python", str(folder / "simple_combine.py"), *files, "--", results],
            REPORT: ["python", str(folder / "utils" / "report.py"), "--", results],
        }
        return [commands[step] for step in self.steps]


def make_closing_script(job: ClosingJob) -> str:
    """Return the whole script of a closing job. A step that fails ends it; one that leaves files out does not."""
    activate = job.cluster.activate
    return TEMPLATE.format(
        sbatch_directives="\n".join(f"#SBATCH {option}" for option in closing_directives(job.cluster)),
        directory=shlex.quote(job.directory),
        activate=f". {shlex.quote(os.path.join('.', activate))} || exit 2\n" if activate else "",
        steps="\n".join(f"step {shlex.join(command)}" for command in job.commands()),
    )


def closing_directives(cluster: Cluster) -> list[str]:
    """Return the options of sbatch, quoted as for a shell."""
    seconds = min(max(cluster.min_seconds, CLOSING_SECONDS), cluster.max_seconds)
    options = resource_options(cluster) | {"time": format_duration(seconds)}
    if cluster.mem_per_cpu is not None:
        options |= {"cpus-per-task": 1, "mem-per-cpu": CLOSING_MEMORY}
    options["open-mode"] = "append"
    return [f"--{name}={value}" for name, value in options.items() if value is not None] + [
        "--requeue",
        *(shlex.quote(option) for option in cluster.options),
    ]


def closing_arguments(cluster: Cluster, folder: Path, name: str, jobs: Sequence[object]) -> list[str]:
    """Return the arguments of sbatch besides the directives.

    name: name of the job.  jobs: numbers of the arrays.
    """
    dependency = f"--dependency=afterany:{':'.join(map(str, jobs))}"
    return [*common_arguments(cluster, folder, name, dependency, CLOSING_LOG), str(folder / SCRIPT)]


TEMPLATE = """\
#!/bin/bash
{sbatch_directives}

log() {{ echo "$(date '+%Y-%m-%d %H:%M:%S') closing job $SLURM_JOB_ID $1"; }}
log "on $(hostname), start $((${{SLURM_RESTART_COUNT:-0}} + 1))"
cd -- {directory} || exit 2
{activate}
# 1: done, but something was left out, as the log says; the next step can be made.
code=0
step() {{ [ "$code" -gt 1 ] || "$@" || code=$?; }}
{steps}
log "ends with exit code $code"
exit "$code"
"""
