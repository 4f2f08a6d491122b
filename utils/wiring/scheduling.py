"""Sweeps on SLURM: plans of missing runs, confirmation, submission, pilots, and status."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from agent.engine.selection import choose_engine
from utils.core.closed_pipe import echo
from utils.core.errors import BadInput
from utils.core.indices import format_indices
from utils.experiment.experiment import Experiment
from utils.results.result_file import results_root
from utils.slurm import commands as slurm
from utils.slurm.closing_job import SCRIPT, closing_arguments, make_closing_script
from utils.slurm.cluster import Cluster, account_notice, add_options, gpu_notice, read_cluster, retirement_notice
from utils.slurm.pilot import make_trainer, measure_cost, pilot_cores
from utils.slurm.plan_report import format_plan, tasks_text
from utils.slurm.request import Request, no_slurm_message
from utils.slurm.run_cost import Measurements
from utils.slurm.slurm_state import SlurmState, assume_state, read_state
from utils.slurm.status_report import format_status
from utils.slurm.submission_folder import new_submission_path, submission_names, submitting_users
from utils.slurm.submit import (
    SubmissionBatch,
    Target,
    array_names,
    closing_name,
    make_closing_job,
    make_script,
    sbatch_arguments,
    split_arrays,
    submit_all,
)  # fmt: skip
from utils.slurm.sweep_plan import Sweep, find_shapes, find_sweeps, make_plan, planned_stacks, share_places
from utils.slurm.sweep_status import ResultReader, find_status
from utils.slurm.task_plan import Plan
from utils.training.existing_results import check_same_code, copy_results
from utils.wiring.build import read_experiment
from utils.wiring.environments import check_environment
from utils.wiring.run import check_extendable

STATUS_INTERVAL_SECONDS = 60.0
"""Seconds between two looks at the queue with --watch: every user shares SLURM's controller."""


def load_cluster(request: Request) -> Cluster:
    """Read a cluster's file, with the options of the command line, and print notes about it.

    Raises BadInput if the file is missing, or the file or an option is invalid.
    """
    cluster = read_cluster(request.cluster_json)
    print_notes([retirement_notice(cluster, request.cluster_json)])
    return add_options(cluster, request.sbatch)


def read_experiments(request: Request) -> list[Experiment]:
    """Read an experiment for each agent file, with absolute directories.  Raises BadInput."""
    script = Path(request.directory, request.script)
    if not script.is_file():
        raise BadInput(f"'{script}' is not a file; allowed: main.py and its directory, as in: main.py ./")
    root = Path(request.directory).resolve() / results_root(request.save_dir)
    if not str(root).isprintable() or "\\" in str(root):
        raise BadInput(f"SAVE_DIR: found {str(root)!r}; allowed: a path that prints on one line, without backslashes")
    experiments = [read_experiment(request.env_json, path, str(root)) for path in request.agent_jsons]
    if request.extend is not None:
        experiments = [experiment.extended(request.extend) for experiment in experiments]
    for experiment in experiments:
        check_start_path(request, experiment)
        largest, count = max(request.settings or [0]), len(experiment.grid)
        if largest >= count:
            raise BadInput(f"--settings: found {largest}; allowed for {experiment.agent_source}: 0 to {count - 1}")
        print_notes([left_out_note(request, experiment)])
    return experiments


def left_out_note(request: Request, experiment: Experiment) -> str | None:
    """Return a note on requested settings that are not allowed and therefore left out; None if all are allowed.

    Raises BadInput if none is allowed, or one is not and the request is strict.
    """
    settings = range(len(experiment.grid)) if request.settings is None else request.settings
    refusals = {setting: why for setting in settings if (why := experiment.refusal(setting)) is not None}
    if not refusals:
        return None
    reason = next(iter(refusals.values()))
    if request.strict or len(refusals) == len(settings):
        raise BadInput(reason)
    return f"left out, not allowed: settings {format_indices(list(refusals))} of {experiment.agent_source}: {reason}"


def check_start_path(request: Request, experiment: Experiment) -> None:
    """Check that tasks find what runs begin from where this process finds it.  Raises BadInput."""
    path = experiment.agent.start_from
    if path is not None and not Path(path).is_absolute() and Path(request.directory).resolve() != Path.cwd():
        raise BadInput(
            f"{experiment.agent_source}: start_from: found {path}, a relative path, with main.py in another directory, "
            f"{request.directory}; allowed: an absolute path, or schedule.py started in that directory"
        )


