"""Missing runs -> SLURM arrays: plan, show, ask, submit; and how far they are."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from utils.core.cli_types import DEFAULT_ENGINE, ENGINE_CHOICES, IntegerList
from utils.core.errors import BadInput, exit_on_bad_input

if TYPE_CHECKING:
    from utils.experiment.experiment import Experiment
    from utils.slurm.cluster import Cluster
    from utils.slurm.request import Request
    from utils.slurm.submit import SubmissionBatch, Target
    from utils.slurm.sweep_plan import Sweep
    from utils.slurm.task_plan import Plan

EXIT_FAILED = 1

SECONDS_BETWEEN_LOOKS = 60.0
"""Of --watch. The controller answers everybody; it is asked no more often than this."""


@click.command(
    help="Submit to SLURM what is missing of the sweeps of AGENT_JSON... on ENV_JSON: as arrays whose tasks call "
    "SCRIPT (main.py) in DIRECTORY, with results in DIRECTORY/results/SAVE_DIR. Runs with results, and runs that "
    "earlier calls have in the queue, are left alone: it may be called any number of times. Exit code: 0 done, "
    "1 SLURM or a file failed, 2 bad input."
)
@click.argument("cluster_json")
@click.argument("script")
@click.argument("directory")
@click.argument("env_json")
@click.argument("save_dir")
@click.argument("agent_jsons", metavar="AGENT_JSON...", nargs=-1, required=True)
@click.option(
    "--runs", type=IntegerList(count=True), required=True, metavar="N|LIST",
    help="Runs of every setting: N for 0 to N - 1, or a list of numbers and ranges such as 10-39.",
)  # fmt: skip
@click.option(
    "--settings", type=IntegerList(), metavar="LIST", help="Only these settings, such as 3,17.  [default: all]"
)
@click.option("--force", is_flag=True, help="Also what has a result, which is put aside in the submission's folder.")
@click.option(
    "--engine", type=click.Choice(ENGINE_CHOICES), default=DEFAULT_ENGINE, show_default=True,
    help="How agents are computed: main.py's --engine.",
)  # fmt: skip
@click.option("--pilot", is_flag=True, help="First measure here, on one core, what a run of each shape costs.")
@click.option("--dry-run", is_flag=True, help="Show the plan and the exact scripts; submit nothing.")
@click.option("--yes", is_flag=True, help="Submit without asking.")
@click.option("--status", is_flag=True, help="Submit nothing; show how far the runs are.")
@click.option("--watch", is_flag=True, help=f"The same, again every {SECONDS_BETWEEN_LOOKS:.0f} s until nothing runs.")
def main(pilot: bool, dry_run: bool, yes: bool, status: bool, watch: bool, **asked: Any) -> None:
    """Entry point of the command line."""
    from utils.slurm.commands import SlurmError
    from utils.slurm.request import Request

    request = Request(**asked)
    with exit_on_bad_input():
        try:
            cluster, experiments = read_cluster(request.cluster_json), read_experiments(request)
            if status or watch:
                show_status(request, experiments, watch)
            else:
                schedule(request, cluster, experiments, pilot, dry_run, yes)
        except (SlurmError, OSError) as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(EXIT_FAILED)


def read_cluster(path: str) -> Cluster:
    """The cluster, and what there is to note of it.  Raises BadInput."""
    from utils.slurm import cluster as clusters
    from utils.slurm.commands import ACCOUNT

    cluster = clusters.read_cluster(path)
    for note in (clusters.retirement(cluster, path), clusters.account_notice(cluster, os.environ.get(ACCOUNT))):
        if note:
            click.echo(f"note: {note}", err=True)
    return cluster


def read_experiments(request: Request) -> list[Experiment]:
    """One for each agent file, all with absolute directories.  Raises BadInput."""
    from utils.results.result_file import results_root
    from utils.wiring.build import read_experiment

    script = Path(request.directory, request.script)
    if not script.is_file():
        raise BadInput(f"'{script}' is no file; allowed: main.py and the directory that it is in, as in: main.py ./")
    root = Path(request.directory).resolve() / results_root(request.save_dir)
    if not str(root).isprintable() or "\\" in str(root):
        raise BadInput(f"SAVE_DIR: found {str(root)!r}; allowed: a path that prints on one line, without backslashes")
    experiments = [read_experiment(request.env_json, path, str(root)) for path in request.agent_jsons]
    for experiment in experiments:
        largest, count = max(request.settings_of(experiment)), len(experiment.grid)
        if largest >= count:
            raise BadInput(f"--settings: found {largest}; allowed: 0 to {count - 1}, by {experiment.agent_source}")
    return experiments


def schedule(
    request: Request, cluster: Cluster, experiments: list[Experiment], pilot: bool, dry_run: bool, yes: bool
) -> None:
    """Plan, show, ask, submit.  Raises BadInput, SlurmError, OSError."""
    from utils.slurm import commands as slurm
    from utils.slurm.plan_report import counted, plan_report
    from utils.slurm.request import no_slurm
    from utils.slurm.submission_folder import names
    from utils.slurm.submit import SubmissionBatch, Target
    from utils.slurm.sweep_plan import array_size, find_sweeps, make_plan, room, shared

    if not slurm.available() and not (pilot or dry_run):
        raise BadInput(no_slurm(request, experiments))
    before = {experiment.directory: names(experiment.directory) for experiment in experiments}
    queue = slurm.queue() if slurm.available() else slurm.EMPTY
    sweeps = find_sweeps(request, experiments, queue)
    if pilot:
        measure_all(request, cluster, sweeps)
    plans = [make_plan(sweep, cluster, engine_of(request, sweep.experiment)) for sweep in sweeps]
    shares = shared(plans, room(cluster, queue))
    for plan, share in zip(plans, shares, strict=True):
        click.echo(plan_report(plan, cluster, share))
    directory = str(Path(request.directory).resolve())
    target = Target(cluster, request.script, directory, request.engine, array_size(cluster))
    if dry_run:
        show_scripts(target, plans, shares)
    elif not slurm.available():
        raise BadInput(no_slurm(request, experiments))
    else:
        submit_agreed(request, target, SubmissionBatch(sweeps, plans, shares, before), yes)
    rest = sum(len(plan.tasks) for plan in plans) - sum(shares)
    if rest:
        click.echo(f"your limit on jobs leaves out {counted(rest)}; later:\n  {request.command()}")


def submit_agreed(request: Request, target: Target, batch: SubmissionBatch, yes: bool) -> None:
    """Ask, unless that is a yes already, and submit.  Raises BadInput, SlurmError, OSError."""
    from utils.slurm.plan_report import counted
    from utils.slurm.submit import submit_all

    tasks = sum(batch.shares)
    if tasks and (yes or click.confirm(f"Submit {counted(tasks)}?")):
        for folder, jobs in submit_all(target, batch):
            click.echo(f"submitted as {', '.join(map(str, jobs))}: {folder}")
        click.echo(f"how far they are:\n  {request.command('--status')}")


def engine_of(request: Request, experiment: Experiment) -> str:
    """What is to compute an experiment's runs: a pilot's are shorter, and are to be computed as these."""
    from agent.engine.selection import by_length

    return by_length(request.engine, experiment.total_timesteps)


def measure_all(request: Request, cluster: Cluster, sweeps: Sequence[Sweep]) -> None:
    """Run a pilot of each shape that is missing, and keep what it finds.  Raises BadInput, OSError."""
    from utils.slurm.pilot import measure, trainer
    from utils.slurm.run_cost import Measurements, estimate
    from utils.slurm.task_plan import shapes_of
    from utils.wiring.build import tried

    for experiment, *_, missing, _forced in sweeps:
        engine = engine_of(request, experiment)
        measurements = Measurements(experiment, engine, cluster.stack)
        command = [sys.executable, request.script, f"--engine={engine}"]
        train = trainer(experiment, command, request.directory)
        for settings in shapes_of(experiment, sorted({cell.setting for cell in missing})):
            hyperparameters = experiment.hyperparameters(settings[0])
            size = estimate(hyperparameters, experiment.environment, cluster.stack, engine).stack
            alike = [cell.index for cell in missing if cell.setting in set(settings)][:size]
            click.echo(f"pilot: {len(alike)} runs like setting {settings[0]} of {experiment.agent_source}", err=True)
            runs = [experiment.run(index) for index in alike]
            measurements.write(settings[0], measure(experiment, runs, tried(experiment).space_sizes, train))


def show_scripts(target: Target, plans: Sequence[Plan], shares: Sequence[int]) -> None:
    """What would be submitted, to the letter but for the folders' names."""
    from utils.slurm.submission_folder import new_folder
    from utils.slurm.submit import array_names, sbatch_arguments, script_for, split_arrays

    for plan, share in zip(plans, shares, strict=True):
        folder, arrays = new_folder(plan.experiment), split_arrays(plan.tasks[:share], target.array_size)
        names = array_names(plan.experiment, folder, len(arrays))
        if arrays:
            click.echo(f"\n{folder / 'job.sh'}:\n\n{script_for(target, plan, folder)}")
        for number, (name, tasks) in enumerate(zip(names, arrays, strict=True)):
            arguments = sbatch_arguments(target.cluster, folder, name, number, len(tasks))
            click.echo(shlex.join(["sbatch", "--parsable", *arguments]))


def show_status(request: Request, experiments: Sequence[Experiment], watch: bool) -> None:
    """Tables of all sweeps; with `watch` again and again.  Raises BadInput, SlurmError, OSError."""
    from utils.slurm import commands as slurm
    from utils.slurm.status_report import status_report
    from utils.slurm.sweep_status import Reader, find_status

    if not slurm.available():
        click.echo("note: there is no SLURM here; what is queued or running counts as failed or missing", err=True)
    reader = Reader()
    while True:
        queue = slurm.queue() if slurm.available() else slurm.EMPTY
        cells = [(one, list(one.run_ids(request.settings_of(one), request.runs))) for one in experiments]
        found = [find_status(experiment, wanted, queue, reader) for experiment, wanted in cells]
        if watch:
            click.clear()
        click.echo("\n\n".join(status_report(status) for status in found))
        click.echo("".join(f"{line}\n" for line in reader.complaints), nl=False, err=True)
        if not watch or not any(status.unfinished for status in found):
            return
        time.sleep(SECONDS_BETWEEN_LOOKS)


if __name__ == "__main__":
    main()
