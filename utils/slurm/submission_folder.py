"""What was submitted: a folder beside the results, in which everything is that its tasks need.

    results/[SAVE_DIR/]<experiment>/slurm/<submission>/
        submission.json               the arrays: name, number of tasks, the number that SLURM gave it
        job.sh                        the script of every task
        agent.json environment.json   as they were: indices are theirs, however the grid grows
        tasks.<array>.txt             the indices of each task, a line each
        keys.<array>.txt              the keys of the same runs
        logs/<array>_<task>.log

It is written before anything is submitted, and an array is known in the queue by its name, so that what SLURM has
taken is never submitted again, even if its answer was lost.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence, Set
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

FOLDER = "slurm"

RECORD = "submission.json"


class SubmittedArray(BaseModel):
    """name: the job's, which no other has.  job: its number; None: SLURM did not say that it took it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str
    tasks: Annotated[int, Field(ge=1)]
    job: int | None = None


class SubmissionRecord(BaseModel):
    """cores: of a task.  seconds_per_run: of one core, as was foreseen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    arrays: list[SubmittedArray]
    cores: Annotated[int, Field(ge=1)]
    seconds_per_run: Annotated[float, Field(gt=0.0)]


class Submission:
    """One folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def record(self) -> SubmissionRecord:
        """What stands in it.  Raises BadInput."""
        path = self.folder / RECORD
        return validate(SubmissionRecord, read_json(path), str(path))

    def write_record(self, record: SubmissionRecord) -> None:
        """Raises OSError."""
        write_atomically(self.folder / RECORD, orjson.dumps(record.model_dump(), option=orjson.OPT_INDENT_2))

    def keys(self, array: int) -> list[list[str]]:
        """Those of each task of an array.  Raises OSError."""
        return [line.split() for line in (self.folder / f"keys.{array}.txt").read_text().splitlines()]

    def log(self, array: int, task: int) -> Path:
        """Where a task's output goes."""
        return self.folder / "logs" / f"{array}_{task}.log"


def new_folder(experiment: Experiment) -> Path:
    """The path of a submission that is not there yet; names sort by time."""
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    return experiment.directory / FOLDER / name


def write_submission(
    folder: Path,
    experiment: Experiment,
    script: str,
    arrays: Sequence[Sequence[Sequence[RunId]]],
    record: SubmissionRecord,
) -> Submission:
    """Everything but the numbers of the jobs.  arrays: the cells of each task of each.  Raises OSError."""
    (folder / "logs").mkdir(parents=True)
    for name, config in (("agent", experiment.agent), ("environment", experiment.environment)):
        write_atomically(folder / f"{name}.json", orjson.dumps(config.model_dump(mode="json")))
    write_atomically(folder / "job.sh", script.encode())
    for number, tasks in enumerate(arrays):
        indices = [format_indices([cell.index for cell in task]) for task in tasks]
        keys = [" ".join(cell.key for cell in task) for task in tasks]
        for kind, lines in (("tasks", indices), ("keys", keys)):
            write_atomically(folder / f"{kind}.{number}.txt", "".join(f"{line}\n" for line in lines).encode())
    submission = Submission(folder)
    submission.write_record(record)
    return submission


def submissions(directory: Path) -> list[Submission]:
    """Those of an experiment's directory, the earliest first. A folder without a record was given up unsubmitted."""
    return [Submission(path.parent) for path in sorted((directory / FOLDER).glob(f"*/{RECORD}"))]


def names(directory: Path) -> Set[str]:
    """Of the submissions in an experiment's directory."""
    return {submission.folder.name for submission in submissions(directory)}


@contextmanager
def alone(directory: Path, before: Set[str]) -> Iterator[None]:
    """Keep other calls from submitting what this one planned.  before: the submissions that the plan knew of.

    Raises BadInput if there are others by now, or if another call is at it.
    """
    lock = Lock(directory / FOLDER / ".lock")
    if not lock.acquire():
        raise BadInput(f"{directory}: {lock.holder()} is submitting at this moment; call again when it has")
    try:
        if names(directory) != before:
            raise BadInput(f"{directory}: another call has submitted since this one looked; call again")
        yield
    finally:
        lock.release()
