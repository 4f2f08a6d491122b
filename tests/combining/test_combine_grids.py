"""simple_combine.py on a directory with results of several grids or protocols."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.fake_results import assert_refused, combine, fake_run
from utils.experiment.experiment import Experiment
from utils.wiring import build


def write(files: Any, folder: Path, rates: list[float], index: int, **environment: Any) -> tuple[Experiment, Path]:
    """Write a result as main.py would, without training.  rates: the grid's values of critic_lr."""
    agent = files.agent("VAC", critic_lr=rates)
    experiment = build.read_experiment(files.environment(**environment), agent, str(folder))
    run = experiment.run(index)
    run.file.directory.mkdir(parents=True, exist_ok=True)
    data = fake_run(run.setting, run.run, index=index, key=run.key)
    run.file.write(experiment.tree(run, data), {})
    return experiment, run.file.json


def read(experiment: Experiment) -> dict[str, Any]:
    """Return the content of the experiment's data.json."""
    return json.loads((experiment.directory / "data.json").read_bytes())


def indices(tree: dict[str, Any]) -> dict[str, list[int]]:
    """Return the indices of each setting's runs."""
    return {setting: [run["index"] for run in cell["runs"]] for setting, cell in tree["experiment_data"].items()}


def test_a_grown_grid_finds_its_old_runs_by_what_they_are(files, tmp_path):
    for index in (0, 1):
        write(files, tmp_path, [0.01], index)
    experiment, _ = write(files, tmp_path, [0.1, 0.001, 0.01], 1)
    assert_refused(combine(experiment.directory), "agent.parameters.critic_lr", "--agent-json")
    done = combine(experiment.directory, agent_json=tmp_path / "agent.json")
    assert (done.exit_code, done.stderr) == (0, "")
    tree = read(experiment)
    assert tree["experiment"]["agent"]["parameters"]["critic_lr"] == [0.1, 0.001, 0.01]
    assert indices(tree) == {"1": [1], "2": [2, 5]}
    for setting, cell in tree["experiment_data"].items():
        assert cell["agent_params"] == experiment.run(int(setting)).agent_params
    assert done.stdout.splitlines()[-1] == "still to run: --index 0,3-4"


def test_settings_outside_the_grid_are_counted_and_said(files, tmp_path):
    for index in range(3):
        experiment, _ = write(files, tmp_path, [0.01, 0.02, 0.03], index)
    write(files, tmp_path, [0.03, 0.01], 2)
    done = combine(experiment.directory, agent_json=tmp_path / "agent.json")
    assert done.exit_code == 0
    assert "1 results of another grid or protocol" in done.stderr
    assert indices(read(experiment)) == {"0": [0, 2], "1": [1]}


def test_another_grid_re_indexes_what_is_combined_already(files, tmp_path):
    """The bytes are the same as without the earlier call."""
    old, _ = write(files, tmp_path, [0.01], 0)
    combine(old.directory)
    new, _ = write(files, tmp_path, [0.02, 0.01], 2)
    assert combine(new.directory, agent_json=tmp_path / "agent.json").exit_code == 0
    data = new.directory / "data.json"
    incremental = data.read_bytes()
    assert indices(read(new)) == {"0": [2], "1": [1]}
    data.with_name("data.json.index").unlink()
    combine(new.directory, agent_json=tmp_path / "agent.json")
    assert data.read_bytes() == incremental


def test_protocols_are_told_apart_by_env_json(files, tmp_path):
    for gamma in (0.9, 0.99):
        experiment, _ = write(files, tmp_path, [0.01], 0, gamma=gamma)
    assert_refused(combine(experiment.directory), "environment.gamma", "--env-json")
    assert_refused(combine(experiment.directory, agent_json=tmp_path / "agent.json"), "environment.gamma")
    done = combine(experiment.directory, env_json=tmp_path / "environment.json")
    assert "1 results of another grid or protocol" in done.stderr
    assert read(experiment)["experiment"]["environment"]["gamma"] == 0.99


def test_no_result_of_the_grid(files, tmp_path):
    experiment, _ = write(files, tmp_path, [0.01], 0)
    other = files.agent("VAC", critic_lr=[0.5])
    assert_refused(combine(experiment.directory, agent_json=other), "none of its 1 results", "--agent-json")
    assert_refused(combine(experiment.directory, agent_json=files.agent("Random")), "parameters")
    assert_refused(combine(experiment.directory, agent_json=tmp_path / "absent.json"), "absent.json", "cannot be read")
