"""utils/slurm/queued_runs.py: runs in the queue, read at most once a minute."""

from __future__ import annotations

import pytest

from tests.conftest import ENVIRONMENT
from tests.support.experiments import make_experiment
from utils.slurm import queued_runs
from utils.slurm.commands import Queue, QueuedTask, SlurmError
from utils.slurm.queued_runs import QueueReader
from utils.slurm.submission_folder import SubmissionRecord, SubmittedArray, new_submission_path, write_submission

WAITS, RUNS = QueuedTask("PENDING", "Priority"), QueuedTask("RUNNING", "None")


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    """An experiment of which six runs were submitted, in two arrays of two tasks."""
    monkeypatch.setattr(queued_runs, "is_available", lambda: True)
    experiment = make_experiment(ENVIRONMENT, {"critic_lr": [0.1, 0.01]}, tmp_path)
    ids = list(experiment.run_ids(range(2), range(3)))
    arrays = [SubmittedArray(name=name, tasks=2) for name in ("a.0", "a.1")]
    tasks = [[ids[0:1], ids[1:3]], [ids[3:4], ids[4:6]]]
    record = SubmissionRecord(arrays=arrays, cores=1, seconds_per_run=1.0)
    write_submission(new_submission_path(experiment), experiment, "", tasks, record)
    return experiment


def test_runs_of_tasks_that_the_queue_has(experiment):
    queue = Queue(9, {"a.0": {1: WAITS}, "a.1": {0: RUNS}, "b.0": {0: RUNS}})
    [(tree, runs)] = QueueReader(lambda users: queue)(experiment.directory)
    keys = {index: experiment.run(index).key for index in range(6)}
    assert runs == {keys[1]: (1, False), keys[2]: (2, False), keys[3]: (3, True)}
    assert tree == experiment.tree(experiment.run(0), {})["experiment"]


def test_squeue_is_called_at_most_once_a_minute(experiment):
    asked, now = [], [0.0]

    def ask(users: set[str]) -> Queue:
        asked.append(now[0])
        return Queue(0, {})

    reader = QueueReader(ask, lambda: now[0])
    for now[0] in (0.0, 10.0, 59.0, 60.0, 100.0, 125.0):
        assert reader(experiment.directory) == []
    assert asked == [0.0, 60.0, 125.0]


def test_without_submissions_or_slurm_nothing_is_asked(experiment, tmp_path, monkeypatch):
    def ask(users: set[str]) -> Queue:
        raise AssertionError

    assert QueueReader(ask)(tmp_path / "other") == []
    monkeypatch.setattr(queued_runs, "is_available", lambda: False)
    assert QueueReader(ask)(experiment.directory) == []


def test_a_queue_that_cannot_be_read_is_reported_once(experiment, caplog):
    def ask(users: set[str]) -> Queue:
        raise SlurmError("squeue failed")

    now = [0.0]
    reader = QueueReader(ask, lambda: now[0])
    for now[0] in (0.0, 100.0):
        assert reader(experiment.directory) == []
    assert caplog.text.count("the queue cannot be read: squeue failed") == 1
