"""The state of a sweep's closing jobs (`utils.slurm.closing_job`), from the queue and their logs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from utils.slurm.commands import Queue, QueuedTask
from utils.slurm.submission_folder import Submission, SubmittedClosing, list_submissions

WAITING = "Dependency"
"""SLURM's reason of a closing job whose tasks have not all ended."""


class ClosingStatus(NamedTuple):
    """The closing jobs of a sweep.

    lines: a line for each that is in the queue, and for the latest one.
    live: whether one is in the queue.
    """

    lines: Sequence[str] = ()
    live: bool = False


def find_closings(directory: Path, queue: Queue) -> ClosingStatus:
    """Find the state of an experiment's closing jobs.  Raises BadInput or OSError."""
    closings = [
        (submission, closing)
        for submission in list_submissions(directory)
        if (closing := submission.read_record().closing) is not None
    ]
    lines, live = [], False
    for number, (submission, closing) in enumerate(closings, 1):
        task = queue.singles.get(closing.name)
        live = live or task is not None
        if task is not None or number == len(closings):
            lines.append(f"{_label(closing)}: {_state(submission, closing, task)}")
    return ClosingStatus(lines, live)


def _label(closing: SubmittedClosing) -> str:
    """Return the name of a closing job for the user, such as "closing job 7 (combine, report)"."""
    number = "" if closing.job is None else f" {closing.job}"
    return f"closing job{number} ({', '.join(closing.steps)})"


def _state(submission: Submission, closing: SubmittedClosing, task: QueuedTask | None) -> str:
    """Return the state of a closing job.  task: its place in the queue, if it has one."""
    log = submission.closing_log
    if task is not None:
        if not task.pending:
            return f"is running ({log})"
        return "waits until all tasks have ended" if task.reason == WAITING else f"is queued: {task.reason}"
    if log.exists():
        last = log.read_text(errors="replace").splitlines()[-1:]
        return f"has ended ({log})" + "".join(f"\n    {line}" for line in last)
    return "was cancelled before it started" if closing.job is not None else "was not submitted"
