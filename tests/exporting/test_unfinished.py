"""Runs without a result are exported as far as their checkpoints have them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.experiments import make_experiment
from tests.support.exported_runs import run_export
from tests.support.fake_results import assert_refused, fake_run
from utils.checkpoint.row_files import RowSequence
from utils.experiment.experiment import Experiment
from utils.exporting.unfinished import find_runs, unfinished_keys
from utils.results.progress_file import progress_path
from utils.training.run_claims import kept_checkpoint, run_checkpoint
from utils.training.run_record import RunRecord

PROTOCOL = {
    "env_name": "Pendulum-v1", "total_timesteps": 100, "steps_per_episode": 10, "eval_interval_timesteps": 10,
    "eval_episodes": 2, "gamma": 0.99,
}  # fmt: skip

GRID = {"critic_lr": [0.1, 0.01], "policy_type": ["Beta"]}


def interrupted_record(timesteps: int = 25) -> RunRecord:
    """Return the record of a run with a reward of -0.1 a step, stopped within an episode."""
    record = RunRecord()
    for timestep in range(timesteps):
        if timestep % 10 == 0:
            record.add_evaluation([-1.0 / 3, timestep], [10, 10])
        record.add_step(-0.1, ended=(timestep + 1) % 10 == 0)
        if timestep % 20 == 19:
            record.add_diagnostics({"alpha": 0.1 * timestep})
    record.add_row("train_states", np.zeros(3))
    return record


def save_checkpoint(experiment: Experiment, index: int, **changes: object) -> str:
    """Write a checkpoint as training does, and return its run's key."""
    run, record = experiment.run(index), interrupted_record()
    state = record.state() | changes
    tree = {"timestep": 25, "record": state, "agent": {"replay": RowSequence(np.zeros((4, 2)), 4)}}
    run_checkpoint(run).save(tree, 25)
    return run.key


def make_results(folder: Path, finished: bool) -> Experiment:
    """Return an experiment with an unfinished run at index 3.  finished: whether index 0 has a result."""
    experiment = make_experiment(PROTOCOL, GRID, folder)
    if finished:
        run = experiment.run(0)
        data = fake_run(0, 0, returns=((-1.0, -2.0),)) | {"key": run.key}
        run.file.write(experiment.tree(run, data), {})
    return experiment


def read_series(output: Path, key: str) -> dict[str, list[tuple[int, float]]]:
    [path] = output.glob(f"*_{key}.csv")
    found: dict[str, list[tuple[int, float]]] = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["series"], []).append((int(row["timestep"]), float(row["value"])))
    return found


def read_row(output: Path, key: str) -> dict[str, str]:
    with open(output / "runs.csv", newline="") as file:
        [row] = [row for row in csv.DictReader(file) if row["key"] == key]
    return row


@pytest.mark.parametrize("many", [False, True], ids=["few episodes", "many episodes"])
def test_curves_up_to_the_checkpoint(many, tmp_path):
    """Many episodes are stored as rows."""
    experiment = make_results(tmp_path, finished=True)
    episodes = {"train_episode_rewards": RowSequence([-1.5, -0.5], 2), "train_episode_steps": RowSequence([10, 10], 2)}
    key = save_checkpoint(experiment, 3, **(episodes if many else {}))
    done = run_export(experiment.directory, "--to", "csv", "--output", tmp_path / "out")
    assert done.output == (
        f"{experiment.directory}: 1 unfinished, exported up to timesteps 25 to 25\n"
        f"{tmp_path / 'out'}: 2 added, 0 replaced, 0 unchanged\n"
    )
    returns = [-1.5, -0.5] if many else interrupted_record().train_episode_rewards
    assert read_series(tmp_path / "out", key) == {
        "eval/return": [(0, -1.0 / 6), (10, (10 - 1.0 / 3) / 2), (20, (20 - 1.0 / 3) / 2)],
        "eval/steps": [(0, 10.0), (10, 10.0), (20, 10.0)],
        "train/return": list(zip([10, 20], returns, strict=True)),
        "train/steps": [(10, 10.0), (20, 10.0)],
        "diagnostics/alpha": [(20, 0.1 * 19)],
    }
    row = read_row(tmp_path / "out", key)
    assert row["group"].startswith("Pendulum-v1_SAC_Beta setting 1 (")
    assert row["status"] == "unfinished"
    assert (row["critic_lr"], row["random_seed"], row["timesteps_done"]) == ("0.01", "1", "25")


def test_a_setting_is_found_by_the_configuration_files(tmp_path):
    experiment = make_results(tmp_path, finished=False)
    key = save_checkpoint(experiment, 3)
    arguments = (experiment.directory, "--to", "csv", "--output", tmp_path / "out")
    done = run_export(*arguments)
    assert "settings of 1 are unknown: name their files by --agent-json and --env-json" in done.output
    assert read_row(tmp_path / "out", key)["group"] == "Pendulum-v1_SAC_Beta unknown setting"
    (tmp_path / "agent.json").write_text(json.dumps({"agent_name": "SAC", "parameters": GRID}))
    (tmp_path / "env.json").write_text(json.dumps(PROTOCOL))
    done = run_export(*arguments, "--agent-json", tmp_path / "agent.json", "--env-json", tmp_path / "env.json")
    assert done.output.endswith("0 added, 1 replaced, 0 unchanged\n")
    assert read_row(tmp_path / "out", key)["setting"] == "1"
    assert read_series(tmp_path / "out", key)["train/steps"] == [(10, 10.0), (20, 10.0)]


