"""Sweeps on SLURM: plans of missing runs, confirmation, submission, pilots, and status."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

import click

from agent.engine.selection import choose_engine
from utils.core.errors import BadInput
from utils.experiment.experiment import Experiment
from utils.results.result_file import results_root
from utils.slurm import commands as slurm
from utils.slurm.cluster import Cluster, account_notice, read_cluster, retirement_notice
from utils.slurm.pilot import make_trainer, measure_cost
from utils.slurm.plan_report import format_plan, tasks_text
from utils.slurm.request import Request, no_slurm_message
from utils.slurm.run_cost import Measurements, estimate_cost
from utils.slurm.status_report import format_status
from utils.slurm.submission_folder import new_submission_path, submission_names
from utils.slurm.submit import (
    SubmissionBatch,
    Target,
    array_names,
    make_script,
    sbatch_arguments,
    split_arrays,
    submit_all,
)  # fmt: skip
from utils.slurm.sweep_plan import Sweep, find_sweeps, free_places, make_plan, max_array_tasks, share_places
from utils.slurm.sweep_status import ResultReader, find_status
from utils.slurm.task_plan import Plan, group_by_shape
from utils.wiring.build import read_experiment
from utils.wiring.environments import check_environment

STATUS_INTERVAL_SECONDS = 60.0
"""Seconds between two looks at the queue with --watch: every user shares SLURM's controller."""


def load_cluster(path: str) -> Cluster:
    """Read a cluster's file and print notes about it.  Raises BadInput if it is missing or invalid."""
    cluster = read_cluster(path)
    for note in (retirement_notice(cluster, path), account_notice(cluster, os.environ.get(slurm.ACCOUNT))):
        if note:
            click.echo(f"note: {note}", err=True)
    return cluster


def read_experiments(request: Request) -> list[Experiment]:
    """Read an experiment for each agent file, with absolute directories.  Raises BadInput."""
    script = Path(request.directory, request.script)
    if not script.is_file():
        raise BadInput(f"'{script}' is not a file; allowed: main.py and its directory, as in: main.py ./")
    root = Path(request.directory).resolve() / results_root(request.save_dir)
    if not str(root).isprintable() or "\\" in str(root):
        raise BadInput(f"SAVE_DIR: found {str(root)!r}; allowed: a path that prints on one line, without backslashes")
    experiments = [read_experiment(request.env_json, path, str(root)) for path in request.agent_jsons]
    for experiment in experiments:
        largest, count = max(request.requested_settings(experiment)), len(experiment.grid)
        if largest >= count:
            raise BadInput(f"--settings: found {largest}; allowed for {experiment.agent_source}: 0 to {count - 1}")
    return experiments


def schedule_sweeps(
    request: Request, cluster: Cluster, experiments: list[Experiment], pilot: bool, dry_run: bool, yes: bool
) -> None:
    """Plan the missing runs, print the plans, ask, and submit.  Raises BadInput, SlurmError, OSError."""
    if not slurm.is_available() and not (pilot or dry_run):
        raise BadInput(no_slurm_message(request, experiments))
    before = {experiment.directory: submission_names(experiment.directory) for experiment in experiments}
    queue = slurm.read_queue() if slurm.is_available() else slurm.EMPTY_QUEUE
    sweeps = find_sweeps(request, experiments, queue)
    if pilot:
        measure_shapes(request, cluster, sweeps)
    plans = [make_plan(sweep, cluster, engine_for(request, sweep.experiment)) for sweep in sweeps]
    shares = share_places(plans, free_places(cluster, queue))
    for plan, share in zip(plans, shares, strict=True):
        click.echo(format_plan(plan, cluster, share))
    directory = str(Path(request.directory).resolve())
    target = Target(cluster, request.script, directory, request.engine, max_array_tasks(cluster))
    if dry_run:
        print_scripts(target, plans, shares)
    elif not slurm.is_available():
        raise BadInput(no_slurm_message(request, experiments))
    else:
        submit_if_confirmed(request, target, SubmissionBatch(sweeps, plans, shares, before), yes)
    rest = sum(len(plan.tasks) for plan in plans) - sum(shares)
    if rest:
        click.echo(
            f"your limit on jobs leaves no room for {tasks_text(rest)}; submit them later with:\n  {request.command()}"
        )


