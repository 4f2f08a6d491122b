"""From a plan to arrays in SLURM's queue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from utils.combining.unarchive_results import unarchive_results
from utils.experiment.experiment import Experiment, RunId
from utils.slurm.cluster import Cluster
from utils.slurm.commands import SlurmError, submit
from utils.slurm.job_script import Job, job_script
from utils.slurm.submission_folder import (
    Submission,
    SubmissionRecord,
    SubmittedArray,
    alone,
    new_folder,
    write_submission,
)
from utils.slurm.sweep_plan import Sweep
from utils.slurm.task_plan import Plan

Tasks = Sequence[Sequence[RunId]]


@dataclass(frozen=True)
class Target:
    """How a plan is carried out.

    script, directory: main.py, and where it runs.  engine: its --engine.  array_size: tasks in an array at most.
    """

    cluster: Cluster
    script: str
    directory: str
    engine: str
    array_size: int


@dataclass(frozen=True)
class SubmissionBatch:
    """What one call may submit.  shares: tasks of each plan.

    before: for each directory, the names of the submissions that the plans knew of.
    """

    sweeps: Sequence[Sweep]
    plans: Sequence[Plan]
    shares: Sequence[int]
    before: Mapping[Path, Set[str]]


def split_arrays(tasks: Tasks, largest: int) -> list[Tasks]:
    """Arrays of at most so many tasks."""
    return [tasks[start : start + largest] for start in range(0, len(tasks), largest)]


def array_names(experiment: Experiment, folder: Path, count: int) -> list[str]:
    """What no other job is called."""
    return [f"{experiment.name}.{folder.name}.{number}" for number in range(count)]


def script_for(target: Target, plan: Plan, folder: Path) -> str:
    """The script of a plan's tasks, which are described in a folder."""
    cluster = target.cluster
    command = [
        "python",
        target.script,
        f"--env-json={folder / 'environment.json'}",
        f"--agent-json={folder / 'agent.json'}",
        f"--save-dir={plan.experiment.directory.parent}",
        f"--jobs={cluster.cpus_per_task}",
        f"--stack={cluster.stack or 'auto'}",
        f"--engine={target.engine}",
    ]
    return job_script(Job(cluster, plan.seconds, target.directory, command))


def sbatch_arguments(cluster: Cluster, folder: Path, name: str, number: int, tasks: int) -> list[str]:
    """What differs from array to array, and paths, which need no quotes here; in that of a log, % is a pattern's.

    The account stands here too, as SBATCH_ACCOUNT beats the one in a script.
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
    """Put aside what is forced, then submit of each plan its share. Yields folders and the numbers of their jobs.

    Raises BadInput, SlurmError, OSError.
    """
    with ExitStack() as locks:
        for directory, known in batch.before.items():
            locks.enter_context(alone(directory, known))
        for sweep, plan, share in zip(batch.sweeps, batch.plans, batch.shares, strict=True):
            if share:
                folder = new_folder(plan.experiment)
                put_aside(plan.experiment, sweep.forced, folder)
                yield folder, submit_plan(target, plan, plan.tasks[:share], folder)


def submit_plan(target: Target, plan: Plan, tasks: Tasks, folder: Path) -> list[int]:
    """Put the plan's first tasks in the queue. Returns the numbers of their jobs.  Raises SlurmError, OSError.

    folder: of the submission, not there yet.
    """
    arrays = split_arrays(tasks, target.array_size)
    names = array_names(plan.experiment, folder, len(arrays))
    record = SubmissionRecord(
        arrays=[SubmittedArray(name=name, tasks=len(array)) for name, array in zip(names, arrays, strict=True)],
        cores=target.cluster.cpus_per_task,
        seconds_per_run=plan.core_seconds(tasks) / sum(map(len, tasks)),
    )
    submission = write_submission(folder, plan.experiment, script_for(target, plan, folder), arrays, record)
    jobs: list[int] = []
    for number, array in enumerate(record.arrays):
        arguments = sbatch_arguments(target.cluster, folder, array.name, number, array.tasks)
        try:
            jobs.append(submit(arguments, target.cluster.account))
        except SlurmError as error:
            raise SlurmError(f"{error} ({number} of {len(arrays)} arrays were submitted)") from error
        _note(submission, record, jobs)
    return jobs


def _note(submission: Submission, record: SubmissionRecord, jobs: Sequence[int]) -> None:
    """Write down the jobs' numbers that are known."""
    known = dict(enumerate(jobs))
    arrays = [array.model_copy(update={"job": known.get(i)}) for i, array in enumerate(record.arrays)]
    submission.write_record(record.model_copy(update={"arrays": arrays}))


def put_aside(experiment: Experiment, cells: Sequence[RunId], folder: Path) -> None:
    """Move results that are to be replaced into the submission's folder, so that their runs are missing.

    Of one that is both archived and a file, the file counts.  Raises OSError, or BadInput as `unarchive_results` does.
    """
    replaced = folder / "replaced"
    replaced.mkdir(parents=True, exist_ok=True)
    paths = [path for cell in cells for path in (experiment.file(cell.key).json, experiment.file(cell.key).npz)]
    unarchive_results(experiment.directory, {path.name for path in paths}, replaced)
    for path in paths:
        if path.exists():
            path.rename(replaced / path.name)
