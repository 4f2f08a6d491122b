"""Which runs are there, on their way, or missing."""

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
    """Four settings of two shapes."""
    return make_experiment(ENVIRONMENT, {"critic_lr": [0.1, 0.01], "hidden_dim": [32, 64]}, tmp_path)


@pytest.fixture
def cells(experiment: Experiment) -> list[RunId]:
    """Two runs of each."""
    return list(experiment.run_ids(range(4), range(2)))


def test_cells_are_runs_by_name(experiment, cells):
    runs = [experiment.run(index) for index in range(8)]
    assert [(cell.index, cell.setting, cell.run, cell.key) for cell in cells] == [
        (run.index, run.setting, run.run, run.key) for run in runs
    ]
    assert [experiment.file(cell.key) for cell in cells] == [run.file for run in runs]
    assert [experiment.hyperparameters(cell.setting) for cell in cells] == [run.hyperparameters for run in runs]


def test_cells_of_some_settings_and_runs(experiment):
    assert [cell.index for cell in experiment.run_ids([1, 3], [5, 7])] == [21, 23, 29, 31]


def test_a_result_is_a_json_file_of_its_name(experiment, cells):
    experiment.directory.mkdir(parents=True, exist_ok=True)
    for name in (cells[0].key, cells[1].key + "x", "." + cells[2].key):
        experiment.file(name).json.touch()
    experiment.file(cells[3].key).npz.touch()
    found = sort_runs(experiment, cells, {cells[0].key: None, cells[4].key: None})
    assert found == SortedRuns([cells[0]], [cells[4]], [*cells[1:4], *cells[5:]])


def test_nothing_is_there_before_the_directory_is(experiment, cells):
    assert sort_runs(experiment, cells, {}) == SortedRuns([], [], cells)


def test_live_are_the_runs_of_tasks_that_the_queue_has(experiment, cells):
    for names in (("a.0", "a.1"), ("b.0", "b.1")):
        arrays = [SubmittedArray(name=name, tasks=2) for name in names]
        record = SubmissionRecord(arrays=arrays, cores=1, seconds_per_run=1.0)
        tasks = [[cells[0:1], cells[1:3]], [cells[3:4], cells[4:6]]]
        write_submission(new_submission_path(experiment), experiment, "", tasks, record)
    waits, runs = QueuedTask("PENDING", "Priority"), QueuedTask("RUNNING", "None")
    queue = Queue(9, {"a.0": {1: waits}, "b.1": {0: runs}, "c.0": {0: runs}})
    assert find_live_tasks(experiment, queue) == {cells[1].key: waits, cells[2].key: waits, cells[3].key: runs}
