"""utils/slurm/equal_runs.py: what main.py would copy is not planned as runs to train, nor trained by tasks."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import schedule
from tests.conftest import ENVIRONMENT
from tests.support.experiments import make_experiment
from tests.support.sweep import Sweep
from utils.core.indices import parse_indices
from utils.experiment.experiment import RunId
from utils.slurm.equal_runs import separate_equal_runs
from utils.slurm.task_plan import MAX_RUNS_PER_TASK, add_twins

ROOT = Path(__file__).resolve().parents[2]

CONDITIONAL = {"automatic_entropy_tuning": [True, False], "alpha_lr": [0.0003, 0.003, 0.03]}
"""Settings 1, 3 and 5 are equal: alpha_lr has no effect without automatic_entropy_tuning."""


class Project:
    """A sweep that main.py trains and schedule.py submits."""

    def __init__(self, files, tmp_path: Path) -> None:
        self.sweep = Sweep(files, tmp_path / "out")
        activate = files.write("activate", f"export PATH={Path(sys.executable).parent}:$PATH")
        self.cluster = files.write("cluster.json", {"cpus_per_task": 1, "runs_per_task": 4, "activate": activate})

    def train(self, *options: str, **agent: list) -> None:
        """Train runs of a grid with main.py."""
        self.sweep.agent = agent
        assert self.sweep.run(*options).exit_code == 0

    def schedule(self, *options: str, **agent: list) -> Result:
        """Schedule runs of a grid, two of each setting unless the options say it."""
        files = self.sweep.files
        names = [files.environment(**self.sweep.protocol), str(self.sweep.save_dir), files.agent(**agent)]
        runs = [] if "--runs" in options else ["--runs", "2"]
        return CliRunner().invoke(schedule.main, [*runs, *options, self.cluster, "main.py", str(ROOT), *names])

    def lines(self) -> list[list[int]]:
        """Return the indices of each task of the latest submission."""
        paths = sorted(self.sweep.save_dir.glob("*/slurm/*/tasks.0.txt"), key=lambda path: path.stat().st_mtime_ns)
        return [parse_indices(line) for line in paths[-1].read_text().splitlines()]

    def ends(self) -> dict[int, str]:
        """Return when the training of each result ended."""
        results = self.sweep.results()
        return {index: self.sweep.read(path)["provenance"]["end_time"] for index, path in results.items()}


@pytest.fixture
def project(files, tmp_path) -> Project:
    return Project(files, tmp_path)


def test_the_first_of_equal_runs_is_trained(tmp_path):
    experiment = make_experiment(ENVIRONMENT, CONDITIONAL, tmp_path)
    run_ids = list(experiment.run_ids(range(6), range(2)))
    trained, twins, waiting = separate_equal_runs(experiment, run_ids, ())
    assert [run_id.index for run_id in trained] == [0, 1, 2, 4, 6, 7, 8, 10]
    assert {key: [twin.index for twin in equal] for key, equal in twins.items()} == {
        run_ids[1].key: [3, 5],
        run_ids[7].key: [9, 11],
    }
    assert waiting == []


def test_what_is_equal_to_a_live_run_waits_for_it(tmp_path):
    experiment = make_experiment(ENVIRONMENT, CONDITIONAL, tmp_path)
    run_ids = list(experiment.run_ids(range(6), [0]))
    live = run_ids.pop(3)
    trained, twins, waiting = separate_equal_runs(experiment, run_ids, {live.key})
    assert [run_id.index for run_id in trained] == [0, 2, 4]
    assert ([run_id.index for run_id in waiting], twins) == ([1, 5], {})


def test_twins_are_in_the_task_of_their_run_which_is_divided_if_it_becomes_too_large():
    runs = [RunId(2 * i, 0, i, str(i)) for i in range(MAX_RUNS_PER_TASK)]
    twins = {run.key: [RunId(run.index + 1, 1, run.run, f"{run.key}'")] for run in runs}
    tasks = add_twins([runs, runs[:2]], twins)
    assert [len(task) for task in tasks] == [MAX_RUNS_PER_TASK, MAX_RUNS_PER_TASK, 4]
    assert [run.index for run in tasks[2]] == [0, 1, 2, 3]
    assert add_twins([runs[:3]], {}) == [runs[:3]]


def test_results_of_a_grid_with_another_policy_are_copied_when_the_rest_is_submitted(project, slurm):
    project.train("--runs", "2", policy_type=["Beta"])
    planned = project.schedule("--dry-run", policy_type=["Gaussian", "Beta"])
    first = "4 runs: 0 with results, 2 to copy from equal runs or other directories, 0 queued or running, 2 to submit"
    assert first in planned.output
    assert "1 task of 2 runs" in planned.output
    assert len(project.sweep.results()) == 2
    assert project.schedule("--yes", policy_type=["Gaussian", "Beta"]).exit_code == 0
    assert project.lines() == [[0, 2]]
    copied = sorted(project.sweep.save_dir.glob("Pendulum-v1_SAC/*.json"))
    assert [project.sweep.read(path)["index"] for path in copied] in ([1, 3], [3, 1])
    again = project.schedule("--yes", policy_type=["Gaussian", "Beta"])
    assert "4 runs: 2 with results, 2 queued or running, 0 to submit" in again.output


def test_nothing_is_asked_or_submitted_if_all_can_be_copied(project, slurm):
    project.train("--index", "1,7", **CONDITIONAL)
    done = project.schedule("--settings", "3,5", **CONDITIONAL)
    assert done.exit_code == 0
    assert "Submit" not in done.stderr
    assert "4 runs: 0 with results, 4 to copy from equal runs or other directories, 0 queued" in done.output
    assert sorted(project.sweep.results()) == [1, 3, 5, 7, 9, 11]
    assert not slurm.calls("sbatch")
    assert "4 runs: 4 with results, 0 queued" in project.schedule("--settings", "3,5", **CONDITIONAL).output


def test_equal_runs_are_trained_once_in_one_task(project, slurm):
    """Of six settings, four are trained; the task of setting 1 copies its results for settings 3 and 5."""
    slurm.run_at_once()
    done = project.schedule("--yes", **CONDITIONAL)
    assert "12 to submit (4 of them equal to others, so copied from these)" in done.output
    assert project.lines() == [[0, 2, 4, 6], [1, 3, 5, 7, 8, 9, 10, 11]]
    ends = project.ends()
    assert sorted(ends) == list(range(12))
    assert ends[1] == ends[3] == ends[5]
    sources = {
        index: "copied_from" in project.sweep.read(path)["provenance"]
        for index, path in project.sweep.results().items()
    }
    assert sorted(index for index, copied in sources.items() if copied) == [3, 5, 9, 11]


def test_forced_runs_are_trained_again_although_their_results_are_elsewhere(project, slurm):
    """Setting 1 has the policy whose results another directory has; setting 0 is trained once for its twin."""
    slurm.run_at_once()
    project.train("--runs", "1", policy_type=["Beta"])
    grid = {"policy_type": ["Gaussian", "Beta"], "alpha_lr": [0.0003, 0.003]}
    assert project.schedule("--yes", "--runs", "1", **grid).exit_code == 0
    before = {path.name: project.sweep.read(path) for path in project.sweep.save_dir.glob("Pendulum-v1_SAC/*.json")}
    assert len(before) == 4
    done = project.schedule("--yes", "--force", "--runs", "1", **grid)
    assert "4 runs: 0 with results, 0 queued or running, 4 to submit (2 of them equal to others" in done.output
    after = {path.name: project.sweep.read(path) for path in project.sweep.save_dir.glob("Pendulum-v1_SAC/*.json")}
    assert before.keys() == after.keys()
    for name, run in after.items():
        assert run["provenance"]["end_time"] > before[name]["provenance"]["end_time"], name
    assert len({run["provenance"]["end_time"] for run in after.values()}) <= 2


def test_a_result_of_another_code_is_copied_on_request_only(project, slurm):
    project.train(policy_type=["Beta"])
    project.sweep.change_provenance(project.sweep.results()[0], rollout_hash="2:beef", rollout_trace=None)
    grid = {"policy_type": ["Gaussian", "Beta"]}
    refused = project.schedule("--yes", "--runs", "1", **grid)
    assert refused.exit_code == 2
    assert "their environments behave differently" in refused.stderr
    assert not slurm.calls("sbatch")
    assert project.schedule("--yes", "--runs", "1", "--accept-mixed", **grid).exit_code == 0
    assert project.lines() == [[0]]
    [copied] = project.sweep.save_dir.glob("Pendulum-v1_SAC/*.json")
    assert json.loads(copied.read_bytes())["experiment"]["agent"]["parameters"]["policy_type"] == grid["policy_type"]


def test_a_result_that_cannot_be_copied_is_reported(project, slurm, monkeypatch):
    project.train(policy_type=["Beta"])

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("utils.training.existing_results._write_copy", fail)
    done = project.schedule("--yes", "--runs", "1", policy_type=["Gaussian", "Beta"])
    assert done.exit_code == 1
    assert "not all results could be copied" in done.stderr
    assert not slurm.calls("sbatch")