def submit_if_confirmed(request: Request, target: Target, batch: SubmissionBatch, yes: bool) -> None:
    """Ask unless --yes is given, and submit.  Raises BadInput, SlurmError, OSError."""
    tasks = sum(batch.shares)
    if tasks and (yes or click.confirm(f"Submit {tasks_text(tasks)}?")):
        for folder, jobs in submit_all(target, batch):
            click.echo(f"submitted as {', '.join(map(str, jobs))}: {folder}")
        click.echo(f"to see their status:\n  {request.command('--status')}")


def engine_for(request: Request, experiment: Experiment) -> str:
    """Return the engine of an experiment's runs; a pilot, whose runs are shorter, uses the same one."""
    return choose_engine(request.engine, experiment.total_timesteps)


def measure_shapes(request: Request, cluster: Cluster, sweeps: Sequence[Sweep]) -> None:
    """Run a pilot for each shape of the missing runs and store its measurement.  Raises BadInput, OSError."""
    for experiment, *_, missing, _forced in sweeps:
        engine = engine_for(request, experiment)
        measurements = Measurements(experiment, engine, cluster.stack)
        train = make_trainer(experiment, request.script, engine, request.directory)
        for settings in group_by_shape(experiment, sorted({run.setting for run in missing})):
            hyperparameters = experiment.hyperparameters(settings[0])
            size = estimate_cost(hyperparameters, experiment.environment, cluster.stack, engine).stack
            indices = [run.index for run in missing if run.setting in set(settings)][:size]
            click.echo(f"pilot: {len(indices)} runs like setting {settings[0]} of {experiment.agent_source}", err=True)
            runs = [experiment.run(index) for index in indices]
            sizes = check_environment(experiment).space_sizes
            measurements.write(settings[0], measure_cost(experiment, runs, sizes, train))


def print_scripts(target: Target, plans: Sequence[Plan], shares: Sequence[int]) -> None:
    """Print exactly what would be submitted; only the folders' names will differ."""
    for plan, share in zip(plans, shares, strict=True):
        folder, arrays = new_submission_path(plan.experiment), split_arrays(plan.tasks[:share], target.array_size)
        names = array_names(plan.experiment, folder, len(arrays))
        if arrays:
            click.echo(f"\n{folder / 'job.sh'}:\n\n{make_script(target, plan, folder)}")
        for number, (name, tasks) in enumerate(zip(names, arrays, strict=True)):
            arguments = sbatch_arguments(target.cluster, folder, name, number, len(tasks))
            click.echo(shlex.join(["sbatch", "--parsable", *arguments]))


def print_status(request: Request, experiments: Sequence[Experiment], watch: bool) -> None:
    """Print the status of all sweeps, repeatedly with `watch`.  Raises BadInput, SlurmError, OSError."""
    if not slurm.is_available():
        click.echo("note: there is no SLURM here; queued and running runs are shown as failed or missing", err=True)
    reader = ResultReader()
    while True:
        queue = slurm.read_queue() if slurm.is_available() else slurm.EMPTY_QUEUE
        asked = [(one, list(one.run_ids(request.requested_settings(one), request.runs))) for one in experiments]
        statuses = [find_status(experiment, runs, queue, reader) for experiment, runs in asked]
        if watch:
            click.clear()
        click.echo("\n\n".join(format_status(status) for status in statuses))
        click.echo("".join(f"{line}\n" for line in reader.complaints), nl=False, err=True)
        if not watch or not any(status.unfinished for status in statuses):
            return
        time.sleep(STATUS_INTERVAL_SECONDS)
