"""utils/slurm/sweep_status.py and its report: the state of each run, from files and a queue."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import ENVIRONMENT
from tests.support.experiments import make_experiment
from tests.support.result_trees import result_tree
from utils.experiment.experiment import Experiment, RunId
from utils.slurm.commands import EMPTY_QUEUE, Queue, QueuedTask
from utils.slurm.status_report import format_status
from utils.slurm.submission_folder import (
    Submission,
    SubmissionRecord,
    SubmittedArray,
    new_submission_path,
    write_submission,
)
from utils.slurm.sweep_status import STATES, ResultReader, SweepStatus, describe_blocked, find_status

NAMES = ("a.0", "a.1")


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    """An experiment with two settings."""
    return make_experiment(ENVIRONMENT, {"critic_lr": [0.1, 0.01]}, tmp_path)


@pytest.fixture
def run_ids(experiment: Experiment) -> list[RunId]:
    """Six runs of each setting."""
    return list(experiment.run_ids([0, 1], range(6)))


def submitted(experiment: Experiment, arrays: list[list[list[RunId]]], names: tuple[str, ...] = NAMES) -> Submission:
    """Write a submission as schedule.py does, with 2 cores per task and 30 s per run."""
    record = SubmissionRecord(
        arrays=[SubmittedArray(name=name, tasks=len(tasks)) for name, tasks in zip(names, arrays, strict=True)],
        cores=2,
        seconds_per_run=30.0,
    )
    return write_submission(new_submission_path(experiment), experiment, "", arrays, record)


def finish(experiment: Experiment, run_id: RunId, status: str = "completed", seconds: float = 10.0) -> Path:
    """Write the result of a run."""
    tree = result_tree(status=status, train_time=seconds - 1, eval_time=1.0)
    path = experiment.file(run_id.key).json
    path.write_text(json.dumps(tree))
    return path


def letters(status: SweepStatus) -> str:
    return "".join(status.states)


def test_every_state(experiment, run_ids):
    """Indices: 0, 1 finished; 2-5 running or queued; 6 started, 7 did not; 8, 9 not submitted; 10 failed."""
    submission = submitted(experiment, [[run_ids[0:2], run_ids[2:4]], [run_ids[4:6], [run_ids[6]], [run_ids[7]]]])
    finish(experiment, run_ids[0])
    finish(experiment, run_ids[1], "diverged")
    submission.log_path(1, 1).write_text("\n".join(f"line {i}" for i in range(9)))
    failure = experiment.directory / "failures" / f"{run_ids[10].key}.json"
    failure.parent.mkdir()
    failure.write_text('{"reason": "ValueError: no"}')
    queue = Queue(5, {"a.0": {1: QueuedTask("RUNNING", "None")}, "a.1": {0: QueuedTask("PENDING", "JobHeldUser")}})
    status = find_status(experiment, run_ids, queue, ResultReader())
    assert letters(status) == "CDRRQQF...F."
    assert status.unfinished
    assert status.blocked == ["held: JobHeldUser (2 runs)"]
    # 4 runs of 10 s, the time of the finished ones, on the 2 cores of the running task.
    assert status.left == 20.0
    report = format_status(status).splitlines()
    assert report[0] == str(experiment.directory)
    assert report[1].split() == ["setting", *STATES.values(), "runs", "0-5"]
    assert report[2].split() == ["0", "1", "0", "1", "1", "2", "1", "CRQF.F"]
    assert report[3].split() == ["1", "0", "1", "1", "1", "0", "3", "DRQ..."]
    assert report[4].split() == ["all", "1", "1", "2", "2", "2", "4"]
    assert "held: JobHeldUser (2 runs)" in report
    assert f"failed: setting 0, run 5: ValueError: no ({failure})" in report
    tail = report.index(f"failed: {submission.log_path(1, 1)}")
    assert report[tail + 1 : tail + 6] == [f"    line {i}" for i in range(4, 9)]
    assert report[-1] == "about 0:00:20 left at the present pace"


def test_the_latest_submission_of_a_run_counts(experiment, run_ids):
    first = submitted(experiment, [[run_ids[0:2]]], ("a",))
    first.log_path(0, 0).write_text("it began")
    assert letters(find_status(experiment, run_ids[:2], EMPTY_QUEUE, ResultReader())) == "FF"
    second = submitted(experiment, [[run_ids[0:1]]], ("b",))
    second.folder.rename(second.folder.with_name("9" * 15))
    assert letters(find_status(experiment, run_ids[:2], EMPTY_QUEUE, ResultReader())) == ".F"
    queue = Queue(1, {"b": {0: QueuedTask("RUNNING", "None")}})
    status = find_status(experiment, run_ids[:2], queue, ResultReader())
    assert letters(status) == "RF"
    assert status.left == 30.0 / 2


def test_nothing_at_all(experiment, run_ids):
    status = find_status(experiment, run_ids, EMPTY_QUEUE, ResultReader())
    assert letters(status) == "." * 12
    assert not status.unfinished
    assert status.left is None


def test_a_file_that_is_no_result_is_named_once_and_its_run_missing(experiment, run_ids):
    submitted(experiment, [[run_ids[0:1]]], ("a",))
    path = finish(experiment, run_ids[0])
    path.write_text("{}")
    reader = ResultReader()
    for _ in range(2):
        assert letters(find_status(experiment, run_ids[:1], EMPTY_QUEUE, reader)) == "."
    (complaint,) = reader.complaints
    assert str(path) in complaint
    assert "remove it" in complaint


def test_results_are_read_once(experiment, run_ids):
    submitted(experiment, [[run_ids[0:1]]], ("a",))
    path, reader = finish(experiment, run_ids[0]), ResultReader()
    assert letters(find_status(experiment, run_ids[:1], EMPTY_QUEUE, reader)) == "C"
    path.write_text("{}")
    assert letters(find_status(experiment, run_ids[:1], EMPTY_QUEUE, reader)) == "C"


def test_of_many_settings_only_the_incomplete_are_listed(tmp_path):
    experiment = make_experiment(ENVIRONMENT, {"critic_lr": [0.001 * k for k in range(1, 51)]}, tmp_path)
    run_ids = list(experiment.run_ids(range(50), range(70)))
    submitted(experiment, [[[run_ids[0]]]], ("a",))
    for run_id in run_ids:
        if run_id.setting != 7:
            finish(experiment, run_id)
    report = format_status(find_status(experiment, run_ids, EMPTY_QUEUE, ResultReader())).splitlines()
    assert [line.split() for line in report[2:]] == [
        ["7", "0", "0", "0", "0", "0", "70"],
        ["+49", "3430", "0", "0", "0", "0", "0"],
        ["all", "3430", "0", "0", "0", "0", "70"],
    ]


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("launch failed requeued held", "held: launch failed requeued held"),
        ("PartitionTimeLimit", "cannot start: PartitionTimeLimit"),
        ("PartitionDown", "cannot start: PartitionDown"),
        ("ReqNodeNotAvail, UnavailableNodes:fc1", "cannot start: ReqNodeNotAvail, UnavailableNodes:fc1"),
        (
            "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions",
            "cannot start: Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions",
        ),
        ("AssocMaxWallDurationPerJobLimit", "cannot start: AssocMaxWallDurationPerJobLimit"),
        ("AssocGrpCPUMinutesLimit", "cannot start: AssocGrpCPUMinutesLimit"),
        ("QOSMaxCpuPerJobLimit", "cannot start: QOSMaxCpuPerJobLimit"),
        ("InvalidAccount", "cannot start: InvalidAccount"),
        ("DependencyNeverSatisfied", "cannot start: DependencyNeverSatisfied"),
        ("BadConstraints", "cannot start: BadConstraints"),
        ("AssocMaxJobsLimit", "waits for a limit: AssocMaxJobsLimit"),
        ("QOSMaxCpuPerUserLimit", "waits for a limit: QOSMaxCpuPerUserLimit"),
        ("AssocGrpCpuLimit", "waits for a limit: AssocGrpCpuLimit"),
        ("Priority", None), ("Resources", None), ("None", None), ("JobArrayTaskLimit", None), ("Dependency", None),
    ],
)  # fmt: skip
def test_why_tasks_do_not_start(reason, line):
    tasks = [QueuedTask("PENDING", reason), QueuedTask("RUNNING", "None"), QueuedTask("PENDING", reason)]
    assert describe_blocked(tasks) == ([] if line is None else [f"{line} (2 runs)"])
    assert describe_blocked(tasks[:1]) == ([] if line is None else [f"{line} (1 run)"])