def test_a_result_replaces_an_unfinished_run(tmp_path):
    experiment = make_results(tmp_path, finished=True)
    key = save_checkpoint(experiment, 3)
    run_export(experiment.directory, "--to", "csv", "--output", tmp_path / "out")
    run = experiment.run(3)
    run.file.write(experiment.tree(run, fake_run(1, 1) | {"key": key}), {})
    done = run_export(experiment.directory, "--to", "csv", "--output", tmp_path / "out")
    assert done.output == f"{tmp_path / 'out'}: 0 added, 1 replaced, 1 unchanged\n"
    assert read_row(tmp_path / "out", key)["status"] == "completed"


def write_progress(experiment: Experiment, index: int, *lines: dict[str, Any]) -> str:
    """Write a progress file as training does, and return its run's key."""
    run = experiment.run(index)
    tree = experiment.tree(run, {})
    header = {
        "experiment": tree["experiment"], "setting": run.setting, "agent_params": run.agent_params, "index": index,
        "key": run.key, "run_number": run.run, "timestep": 0, "engine": "eager",
        "writer": {"host": "here", "process": 7, "slurm": {}, "time": 100.0},
    }  # fmt: skip
    path = progress_path(experiment.directory, run.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in (header, *lines)))
    return run.key


LATER: list[dict[str, Any]] = [
    {"timestep": 20, "time": 101.0, "evaluation": [-1.0, -3.0], "window": {"alpha": 7.5}},
    {"timestep": 40, "time": 102.0, "evaluation": [-0.5, None], "window": {"alpha": 8.5, "q": None}},
    {"timestep": 50, "time": 103.0, "evaluation": [-0.25, -0.75]},
]


def test_a_progress_file_alone(tmp_path):
    """It names its run, so no configuration is needed."""
    experiment = make_results(tmp_path, finished=False)
    key = write_progress(experiment, 3, *LATER)
    done = run_export(experiment.directory, "--to", "csv", "--output", tmp_path / "out")
    assert done.output.startswith(f"{experiment.directory}: 1 unfinished, exported up to timesteps 50 to 50\n")
    assert read_series(tmp_path / "out", key) == {
        "eval/return": [(20, -2.0), (50, -0.5)],
        "diagnostics/alpha": [(20, 7.5), (40, 8.5)],
    }
    row = read_row(tmp_path / "out", key)
    assert (row["setting"], row["critic_lr"], row["random_seed"], row["status"]) == ("1", "0.01", "1", "unfinished")


def test_a_progress_file_continues_a_checkpoint(tmp_path):
    experiment = make_results(tmp_path, finished=False)
    save_checkpoint(experiment, 3)
    key = write_progress(experiment, 3, *LATER)
    done = run_export(experiment.directory, "--to", "csv", "--output", tmp_path / "out")
    assert "1 unfinished, exported up to timesteps 50 to 50\n" in done.output
    series = read_series(tmp_path / "out", key)
    assert series["eval/return"] == [(0, -1.0 / 6), (10, (10 - 1.0 / 3) / 2), (20, -2.0), (50, -0.5)]
    assert series["eval/steps"] == [(0, 10.0), (10, 10.0), (20, 10.0)]
    assert series["train/steps"] == [(10, 10.0), (20, 10.0)]
    assert series["diagnostics/alpha"] == [(20, 7.5), (40, 8.5)]


def test_a_damaged_progress_file_is_left_out(tmp_path):
    experiment = make_results(tmp_path, finished=True)
    key = write_progress(experiment, 3, *LATER)
    progress_path(experiment.directory, key).write_text("{}\n")
    done = run_export(experiment.directory, "--to", "csv", "--output", tmp_path / "out")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"left out: {progress_path(experiment.directory, key)}: not a progress file")


def test_kept_checkpoints_are_of_finished_runs(tmp_path):
    experiment = make_results(tmp_path, finished=True)
    kept_checkpoint(experiment.run(0)).save({"record": {}}, 100)
    assert unfinished_keys(experiment.directory) == []


def test_a_damaged_checkpoint_is_left_out(tmp_path):
    experiment = make_results(tmp_path, finished=True)
    key = save_checkpoint(experiment, 3)
    state = experiment.directory / "checkpoints" / key / "state"
    state.write_bytes(state.read_bytes()[:-20])
    done = run_export(experiment.directory, "--to", "csv", "--output", tmp_path / "out")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"left out: {state} is damaged")
    assert done.stderr.count("\n") == 1


def test_only_damaged_checkpoints(tmp_path):
    experiment = make_results(tmp_path, finished=False)
    assert_refused(run_export(experiment.directory.parent, "--to", "csv", "--output", tmp_path / "out"), "found no run")


def test_runs_are_found_by_their_keys(tmp_path):
    experiment = make_experiment(PROTOCOL, GRID, tmp_path)
    keys = [experiment.run(index).key for index in (1, 400)] + ["0" * 12]
    found = find_runs(keys, [experiment])
    assert {key: (numbers.setting, numbers.run) for key, (_, numbers) in found.items()} == {
        keys[0]: (1, 0), keys[1]: (0, 200),
    }  # fmt: skip
