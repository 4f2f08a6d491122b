"""Which runs have neither a result nor a place in the queue: by one listing of a directory and one queue."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import NamedTuple

from utils.experiment.experiment import Experiment, RunId
from utils.files.archive import open_archive
from utils.slurm.commands import Queue, QueuedTask
from utils.slurm.submission_folder import submissions


class Sorted(NamedTuple):
    """Runs with a result, runs queued or running, and the others."""

    present: list[RunId]
    live: list[RunId]
    missing: list[RunId]


def sort_cells(experiment: Experiment, cells: Iterable[RunId], live: Mapping[str, object]) -> Sorted:
    """live: the keys of runs that are queued or running.

    A result is a file of its name: files appear whole or not at all.  Raises BadInput for a bad archive of them.
    """
    names, found = result_names(experiment.directory), Sorted([], [], [])
    ending = experiment.file("").json.name
    beginning, _, suffix = ending.rpartition(".")
    for cell in cells:
        if f"{beginning}{cell.key}.{suffix}" in names:
            found.present.append(cell)
        elif cell.key in live:
            found.live.append(cell)
        else:
            found.missing.append(cell)
    return found


def result_names(directory: Path) -> Set[str]:
    """Of the files in it, and of those that were packed into its archive.  Raises BadInput if that is none."""
    archive = open_archive(directory)
    return file_names(directory) | (archive.members.keys() if archive else set())


def file_names(directory: Path) -> Set[str]:
    """Of everything in it; none where there is no such directory."""
    try:
        return set(os.listdir(directory))
    except FileNotFoundError:
        return set()


def live_tasks(experiment: Experiment, queue: Queue) -> dict[str, QueuedTask]:
    """For each run that earlier submissions have in the queue, by key, its task.  Raises BadInput or OSError."""
    live: dict[str, QueuedTask] = {}
    for submission in submissions(experiment.directory):
        for number, array in enumerate(submission.record().arrays):
            tasks = queue.tasks.get(array.name)
            keys: Sequence[Sequence[str]] = submission.keys(number) if tasks else []
            live |= {key: task for place, task in (tasks or {}).items() for key in keys[place]}
    return live
