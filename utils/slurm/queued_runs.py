"""The runs of a directory that SLURM has in its queue, for those who ask again and again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from utils.core.errors import BadInput
from utils.core.indices import parse_indices
from utils.files.json_text import read_json
from utils.slurm.commands import EMPTY_QUEUE, Queue, SlurmError, is_available, read_queue
from utils.slurm.submission_folder import Submission, list_submissions, submitting_users

ASK_SECONDS = 60.0
"""Shortest time between two calls of squeue, s."""

QueuedSubmission = tuple[dict[str, Any], dict[str, tuple[int, bool]]]
"""A submission's experiment, as results hold it, and its runs in the queue: index, and whether it runs, by key."""

log = logging.getLogger("policy_params")


class QueueReader:
    """A reader of the queue that calls squeue at most once a minute, and only if there are submissions."""

    def __init__(
        self, ask: Callable[[set[str]], Queue] = read_queue, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Ask nothing yet.  ask: reads the queue of users; may raise SlurmError.  clock: returns seconds."""
        self._ask, self._clock = ask, clock
        self._queue, self._asked = EMPTY_QUEUE, -ASK_SECONDS
        self._failed = False

    def __call__(self, directory: Path) -> list[QueuedSubmission]:
        """Return the submissions of a directory that have runs in the queue; none where there is no SLURM."""
        submissions = list_submissions(directory)
        if not submissions or not is_available():
            return []
        if self._clock() - self._asked >= ASK_SECONDS:
            self._update(directory)
        found = []
        for submission in submissions:
            try:
                runs = _runs_in_queue(submission, self._queue)
                if runs:
                    found.append((_experiment(submission), runs))
            except (BadInput, OSError) as error:
                log.warning("%s: cannot be read: %s", submission.folder, error)
        return found

    def _update(self, directory: Path) -> None:
        self._asked = self._clock()
        try:
            self._queue = self._ask(set(submitting_users([directory])))
        except (SlurmError, BadInput, OSError) as error:
            if not self._failed:
                log.warning("the queue cannot be read: %s", error)
            self._failed = True


def _runs_in_queue(submission: Submission, queue: Queue) -> dict[str, tuple[int, bool]]:
    """Return index and whether it runs, by key, of each run in the queue.  Raises BadInput or OSError."""
    runs: dict[str, tuple[int, bool]] = {}
    for number, array in enumerate(submission.read_record().arrays):
        tasks = queue.tasks.get(array.name)
        if not tasks:
            continue
        keys = submission.read_keys(number)
        lines = (submission.folder / f"tasks.{number}.txt").read_text().splitlines()
        for place, task in tasks.items():
            indices = parse_indices(lines[place])
            runs |= {key: (index, not task.pending) for key, index in zip(keys[place], indices, strict=True)}
    return runs


def _experiment(submission: Submission) -> dict[str, Any]:
    """Return the submission's configurations as results hold them.  Raises BadInput."""
    return {name: read_json(submission.folder / f"{name}.json") for name in ("environment", "agent")}
