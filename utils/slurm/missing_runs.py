"""Runs with neither a result nor a place in the queue, found by one directory listing and one call of squeue."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import NamedTuple

from utils.experiment.experiment import Experiment, RunId
from utils.files.archive import open_archive
from utils.slurm.commands import Queue, QueuedTask
from utils.slurm.stack_list import find_listed_tasks
from utils.slurm.submission_folder import list_submissions


class SortedRuns(NamedTuple):
    """Runs with a result, queued or running runs, and missing runs."""

    present: list[RunId]
    live: list[RunId]
    missing: list[RunId]


def sort_runs(experiment: Experiment, run_ids: Iterable[RunId], live: Mapping[str, object]) -> SortedRuns:
    """Sort runs by whether they have a result, are queued or running, or are missing.

    live: keys of queued or running runs.
    A run has a result if there is a file of its name: files appear complete or not at all.
    Raises BadInput if the archive is damaged.
    """
    names, found = result_names(experiment.directory), SortedRuns([], [], [])
    ending = experiment.file("").json.name
    beginning, _, suffix = ending.rpartition(".")
    for run_id in run_ids:
        if f"{beginning}{run_id.key}.{suffix}" in names:
            found.present.append(run_id)
        elif run_id.key in live:
            found.live.append(run_id)
        else:
            found.missing.append(run_id)
    return found


def result_names(directory: Path) -> Set[str]:
    """Return the file names in a directory, archived ones included.  Raises BadInput if the archive is damaged."""
    archive = open_archive(directory)
    return list_file_names(directory) | (archive.members.keys() if archive else set())


def list_file_names(directory: Path) -> Set[str]:
    """Return the names in a directory; an empty set if it does not exist."""
    try:
        return set(os.listdir(directory))
    except FileNotFoundError:
        return set()


def find_live_tasks(experiment: Experiment, queue: Queue) -> dict[str, QueuedTask]:
    """Return the task of each run that earlier submissions have in the queue, by key.  Raises BadInput or OSError."""
    live: dict[str, QueuedTask] = {}
    for submission in list_submissions(experiment.directory):
        if submission.common_list.exists():
            live |= find_listed_tasks(submission, queue)
            continue
        for number, array in enumerate(submission.read_record().arrays):
            tasks = queue.tasks.get(array.name)
            keys: Sequence[Sequence[str]] = submission.read_keys(number) if tasks else []
            live |= {key: task for place, task in (tasks or {}).items() for key in keys[place]}
    return live
