"""The status of a sweep, from its files and one call of squeue."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from utils.core.errors import BadInput
from utils.experiment.experiment import Experiment, RunId
from utils.files.json_text import read_json
from utils.results.schema import read_result
from utils.slurm.closing_status import ClosingStatus, find_closings
from utils.slurm.commands import Queue, QueuedTask
from utils.slurm.duration import format_duration
from utils.slurm.missing_runs import find_live_tasks, list_file_names, result_names
from utils.slurm.stack_list import listed_logs
from utils.slurm.submission_folder import list_submissions
from utils.training import failure_files as failed_runs

COMPLETED, DIVERGED, RUNNING, QUEUED, FAILED, MISSING = "CDRQF."
STATES = {
    COMPLETED: "completed", DIVERGED: "diverged", RUNNING: "running", QUEUED: "queued", FAILED: "failed",
    MISSING: "missing",
}  # fmt: skip
"""Letter and name of each state. Failed: has a failure file, or its task is gone. Missing: it never started."""

HELD = re.compile(r"held", re.IGNORECASE)
IMPOSSIBLE = re.compile(
    r"PartitionTimeLimit|PartitionNodeLimit|PartitionDown|PartitionInactive|PartitionConfig|DOWN|NotAvail|FrontEndDown"
    r"|BadConstraints|Invalid|NotAllowed|Never|PerJob|PJ|MaxMemPerLimit|MaxWall|MinutesLimit|MinsLimit|TimeLimit"
    r"|NotSatisfied|UsageThreshold|ReservationDeleted|GrpWall"
)
LIMITED = re.compile(r"Limit")
"""SLURM's reasons (squeue(1), JOB REASON CODES) of tasks that somebody holds; of tasks that cannot start unless they or
the cluster are changed; and of tasks that wait until others of the account or the user have ended.
"""

OWN_LIMIT = "JobArrayTaskLimit"
"""SLURM's reason of tasks that wait for `throttle`."""

LOG_LINES = 5

MAX_LISTED_LOGS = 5
"""Largest number of logs shown: the first few failures are usually enough."""