def schedule_sweeps(
    request: Request, cluster: Cluster, experiments: list[Experiment], pilot: bool, dry_run: bool, yes: bool
) -> None:
    """Plan the missing runs, print the plans, ask, and submit.  Raises BadInput, SlurmError, OSError."""
    if not slurm.is_available() and not (pilot or dry_run):
        raise BadInput(no_slurm_message(request, experiments))
    before = {experiment.directory: submission_names(experiment.directory) for experiment in experiments}
    state = find_state(cluster, experiments, dry_run)
    sweeps = find_sweeps(request, experiments, state.queue)
    for sweep in sweeps:
        check_extendable([sweep.experiment.run(run_id.index) for run_id in sweep.missing])
    account = account_notice(cluster, os.environ.get(slurm.ACCOUNT))
    for sweep in sweeps:
        check_copies(sweep, request.accept_mixed)
    print_notes([account, *state.notes, *(gpu_note(cluster, sweep) for sweep in sweeps)])
    free = None if state.limit is None else max(0, state.limit.free - (len(sweeps) if request.then else 0))
    places = None if free is None else free // len(sweeps)
    if pilot:
        measure_shapes(request, cluster, sweeps, places)
    plans = [make_plan(sweep, cluster, engine_for(request, sweep.experiment), places) for sweep in sweeps]
    shares = share_places(plans, free)
    for plan, share in zip(plans, shares, strict=True):
        echo(format_plan(plan, share, state.limit))
    directory = str(Path(request.directory).resolve())
    target = Target(
        cluster, request.script, directory, request.engine, state.array_size,
        no_copy=request.force, then=request.then, keep_checkpoint=request.keep_checkpoint,
        common_list=request.common_list, expedite=cluster.expedite and state.expedites,
    )  # fmt: skip
    if dry_run:
        print_scripts(target, plans, shares)
    elif not slurm.is_available():
        raise BadInput(no_slurm_message(request, experiments))
    else:
        submit_if_confirmed(request, target, SubmissionBatch(sweeps, plans, shares, before), yes)
    if request.then:
        print_notes(closing_note(plan) for plan in plans)
    rest = sum(len(plan.tasks) for plan in plans) - sum(shares)
    if rest:
        echo(
            f"your limit on jobs leaves no room for {tasks_text(rest)}; submit them later with:\n  {request.command()}"
        )


def find_state(cluster: Cluster, experiments: Sequence[Experiment], dry_run: bool) -> SlurmState:
    """Return the state of SLURM, if there is one; a dry run does without an answer.  Raises SlurmError, BadInput."""
    if not slurm.is_available():
        return assume_state(cluster)
    try:
        return read_state(cluster, submitting_users(experiment.directory for experiment in experiments))
    except slurm.SlurmError as error:
        if not dry_run:
            raise
        note = f"SLURM does not answer ({error}); the plan assumes an empty queue and the cluster file's limits"
        return assume_state(cluster)._replace(notes=(note,))


def check_copies(sweep: Sweep, accept_mixed: bool) -> None:
    """Check that the results to copy are of today's code and environment, as main.py does.  Raises BadInput."""
    check_same_code(sweep.copies, lambda: check_environment(sweep.experiment).rollouts, accept_mixed)


def gpu_note(cluster: Cluster, sweep: Sweep) -> str | None:
    """Return a notice if runs of a sweep need a GPU and its tasks request none; else None."""
    settings = {run_id.setting for run_id in sweep.missing}
    cuda = any(getattr(sweep.experiment.hyperparameters(setting), "cuda", False) for setting in settings)
    return gpu_notice(cluster, sweep.experiment.agent_source, cuda)


def closing_note(plan: Plan) -> str | None:
    """Return a notice that a plan has no closing job, because it has no tasks; else None."""
    if plan.tasks:
        return None
    return f"no closing job for {plan.experiment.directory}: nothing is submitted that it could wait for"


def print_notes(notes: Iterable[str | None]) -> None:
    """Print each note once, to standard error."""
    for note in dict.fromkeys(notes):
        if note:
            echo(f"note: {note}", err=True)


