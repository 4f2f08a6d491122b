"""Submission of plans as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from utils.combining.unarchive_results import unarchive_results
from utils.experiment.experiment import Experiment, RunId
from utils.experiment.main_command import MainCommand
from utils.slurm.cluster import Cluster
from utils.slurm.commands import SlurmError, submit_job, user_name
from utils.slurm.job_script import Job, make_job_script
from utils.slurm.submission_folder import (
    Submission,
    SubmissionRecord,
    SubmittedArray,
    lock_submitting,
    new_submission_path,
    write_submission,
)
from utils.slurm.sweep_plan import Sweep
from utils.slurm.task_plan import Plan

Tasks = Sequence[Sequence[RunId]]


@dataclass(frozen=True)
class Target:
    """How plans are submitted.

    script, directory: main.py and its working directory.
    engine, no_copy: main.py's options.
    array_size: largest number of tasks in an array.
    """

    cluster: Cluster
    script: str
    directory: str
    engine: str
    array_size: int
    no_copy: bool = False


@dataclass(frozen=True)
class SubmissionBatch:
    """What one call may submit.

    shares: number of tasks of each plan.
    before: for each directory, the names of the submissions that existed when the plans were made.
    """

    sweeps: Sequence[Sweep]
    plans: Sequence[Plan]
    shares: Sequence[int]
    before: Mapping[Path, Set[str]]


def split_arrays(tasks: Tasks, largest: int) -> list[Tasks]:
    """Split tasks into arrays of at most `largest` tasks."""
    return [tasks[start : start + largest] for start in range(0, len(tasks), largest)]


def array_names(experiment: Experiment, folder: Path, count: int) -> list[str]:
    """Return unique job names for the arrays of a submission."""
    return [f"{experiment.name}.{folder.name}.{number}" for number in range(count)]


def make_script(target: Target, plan: Plan, folder: Path) -> str:
    """Return the script of a plan's tasks.

    folder: the submission's folder.
    """
    cluster = target.cluster
    command = MainCommand(
        str(folder / "environment.json"),
        str(folder / "agent.json"),
        save_dir=str(plan.experiment.directory.parent),
        jobs=cluster.cpus_per_task,
        stack=cluster.stack or "auto",
        engine=target.engine,
        no_copy=target.no_copy,
    ).joined_words(target.script)
    return make_job_script(Job(cluster, plan.seconds, target.directory, command))


def sbatch_arguments(cluster: Cluster, folder: Path, name: str, number: int, tasks: int) -> list[str]:
    """Return the arguments of sbatch that differ between arrays, and paths, which need no quotes here.

    A % in the path of a log is escaped. The account is given here too, as SBATCH_ACCOUNT overrides the one in a script.
    """
    throttle = f"%{cluster.throttle}" if cluster.throttle else ""
    account = [f"--account={cluster.account}"] if cluster.account else []
    return [
        f"--job-name={name}",
        f"--array=0-{tasks - 1}{throttle}",
        f"--chdir={folder}",
        f"--output={str(folder).replace('%', '%%')}/logs/{number}_%a.log",
        *account,
        str(folder / "job.sh"),
        f"tasks.{number}.txt",
    ]


def submit_all(target: Target, batch: SubmissionBatch) -> Iterator[tuple[Path, list[int]]]:
    """Move forced results aside, then submit each plan's share. Yields folders and the numbers of their jobs.

    Raises BadInput, SlurmError, OSError.
    """
    with ExitStack() as locks:
        for directory, known in batch.before.items():
            locks.enter_context(lock_submitting(directory, known))
        for sweep, plan, share in zip(batch.sweeps, batch.plans, batch.shares, strict=True):
            if share:
                folder = new_submission_path(plan.experiment)
                put_results_aside(plan.experiment, sweep.forced, folder)
                yield folder, submit_plan(target, plan, plan.tasks[:share], folder)


def submit_plan(target: Target, plan: Plan, tasks: Tasks, folder: Path) -> list[int]:
    """Submit tasks of a plan and return the numbers of their jobs.  Raises SlurmError, OSError.

    folder: path of the new submission.
    """
    arrays = split_arrays(tasks, target.array_size)
    names = array_names(plan.experiment, folder, len(arrays))
    record = SubmissionRecord(
        arrays=[SubmittedArray(name=name, tasks=len(array)) for name, array in zip(names, arrays, strict=True)],
        cores=target.cluster.cpus_per_task,
        seconds_per_run=plan.core_seconds(len(tasks)) / sum(map(len, tasks)),
        user=user_name(),
    )
    submission = write_submission(folder, plan.experiment, make_script(target, plan, folder), arrays, record)
    jobs: list[int] = []
    for number, array in enumerate(record.arrays):
        arguments = sbatch_arguments(target.cluster, folder, array.name, number, array.tasks)
        try:
            jobs.append(submit_job(arguments, target.cluster.account))
        except SlurmError as error:
            raise SlurmError(f"{error} ({number} of {len(arrays)} arrays were submitted)") from error
        _record_jobs(submission, record, jobs)
    return jobs


def _record_jobs(submission: Submission, record: SubmissionRecord, jobs: Sequence[int]) -> None:
    """Record the job numbers that are known."""
    known = dict(enumerate(jobs))
    arrays = [array.model_copy(update={"job": known.get(i)}) for i, array in enumerate(record.arrays)]
    submission.write_record(record.model_copy(update={"arrays": arrays}))


def put_results_aside(experiment: Experiment, run_ids: Sequence[RunId], folder: Path) -> None:
    """Move results that will be replaced into the submission's folder, so that their runs are missing.

    If a result is both archived and a file, the file is kept.  Raises OSError, or BadInput if the archive is damaged.
    """
    replaced = folder / "replaced"
    replaced.mkdir(parents=True, exist_ok=True)
    paths = [path for run_id in run_ids for path in (experiment.file(run_id.key).json, experiment.file(run_id.key).npz)]
    unarchive_results(experiment.directory, {path.name for path in paths}, replaced)
    for path in paths:
        if path.exists():
            path.rename(replaced / path.name)
