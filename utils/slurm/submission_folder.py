"""A submission: a folder in the experiment's directory with everything that its tasks need.

    results/[SAVE_DIR/]<experiment>/slurm/<submission>/
        submission.json               the user, and the arrays: name, number of tasks, SLURM's job number
        job.sh                        the script of every task
        agent.json environment.json   copies of the configurations: indices refer to these, however the grid changes
        extended.json                 the protocol of the results, if it is environment.json's with more timesteps
        tasks.<array>.txt             the indices of each task, one line per task
        keys.<array>.txt              the keys of the same runs
        list/                         instead of these two, the common list of all tasks, with --common-list
        logs/<array>_<task>.log
        closing.sh logs/closing.log   the script and the log of the closing job, if there is one

It is written before anything is submitted, and an array is identified in the queue by its name, so an array that SLURM
accepted is never submitted again, even if SLURM's answer was lost. The record names the user, in whose queue the array
is: colleagues who share a directory do not submit each other's runs again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field

from utils.core.errors import BadInput
from utils.core.indices import format_indices
from utils.experiment.experiment import Experiment, RunId
from utils.files.atomic import write_atomically
from utils.files.json_model import validate
from utils.files.json_text import read_json
from utils.files.lock import Lock
from utils.training.common_list import write_list

FOLDER = "slurm"

RECORD = "submission.json"

CLOSING_LOG = "closing.log"


class SubmittedArray(BaseModel):
    """An array of tasks.

    name: unique name of the job.
    job: SLURM's number; None if SLURM did not confirm the submission.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str
    tasks: Annotated[int, Field(ge=1)]
    job: int | None = None


class SubmittedClosing(BaseModel):
    """A closing job.

    name: unique name of the job.
    steps: what it does (`utils.slurm.closing_job.STEPS`).
    job: SLURM's number; None if SLURM did not confirm the submission.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str
    steps: list[str]
    job: int | None = None


class SubmissionRecord(BaseModel):
    """Content of submission.json.

    cores: cores of a task.
    seconds_per_run: planned core-seconds of a run.
    user: name of the user who submitted it; None in records before 2026-11-28: the owner of the folder.
    closing: the closing job, if there is one.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    arrays: list[SubmittedArray]
    cores: Annotated[int, Field(ge=1)]
    seconds_per_run: Annotated[float, Field(gt=0.0)]
    user: str | None = None
    closing: SubmittedClosing | None = None


class Submission:
    """The folder of one submission."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read_record(self) -> SubmissionRecord:
        """Read submission.json.  Raises BadInput if it is missing or invalid."""
        path = self.folder / RECORD
        return validate(SubmissionRecord, read_json(path), str(path))

    def write_record(self, record: SubmissionRecord) -> None:
        """Write submission.json.  Raises OSError."""
        write_atomically(self.folder / RECORD, orjson.dumps(record.model_dump(), option=orjson.OPT_INDENT_2))

    def user(self) -> str | None:
        """Return the name of the user who submitted it; None if it is unknown.  Raises BadInput or OSError."""
        try:
            return self.read_record().user or self.folder.owner()
        except KeyError:  # The owner of the folder has no name on this machine.
            return None

    @property
    def common_list(self) -> Path:
        """Directory of the list that tasks take stacks from; it exists only with --common-list."""
        return self.folder / "list"

    def read_keys(self, array: int) -> list[list[str]]:
        """Read the keys of the runs of each task of an array.  Raises OSError."""
        return [line.split() for line in (self.folder / f"keys.{array}.txt").read_text().splitlines()]

    def log_path(self, array: int, task: int) -> Path:
        """Return the path of a task's log."""
        return self.folder / "logs" / f"{array}_{task}.log"

    @property
    def closing_log(self) -> Path:
        """Path of the log of the closing job."""
        return self.folder / "logs" / CLOSING_LOG


def new_submission_path(experiment: Experiment) -> Path:
    """Return the path of a new submission; names sort by time."""
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    return experiment.directory / FOLDER / name


def protocol_name(experiment: Experiment) -> str:
    """Return the name of the file with the protocol of the results. A run that extends another has two protocols."""
    return "environment.json" if experiment.extends is None else "extended.json"


def write_submission(
    folder: Path,
    experiment: Experiment,
    script: str,
    arrays: Sequence[Sequence[Sequence[RunId]]],
    record: SubmissionRecord,
    common: Sequence[Sequence[RunId]] | None = None,
) -> Submission:
    """Write everything except the job numbers.  Raises OSError.

    arrays: the runs of each task of each array.
    common: the stacks of the common list, instead of these; None: there is none.
    """
    submission = Submission(folder)
    (folder / "logs").mkdir(parents=True)
    shortest = experiment if experiment.extends is None else experiment.extends
    configs = {"agent.json": experiment.agent, "environment.json": shortest.environment}
    for name, config in (configs | {protocol_name(experiment): experiment.environment}).items():
        write_atomically(folder / name, orjson.dumps(config.model_dump(mode="json")))
    write_atomically(folder / "job.sh", script.encode())
    if common is not None:
        write_list(submission.common_list, common)
    for number, tasks in enumerate(arrays if common is None else []):
        indices = [format_indices([run_id.index for run_id in task]) for task in tasks]
        keys = [" ".join(run_id.key for run_id in task) for task in tasks]
        for kind, lines in (("tasks", indices), ("keys", keys)):
            write_atomically(folder / f"{kind}.{number}.txt", "".join(f"{line}\n" for line in lines).encode())
    submission.write_record(record)
    return submission


def list_submissions(directory: Path) -> list[Submission]:
    """Return an experiment's submissions, earliest first. A folder without a record was never submitted."""
    return [Submission(path.parent) for path in sorted((directory / FOLDER).glob(f"*/{RECORD}"))]


def submission_names(directory: Path) -> Set[str]:
    """Return the names of the submissions in an experiment's directory."""
    return {submission.folder.name for submission in list_submissions(directory)}


def submitting_users(directories: Iterable[Path]) -> Set[str]:
    """Return the names of all users who have submitted runs of these directories.  Raises BadInput or OSError."""
    users = {submission.user() for directory in directories for submission in list_submissions(directory)}
    return {user for user in users if user is not None}


@contextmanager
def lock_submitting(directory: Path, before: Set[str]) -> Iterator[None]:
    """Keep other calls from submitting while this one submits what it planned.

    before: names of the submissions that existed when the plan was made.
    Raises BadInput if there are others by now, or if another call is submitting.
    """
    lock = Lock(directory / FOLDER / ".lock")
    if not lock.acquire():
        raise BadInput(f"{directory}: {lock.holder()} is submitting; repeat the command when it has finished")
    try:
        if submission_names(directory) != before:
            raise BadInput(f"{directory}: another call has submitted since this one planned; repeat the command")
        yield
    finally:
        lock.release()
