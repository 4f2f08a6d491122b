"""Submission of plans as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from utils.combining.unarchive_results import unarchive_results
from utils.experiment.experiment import Experiment, RunId
from utils.experiment.main_command import MainCommand
from utils.files.atomic import write_atomically
from utils.slurm.closing_job import SCRIPT, ClosingJob, closing_arguments, make_closing_script
from utils.slurm.cluster import Cluster
from utils.slurm.commands import SlurmError, submit_job, user_name
from utils.slurm.job_script import Job, common_arguments, make_job_script
from utils.slurm.stack_list import list_stacks
from utils.slurm.submission_folder import (
    Submission,
    SubmissionRecord,
    SubmittedArray,
    SubmittedClosing,
    lock_submitting,
    new_submission_path,
    protocol_name,
    write_submission,
)
from utils.slurm.sweep_plan import Sweep
from utils.slurm.task_plan import Plan

Tasks = Sequence[Sequence[RunId]]


@dataclass(frozen=True)
class Target:
    """How plans are submitted.

    script, directory: main.py and its working directory.
    engine, no_copy, keep_checkpoint: main.py's options.
    array_size: largest number of tasks in an array.
    then: steps of the closing job; none: there is no closing job.
    common_list: whether tasks take their stacks from a common list.
    expedite: whether tasks of a failed node are requeued before other jobs.
    """

    cluster: Cluster
    script: str
    directory: str
    engine: str
    array_size: int
    no_copy: bool = False
    then: Sequence[str] = ()
    keep_checkpoint: bool = False
    common_list: bool = False
    expedite: bool = False


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


class SubmittedPlan(NamedTuple):
    """What was submitted of a plan.

    jobs: numbers of the arrays' jobs.
    closing: number of the closing job, if there is one.
    """

    folder: Path
    jobs: Sequence[int]
    closing: int | None


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
        extend=None if plan.experiment.extends is None else plan.experiment.total_timesteps,
        keep_checkpoint=target.keep_checkpoint,
    ).joined_words(target.script)
    common = Submission(folder).common_list if target.common_list else None
    return make_job_script(Job(cluster, plan.seconds, target.directory, command, common, target.expedite))


def closing_name(experiment: Experiment, folder: Path) -> str:
    """Return the unique job name of the closing job of a submission."""
    return f"{experiment.name}.{folder.name}.closing"


def make_closing_job(target: Target, plan: Plan, folder: Path) -> ClosingJob:
    """Return the closing job of a submission.

    folder: the submission's folder.
    """
    agent_json, env_json = folder / "agent.json", folder / protocol_name(plan.experiment)
    results = plan.experiment.directory
    return ClosingJob(target.cluster, target.then, results, agent_json, env_json, target.directory, target.script)


def sbatch_arguments(target: Target, folder: Path, name: str, number: int, tasks: int) -> list[str]:
    """Return the arguments of sbatch that differ between arrays, and paths."""
    cluster = target.cluster
    throttle = f"%{cluster.throttle}" if cluster.throttle else ""
    return [
        *common_arguments(cluster, folder, name, f"--array=0-{tasks - 1}{throttle}", f"{number}_%a.log"),
        str(folder / "job.sh"),
        str(number) if target.common_list else f"tasks.{number}.txt",
    ]


def submit_all(target: Target, batch: SubmissionBatch) -> Iterator[SubmittedPlan]:
    """Move forced results aside, then submit each plan's share. Yields what was submitted of each.

    Raises BadInput, SlurmError, OSError.
    """
    with ExitStack() as locks:
        for directory, known in batch.before.items():
            locks.enter_context(lock_submitting(directory, known))
        for sweep, plan, share in zip(batch.sweeps, batch.plans, batch.shares, strict=True):
            if share:
                folder = new_submission_path(plan.experiment)
                put_results_aside(plan.experiment, sweep.forced, folder)
                yield submit_plan(target, plan, plan.tasks[:share], folder)


def submit_plan(target: Target, plan: Plan, tasks: Tasks, folder: Path) -> SubmittedPlan:
    """Submit tasks of a plan, and its closing job.  Raises SlurmError, OSError.

    folder: path of the new submission.
    """
    arrays = split_arrays(tasks, target.array_size)
    names = array_names(plan.experiment, folder, len(arrays))
    record = SubmissionRecord(
        arrays=[SubmittedArray(name=name, tasks=len(array)) for name, array in zip(names, arrays, strict=True)],
        cores=target.cluster.cpus_per_task,
        seconds_per_run=plan.core_seconds(len(tasks)) / sum(map(len, tasks)),
        user=user_name(),
        closing=_new_closing(target, plan, folder),
    )
    script, stacks = make_script(target, plan, folder), list_stacks(plan, tasks) if target.common_list else None
    submission = write_submission(folder, plan.experiment, script, arrays, record, stacks)
    jobs: list[int] = []
    for number, array in enumerate(record.arrays):
        arguments = sbatch_arguments(target, folder, array.name, number, array.tasks)
        try:
            jobs.append(submit_job(arguments, target.cluster.account))
        except SlurmError as error:
            raise SlurmError(f"{error} ({number} of {len(arrays)} arrays were submitted)") from error
        record = _record_jobs(submission, record, jobs)
    closing = None if record.closing is None else _submit_closing(target, plan, submission, record, jobs)
    return SubmittedPlan(folder, jobs, closing)


def _new_closing(target: Target, plan: Plan, folder: Path) -> SubmittedClosing | None:
    """Return the record of the closing job before it is submitted; None if there is none."""
    if not target.then:
        return None
    return SubmittedClosing(name=closing_name(plan.experiment, folder), steps=list(target.then))


def _record_jobs(submission: Submission, record: SubmissionRecord, jobs: Sequence[int]) -> SubmissionRecord:
    """Record the job numbers that are known. Returns the new record."""
    known = dict(enumerate(jobs))
    arrays = [array.model_copy(update={"job": known.get(i)}) for i, array in enumerate(record.arrays)]
    record = record.model_copy(update={"arrays": arrays})
    submission.write_record(record)
    return record


def _submit_closing(
    target: Target, plan: Plan, submission: Submission, record: SubmissionRecord, jobs: Sequence[int]
) -> int:
    """Submit the closing job of arrays and return its number.  Raises SlurmError, OSError.

    jobs: numbers of the arrays.
    """
    assert record.closing is not None
    folder, closing = submission.folder, record.closing
    write_atomically(folder / SCRIPT, make_closing_script(make_closing_job(target, plan, folder)).encode())
    try:
        job = submit_job(closing_arguments(target.cluster, folder, closing.name, jobs), target.cluster.account)
    except SlurmError as error:
        raise SlurmError(f"{error} (all arrays were submitted, but not the closing job)") from error
    submission.write_record(record.model_copy(update={"closing": closing.model_copy(update={"job": job})}))
    return job


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