def submit_if_confirmed(request: Request, target: Target, batch: SubmissionBatch, yes: bool) -> None:
    """Ask unless --yes is given or nothing is to be submitted. Then copy results and submit tasks.

    All this is done whether or not anybody still reads the output.  Raises BadInput, SlurmError, OSError.
    """
    tasks = sum(batch.shares)
    if tasks and not (yes or click.confirm(f"Submit {tasks_text(tasks)}?", err=True)):
        return
    for sweep in batch.sweeps:
        if not copy_results(sweep.experiment, sweep.copies):
            raise OSError(f"{sweep.experiment.directory}: not all results could be copied; see above")
    if tasks:
        for folder, jobs, closing in submit_all(target, batch):
            then = "" if closing is None else f", closing job {closing}"
            echo(f"submitted as {', '.join(map(str, jobs))}{then}: {folder}")
        echo(f"to see their status:\n  {request.command('--status')}")


def engine_for(request: Request, experiment: Experiment) -> str:
    """Return the engine of an experiment's runs; a pilot, whose runs are shorter, uses the same one."""
    return choose_engine(request.engine, experiment.total_timesteps)


def measure_shapes(request: Request, cluster: Cluster, sweeps: Sequence[Sweep], places: int | None) -> None:
    """Run a pilot for each shape of the missing runs and store its measurement.  Raises BadInput, OSError.

    The stack of a pilot is as large as the largest one that is planned to form.
    places: number of tasks that the limit on jobs allows.
    """
    for sweep in sweeps:
        experiment, missing = sweep.experiment, sweep.missing
        engine = engine_for(request, experiment)
        measurements = Measurements(experiment, engine, cluster.stack)
        train = make_trainer(experiment, request.script, engine, request.directory)
        shapes = find_shapes(sweep, cluster, engine, measured=False)
        for shape, size in zip(shapes, planned_stacks(sweep, cluster, shapes, places), strict=True):
            indices = [run.index for run in missing if run.setting in set(shape.settings)]
            stacks = max(1, min(pilot_cores(cluster), len(indices) // size))
            runs = [experiment.run(index) for index in indices[: stacks * size]]
            like = f"setting {shape.settings[0]} of {experiment.agent_source}"
            echo(f"pilot: {len(runs)} runs like {like}, on {stacks} {'core' if stacks == 1 else 'cores'}", err=True)
            sizes, rule = check_environment(experiment).space_sizes, shape.cost.resized(size)
            measurements.write(shape.settings[0], measure_cost(experiment, runs, sizes, rule, train))


def print_scripts(target: Target, plans: Sequence[Plan], shares: Sequence[int]) -> None:
    """Print exactly what would be submitted; only the folders' names will differ."""
    for plan, share in zip(plans, shares, strict=True):
        folder, arrays = new_submission_path(plan.experiment), split_arrays(plan.tasks[:share], target.array_size)
        names = array_names(plan.experiment, folder, len(arrays))
        if arrays:
            echo(f"\n{folder / 'job.sh'}:\n\n{make_script(target, plan, folder)}")
        for number, (name, tasks) in enumerate(zip(names, arrays, strict=True)):
            arguments = sbatch_arguments(target, folder, name, number, len(tasks))
            echo(shlex.join(["sbatch", "--parsable", *arguments]))
        if arrays and target.then:
            echo(f"\n{folder / SCRIPT}:\n\n{make_closing_script(make_closing_job(target, plan, folder))}")
            jobs = [f"ARRAY{number}" for number in range(len(arrays))]
            arguments = closing_arguments(target.cluster, folder, closing_name(plan.experiment, folder), jobs)
            echo(shlex.join(["sbatch", "--parsable", *arguments]))


def print_status(request: Request, experiments: Sequence[Experiment], watch: bool) -> None:
    """Print the status of all sweeps, repeatedly with `watch`.  Raises BadInput, SlurmError, OSError."""
    if not slurm.is_available():
        click.echo("note: there is no SLURM here; queued and running runs are shown as failed or missing", err=True)
    reader = ResultReader()
    while True:
        users = submitting_users(experiment.directory for experiment in experiments)
        queue = slurm.read_queue(users) if slurm.is_available() else slurm.EMPTY_QUEUE
        asked = [(one, list(one.run_ids(request.requested_settings(one), request.runs))) for one in experiments]
        statuses = [find_status(experiment, runs, queue, reader) for experiment, runs in asked]
        if watch:
            click.clear()
        click.echo("\n\n".join(format_status(status) for status in statuses))
        click.echo("".join(f"{line}\n" for line in reader.complaints), nl=False, err=True)
        if not watch or not any(status.unfinished for status in statuses):
            return
        time.sleep(STATUS_INTERVAL_SECONDS)
