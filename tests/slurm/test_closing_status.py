"""utils/slurm/closing_status.py: the state of closing jobs, from a queue and logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from utils.slurm.closing_status import ClosingStatus, find_closings
from utils.slurm.commands import EMPTY_QUEUE, Queue, QueuedTask
from utils.slurm.submission_folder import (
    FOLDER,
    Submission,
    SubmissionRecord,
    SubmittedArray,
    SubmittedClosing,
)


def submitted(directory: Path, name: str, closing: SubmittedClosing | None) -> Submission:
    """Write the record of a submission of one task."""
    submission = Submission(directory / FOLDER / name)
    (submission.folder / "logs").mkdir(parents=True)
    arrays = [SubmittedArray(name=f"{name}.0", tasks=1, job=6)]
    submission.write_record(SubmissionRecord(arrays=arrays, cores=1, seconds_per_run=1.0, closing=closing))
    return submission


def closing(name: str, job: int | None = 7) -> SubmittedClosing:
    return SubmittedClosing(name=name, steps=["combine", "report"], job=job)


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        ("PENDING", "Dependency", "waits until all tasks have ended"),
        ("PENDING", "Priority", "is queued: Priority"),
        ("RUNNING", "None", "is running ({log})"),
    ],
)
def test_one_in_the_queue(tmp_path, state, reason, expected):
    submission = submitted(tmp_path, "a", closing("a.closing"))
    queue = Queue(1, {}, {"a.closing": QueuedTask(state, reason)})
    line = f"closing job 7 (combine, report): {expected.format(log=submission.closing_log)}"
    assert find_closings(tmp_path, queue) == ClosingStatus([line], True)


def test_one_that_has_ended_shows_the_end_of_its_log(tmp_path):
    submission = submitted(tmp_path, "a", closing("a.closing"))
    submission.closing_log.write_text("one\nends with exit code 0\n")
    line = f"closing job 7 (combine, report): has ended ({submission.closing_log})\n    ends with exit code 0"
    assert find_closings(tmp_path, EMPTY_QUEUE) == ClosingStatus([line], False)


@pytest.mark.parametrize(
    ("job", "line"),
    [
        (7, "closing job 7 (combine, report): was cancelled before it started"),
        (None, "closing job (combine, report): was not submitted"),
    ],
)
def test_one_that_never_started(tmp_path, job, line):
    submitted(tmp_path, "a", closing("a.closing", job))
    assert find_closings(tmp_path, EMPTY_QUEUE) == ClosingStatus([line], False)


def test_of_those_that_have_ended_the_latest_is_shown(tmp_path):
    for name in ("a", "b", "c"):
        submitted(tmp_path, name, closing(f"{name}.closing", job=ord(name)))
    submitted(tmp_path, "d", None)
    queue = Queue(1, {}, {"b.closing": QueuedTask("PENDING", "Dependency")})
    assert [line.split()[2] for line in find_closings(tmp_path, queue).lines] == [str(ord("b")), str(ord("c"))]


def test_without_closing_jobs_there_is_nothing_to_show(tmp_path):
    submitted(tmp_path, "a", None)
    assert find_closings(tmp_path, EMPTY_QUEUE) == ClosingStatus([], False)