@dataclass
class ResultReader:
    """A reader that reads each result once.

    found: state and core-seconds of each result.
    complaints: a line for each file that is not a result.
    """

    found: dict[Path, tuple[str, float]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def read_state(self, path: Path) -> str:
        """Return completed or diverged; for a file that is not a result, add a complaint and return missing."""
        if path not in self.found:
            try:
                run = read_result(path).run
                state = COMPLETED if run["status"] == "completed" else DIVERGED
                self.found[path] = state, run["train_time"] + run["eval_time"]
            except (BadInput, KeyError) as error:
                complaint = f"{path}: not a result ({error}); remove it, and schedule.py submits its run again"
                if complaint not in self.complaints:
                    self.complaints.append(complaint)
                return MISSING
        return self.found[path][0]


@dataclass(frozen=True)
class SweepStatus:
    """The status of a sweep's runs.

    states: state of each run, in order.
    logs: logs of failed tasks.
    reasons: why runs failed, if they recorded it.
    blocked: why queued tasks do not start, unless they merely wait for their turn.
    left: remaining seconds; None: unknown.
    closings: the closing jobs.
    """

    experiment: Experiment
    run_ids: Sequence[RunId]
    states: Sequence[str]
    logs: Sequence[Path]
    reasons: Sequence[str]
    blocked: Sequence[str]
    left: float | None
    closings: ClosingStatus

    @property
    def unfinished(self) -> bool:
        """Whether a run is running or queued, or a closing job."""
        return RUNNING in self.states or QUEUED in self.states or self.closings.live


@dataclass(frozen=True)
class PastTask:
    """The latest task that a run was submitted in.

    cores: cores of the task.
    seconds: planned core-seconds of the run.
    """

    log: Path
    cores: int
    seconds: float


def find_status(experiment: Experiment, run_ids: Sequence[RunId], queue: Queue, reader: ResultReader) -> SweepStatus:
    """Find the state of each run.  Raises BadInput or OSError for a submission that cannot be read."""
    live, past = find_live_tasks(experiment, queue), find_past_tasks(experiment)
    names, failures = result_names(experiment.directory), list_file_names(experiment.directory / failed_runs.DIRECTORY)
    states: list[str] = []
    for run_id in run_ids:
        file, task = experiment.file(run_id.key).json, past.get(run_id.key)
        if file.name in names:
            states.append(reader.read_state(file))
        elif run_id.key in live:
            states.append(QUEUED if live[run_id.key].pending else RUNNING)
        else:
            began = f"{run_id.key}.json" in failures or (task is not None and task.log.exists())
            states.append(FAILED if began else MISSING)
    failed = [run_id for run_id, state in zip(run_ids, states, strict=True) if state == FAILED]
    logs = dict.fromkeys(past[run_id.key].log for run_id in failed if run_id.key in past)
    reasons = [failure_reason(experiment, run_id) for run_id in failed if f"{run_id.key}.json" in failures]
    blocked = describe_blocked([live[run_id.key] for run_id in run_ids if run_id.key in live])
    done = (experiment.file(run_id.key).json for run_id in run_ids)
    seconds = [reader.found[path][1] for path in done if path in reader.found]
    left, closings = time_left(run_ids, states, past, seconds), find_closings(experiment.directory, queue)
    return SweepStatus(experiment, run_ids, states, list(logs), reasons, blocked, left, closings)


def failure_reason(experiment: Experiment, run_id: RunId) -> str:
    """Return why a run failed, from its failure file.  Raises BadInput if it cannot be read."""
    path = failed_runs.failure_path(experiment.directory, run_id.key)
    said = read_json(path)
    why = said.get("reason") if isinstance(said, dict) else None
    return f"failed: setting {run_id.setting}, run {run_id.run}: {why or 'see'} ({path})"


def describe_blocked(tasks: Iterable[QueuedTask]) -> list[str]:
    """Return a line for each reason why queued tasks do not start.  tasks: the task of each queued run."""
    counts = Counter(task.reason for task in tasks if task.pending)
    lines = []
    for reason, runs in sorted(counts.items()):
        of_runs = f"{reason} ({runs:,} {'run' if runs == 1 else 'runs'})"
        if HELD.search(reason):
            lines.append(f"held: {of_runs}")
        elif IMPOSSIBLE.search(reason):
            lines.append(f"cannot start: {of_runs}")
        elif LIMITED.search(reason) and reason != OWN_LIMIT:
            lines.append(f"waits for a limit: {of_runs}")
    return lines


def find_past_tasks(experiment: Experiment) -> dict[str, PastTask]:
    """Return the latest task of each run that was ever submitted, by key."""
    past: dict[str, PastTask] = {}
    for submission in list_submissions(experiment.directory):
        record = submission.read_record()
        if submission.common_list.exists():
            logs = listed_logs(submission)
            past |= {key: PastTask(log, record.cores, record.seconds_per_run) for key, log in logs.items()}
            continue
        for number in range(len(record.arrays)):
            for place, keys in enumerate(submission.read_keys(number)):
                task = PastTask(submission.log_path(number, place), record.cores, record.seconds_per_run)
                past |= dict.fromkeys(keys, task)
    return past


def time_left(
    run_ids: Sequence[RunId], states: Sequence[str], past: Mapping[str, PastTask], finished: Sequence[float]
) -> float | None:
    """Return the seconds until all queued and running runs are done at the present pace; None if no task runs.

    finished: core-seconds of each finished run. Other runs are assumed to cost their mean or, if none is finished, the
    planned cost; a partly trained run counts as a whole.
    """
    waiting = [past[run_id.key] for run_id, state in zip(run_ids, states, strict=True) if state in (RUNNING, QUEUED)]
    running = {
        past[run_id.key].log: past[run_id.key] for run_id, s in zip(run_ids, states, strict=True) if s == RUNNING
    }
    cores = sum(task.cores for task in running.values())
    if not cores:
        return None
    if finished:
        return len(waiting) * sum(finished) / len(finished) / cores
    return sum(task.seconds for task in waiting) / cores


def failure_lines(status: SweepStatus) -> list[str]:
    """Return the reasons of the first failures, and the last lines of their tasks' logs."""
    lines = [*status.reasons[:MAX_LISTED_LOGS]]
    for path in status.logs[:MAX_LISTED_LOGS]:
        end = path.read_text(errors="replace").splitlines()[-LOG_LINES:] if path.exists() else ["there is no log"]
        lines += [f"failed: {path}", *(f"    {line}" for line in end)]
    left_out = max(len(status.reasons), len(status.logs)) - MAX_LISTED_LOGS
    return [*lines, f"and {left_out} more"] if left_out > 0 else lines


def format_time_left(status: SweepStatus) -> str:
    """Return the remaining time as text; empty if it is unknown."""
    return "" if status.left is None else f"about {format_duration(status.left)} left at the present pace"
