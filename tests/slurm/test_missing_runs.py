"""utils/slurm/missing_runs.py: runs with results, live runs and missing runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ENVIRONMENT
from tests.support.experiments import make_experiment
from utils.experiment.experiment import Experiment, RunId
from utils.slurm.commands import Queue, QueuedTask
from utils.slurm.missing_runs import SortedRuns, find_live_tasks, sort_runs
from utils.slurm.submission_folder import SubmissionRecord, SubmittedArray, new_submission_path, write_submission


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    """An experiment with four settings of two shapes."""
    return make_experiment(ENVIRONMENT, {"critic_lr": [0.1, 0.01], "hidden_dim": [32, 64]}, tmp_path)


@pytest.fixture
def run_ids(experiment: Experiment) -> list[RunId]:
    """Two runs of each setting."""
    return list(experiment.run_ids(range(4), range(2)))


def test_cells_are_runs_by_name(experiment, run_ids):
    runs = [experiment.run(index) for index in range(8)]
    assert [(run_id.index, run_id.setting, run_id.run, run_id.key) for run_id in run_ids] == [
        (run.index, run.setting, run.run, run.key) for run in runs
    ]
    assert [experiment.file(run_id.key) for run_id in run_ids] == [run.file for run in runs]
    assert [experiment.hyperparameters(run_id.setting) for run_id in run_ids] == [run.hyperparameters for run in runs]


def test_cells_of_some_settings_and_runs(experiment):
    assert [run_id.index for run_id in experiment.run_ids([1, 3], [5, 7])] == [21, 23, 29, 31]


def test_a_result_is_a_json_file_of_its_name(experiment, run_ids):
    experiment.directory.mkdir(parents=True, exist_ok=True)
    for name in (run_ids[0].key, run_ids[1].key + "x", "." + run_ids[2].key):
        experiment.file(name).json.touch()
    experiment.file(run_ids[3].key).npz.touch()
    found = sort_runs(experiment, run_ids, {run_ids[0].key: None, run_ids[4].key: None})
    assert found == SortedRuns([run_ids[0]], [run_ids[4]], [*run_ids[1:4], *run_ids[5:]])


def test_nothing_is_there_before_the_directory_is(experiment, run_ids):
    assert sort_runs(experiment, run_ids, {}) == SortedRuns([], [], run_ids)


def test_live_are_the_runs_of_tasks_that_the_queue_has(experiment, run_ids):
    for names in (("a.0", "a.1"), ("b.0", "b.1")):
        arrays = [SubmittedArray(name=name, tasks=2) for name in names]
        record = SubmissionRecord(arrays=arrays, cores=1, seconds_per_run=1.0)
        tasks = [[run_ids[0:1], run_ids[1:3]], [run_ids[3:4], run_ids[4:6]]]
        write_submission(new_submission_path(experiment), experiment, "", tasks, record)
    waits, runs = QueuedTask("PENDING", "Priority"), QueuedTask("RUNNING", "None")
    queue = Queue(9, {"a.0": {1: waits}, "b.1": {0: runs}, "c.0": {0: runs}})
    assert find_live_tasks(experiment, queue) == {run_ids[1].key: waits, run_ids[2].key: waits, run_ids[3].key: runs}
