"""How far a sweep is, by its files and one call of squeue."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from utils.core.errors import BadInput
from utils.experiment.experiment import Experiment, RunId
from utils.files.json_text import read_json
from utils.results.schema import read_result
from utils.slurm.commands import Queue, QueuedTask
from utils.slurm.duration import format_duration
from utils.slurm.missing_runs import file_names, live_tasks, result_names
from utils.slurm.submission_folder import submissions
from utils.training import failure_files as failed_runs

COMPLETED, DIVERGED, RUNNING, QUEUED, FAILED, MISSING = "CDRQF."
STATES = {
    COMPLETED: "completed", DIVERGED: "diverged", RUNNING: "running", QUEUED: "queued", FAILED: "failed",
    MISSING: "missing",
}  # fmt: skip
"""Each state's letter and name. Failed: it says why, or its task began and is gone. Missing: it never began."""

LOG_LINES = 5

MOST_LOGS = 5
"""Logs shown; of many failures the first few tell as much."""


@dataclass
class Reader:
    """Reads results, each once.  found: of each file that is one, its state and core-seconds."""

    found: dict[Path, tuple[str, float]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def state(self, path: Path) -> str:
        """Completed or diverged; missing for a file that is no result, of which there is a complaint."""
        if path not in self.found:
            try:
                run = read_result(path).run
                state = COMPLETED if run["status"] == "completed" else DIVERGED
                self.found[path] = state, run["train_time"] + run["eval_time"]
            except (BadInput, KeyError) as error:
                complaint = f"{path}: no result ({error}); remove it, and schedule.py submits its run again"
                if complaint not in self.complaints:
                    self.complaints.append(complaint)
                return MISSING
        return self.found[path][0]


@dataclass(frozen=True)
class Status:
    """states: of each cell, in the order of the cells.  logs: of failed tasks.  left: seconds; None: unknown.

    reasons: for which runs failed, where they say so.  held: for which queued ones will not run by themselves.
    """

    experiment: Experiment
    cells: Sequence[RunId]
    states: Sequence[str]
    logs: Sequence[Path]
    reasons: Sequence[str]
    held: Sequence[str]
    left: float | None

    @property
    def unfinished(self) -> bool:
        """Whether something is running or queued."""
        return RUNNING in self.states or QUEUED in self.states


@dataclass(frozen=True)
class Past:
    """The latest task that a run was submitted in.  cores: of that task; seconds: of a run, as was foreseen."""

    log: Path
    cores: int
    seconds: float


def find_status(experiment: Experiment, cells: Sequence[RunId], queue: Queue, reader: Reader) -> Status:
    """How each cell stands.  Raises BadInput or OSError for a submission that cannot be read."""
    live, past = live_tasks(experiment, queue), past_tasks(experiment)
    names, failures = result_names(experiment.directory), file_names(experiment.directory / failed_runs.DIRECTORY)
    states: list[str] = []
    for cell in cells:
        file, task = experiment.file(cell.key).json, past.get(cell.key)
        if file.name in names:
            states.append(reader.state(file))
        elif cell.key in live:
            states.append(QUEUED if live[cell.key].pending else RUNNING)
        else:
            began = f"{cell.key}.json" in failures or (task is not None and task.log.exists())
            states.append(FAILED if began else MISSING)
    failed = [cell for cell, state in zip(cells, states, strict=True) if state == FAILED]
    logs = dict.fromkeys(past[cell.key].log for cell in failed if cell.key in past)
    reasons = [reason(experiment, cell) for cell in failed if f"{cell.key}.json" in failures]
    held = sorted({task.reason for task in live.values() if task.pending and is_held(task)})
    done = (experiment.file(cell.key).json for cell in cells)
    seconds = [reader.found[path][1] for path in done if path in reader.found]
    return Status(experiment, cells, states, list(logs), reasons, held, time_left(cells, states, past, seconds))


def reason(experiment: Experiment, cell: RunId) -> str:
    """Why a run failed, by its failure file.  Raises BadInput for one that cannot be read."""
    path = failed_runs.failure_file(experiment.directory, cell.key)
    said = read_json(path)
    why = said.get("reason") if isinstance(said, dict) else None
    return f"failed: setting {cell.setting}, run {cell.run}: {why or 'see'} ({path})"


def is_held(task: QueuedTask) -> bool:
    """Whether it will not run by itself."""
    return re.search(r"held|never", task.reason, re.IGNORECASE) is not None


def past_tasks(experiment: Experiment) -> dict[str, Past]:
    """For each run that was ever submitted, by key, its latest task."""
    past: dict[str, Past] = {}
    for submission in submissions(experiment.directory):
        record = submission.record()
        for number in range(len(record.arrays)):
            for place, keys in enumerate(submission.keys(number)):
                task = Past(submission.log(number, place), record.cores, record.seconds_per_run)
                past |= dict.fromkeys(keys, task)
    return past


def time_left(
    cells: Sequence[RunId], states: Sequence[str], past: Mapping[str, Past], finished: Sequence[float]
) -> float | None:
    """Seconds until what is queued and running is done, at the pace of the tasks that run now; None if none does.

    finished: core-seconds of each run that is. The others cost as much on average or, if there is none, what was
    foreseen; one that is half done counts whole.
    """
    waiting = [past[cell.key] for cell, state in zip(cells, states, strict=True) if state in (RUNNING, QUEUED)]
    running = {past[cell.key].log: past[cell.key] for cell, s in zip(cells, states, strict=True) if s == RUNNING}
    cores = sum(task.cores for task in running.values())
    if not cores:
        return None
    if finished:
        return len(waiting) * sum(finished) / len(finished) / cores
    return sum(task.seconds for task in waiting) / cores


def failure_lines(status: Status) -> list[str]:
    """Of the first few failures the reasons, and the last lines of their tasks' logs."""
    lines = [*status.reasons[:MOST_LOGS]]
    for path in status.logs[:MOST_LOGS]:
        end = path.read_text(errors="replace").splitlines()[-LOG_LINES:] if path.exists() else ["there is no log"]
        lines += [f"failed: {path}", *(f"    {line}" for line in end)]
    left_out = max(len(status.reasons), len(status.logs)) - MOST_LOGS
    return [*lines, f"and {left_out} more"] if left_out > 0 else lines


def remaining(status: Status) -> str:
    """The time left, in words."""
    return "" if status.left is None else f"about {format_duration(status.left)} left at the present pace"
