"""Runs of Stable-Baselines3 become results that combine, marked as foreign; what they do not record is null."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_results import assert_refused, combine, write_result
from tests.support.sb3_files import write_evaluations, write_monitor, write_runs
from utils.results.foreign import foreign_source

PROTOCOL = {
    "env_name": "Pendulum-v1", "total_timesteps": 999, "steps_per_episode": 10, "eval_interval_timesteps": 7,
    "eval_episodes": 3, "gamma": 0.9,
}  # fmt: skip

RECORDED = {
    "env_name": "Pendulum-v1", "total_timesteps": 30, "eval_episodes": 2, "eval_interval_timesteps": 10,
    "steps_per_episode": 10,
}  # fmt: skip
"""What the files of `write_runs` say of their protocol."""


def read_tree(directory: Path) -> dict[str, Any]:
    return json.loads((directory / "data.json").read_bytes())


def protocol_of(directory: Path) -> dict[str, Any]:
    return read_tree(directory)["experiment"]["environment"]


def test_a_result_of_each_run(tmp_path):
    done = combine(write_runs(tmp_path / "logs"), sb3="SB3-SAC")
    assert (done.exit_code, done.stderr) == (0, "")
    tree = read_tree(tmp_path / "logs")
    assert tree["experiment"]["agent"] == {"agent_name": "SB3-SAC", "parameters": {}}
    cell = tree["experiment_data"]["0"]
    assert cell["agent_params"] == {}
    assert [run["run_number"] for run in cell["runs"]] == [0, 1]
    run = cell["runs"][1]
    assert run["timesteps_at_eval"] == [10, 20, 30]
    assert run["eval_episode_rewards"] == [[-8.875, -6.875], [-5.875, -3.875], [-2.875, -0.875]]
    assert run["eval_episode_steps"] == [[10, 10]] * 3
    assert (run["train_episode_rewards"], run["train_episode_steps"]) == ([-8.5, -5.25, -4.0], [10, 10, 10])
    assert (run["random_seed"], run["status"], run["timesteps_done"]) == (None, "completed", 30)
    assert run["provenance"]["foreign"] == {"program": "Stable-Baselines3", "source": "run_1", "environments": 1}


def test_what_is_not_recorded_is_null(tmp_path):
    combine(write_runs(tmp_path / "logs"), sb3="SB3-SAC")
    protocol = protocol_of(tmp_path / "logs")
    foreign = foreign_source(protocol)
    assert foreign is not None
    assert {name: value for name, value in protocol.items() if value is not None and name != "foreign"} == RECORDED
    assert {"gamma", "rewards", "env_kwargs", "eval_policy", "start_state"} <= set(foreign.unknown)
    assert [note.partition(" ")[0] for note in foreign.notes] == ["timesteps", "Monitor"]


def test_a_stated_protocol(tmp_path):
    """What the files record is taken from them all the same."""
    (tmp_path / "env.json").write_text(json.dumps(PROTOCOL))
    done = combine(write_runs(tmp_path / "logs"), sb3="SB3-SAC", env_json=tmp_path / "env.json")
    assert done.exit_code == 0
    protocol = protocol_of(tmp_path / "logs")
    assert {name: protocol[name] for name in RECORDED} == RECORDED
    assert (protocol["gamma"], protocol["eval_policy"], protocol["env_kwargs"]) == (0.9, "mode", {})
    assert "stated by the user" in protocol["foreign"]["notes"][-1]


def test_a_second_call_writes_the_same(tmp_path):
    logs = write_runs(tmp_path / "logs")
    combine(logs, sb3="SB3-SAC")
    before = {path.name: path.stat().st_mtime_ns for path in logs.glob("*.json*")}
    assert combine(logs, sb3="SB3-SAC").exit_code == 0
    assert {path.name: path.stat().st_mtime_ns for path in logs.glob("*.json*")} == before
    assert combine(logs, check=True).exit_code == 0


def test_a_changed_run_replaces_its_result(tmp_path):
    logs = write_runs(tmp_path / "logs")
    combine(logs, sb3="SB3-SAC")
    write_evaluations(logs / "run_0/evaluations.npz", results=[[0.0, 0.0]] * 3)
    write_evaluations(logs / "run_2/evaluations.npz")
    assert combine(logs, sb3="SB3-SAC").exit_code == 0
    runs = read_tree(logs)["experiment_data"]["0"]["runs"]
    assert [run["eval_episode_rewards"][0] for run in runs] == [[0.0, 0.0], [-8.875, -6.875], [-9.0, -7.0]]
    assert len(list(logs.glob("Pendulum-v1_SB3-SAC_*.json"))) == 3


def test_episodes_of_different_lengths_do_not_say_the_limit(tmp_path):
    write_evaluations(tmp_path / "logs/evaluations.npz", ep_lengths=[[10, 9], [10, 10], [10, 10]])
    write_monitor(tmp_path / "logs/monitor.csv")
    combine(tmp_path / "logs", sb3="SB3-SAC")
    assert protocol_of(tmp_path / "logs")["steps_per_episode"] is None


def test_notes_on_runs_that_differ(tmp_path):
    for run, timesteps in enumerate(([10, 20, 30], [12, 20, 32])):
        write_evaluations(tmp_path / f"logs/run_{run}/evaluations.npz", timesteps=timesteps)
        for environment in range(run + 1):
            write_monitor(tmp_path / f"logs/run_{run}/{environment}.monitor.csv")
    combine(tmp_path / "logs", sb3="SB3-PPO")
    protocol = protocol_of(tmp_path / "logs")
    assert (protocol["eval_interval_timesteps"], protocol["total_timesteps"]) == (None, 40)
    notes = " ".join(protocol["foreign"]["notes"])
    assert "trained in 1 or 2 environments at once" in notes
    assert "different timesteps, 30 to 32" in notes


def test_a_run_that_has_not_ended(tmp_path):
    """It is named and left out, as the mean over the last half of its evaluations is of another part of training."""
    logs = write_runs(tmp_path / "logs", 3)
    part = {"timesteps": [10, 20], "results": [[1, 1]] * 2, "ep_lengths": [[10, 10]] * 2}
    write_evaluations(logs / "run_1/evaluations.npz", **part)
    done = combine(logs, sb3="SB3-SAC")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"left out: {logs / 'run_1'}: found records that end at timestep 20; ")
    assert done.stderr.endswith("others do at 30\n")
    tree = read_tree(logs)
    runs = tree["experiment_data"]["0"]["runs"]
    assert [run["provenance"]["foreign"]["source"] for run in runs] == ["run_0", "run_2"]
    assert tree["experiment"]["environment"]["foreign"]["notes"][-1].endswith(": run_1 at 20")
    write_evaluations(logs / "run_1/evaluations.npz")
    assert combine(logs, sb3="SB3-SAC").exit_code == 0
    assert len(read_tree(logs)["experiment_data"]["0"]["runs"]) == 3


@pytest.mark.parametrize(("last", "code"), [(4, 0), (3, 1)])
def test_episodes_of_a_run_that_has_not_ended(tmp_path, last, code):
    """Of five episodes of 10 steps, the last may be under way where the log ends, but not the last two."""
    write_monitor(tmp_path / "logs/a/monitor.csv", [(-1.5, 10)] * 5)
    write_monitor(tmp_path / "logs/b/monitor.csv", [(-1.5, 10)] * last)
    assert combine(tmp_path / "logs", sb3="SB3-SAC").exit_code == code
    assert len(read_tree(tmp_path / "logs")["experiment_data"]["0"]["runs"]) == 2 - code


def test_episodes_alone(tmp_path):
    write_monitor(tmp_path / "logs/monitor.csv")
    assert combine(tmp_path / "logs", sb3="SB3-SAC").exit_code == 0
    [run] = read_tree(tmp_path / "logs")["experiment_data"]["0"]["runs"]
    assert (run["eval_episode_rewards"], run["train_episode_rewards"]) == ([], [-9.5, -5.25])
    assert protocol_of(tmp_path / "logs")["eval_episodes"] == 0


@pytest.mark.parametrize("name", ["SAC", "", " "])
def test_names_of_agents(name, tmp_path):
    assert_refused(combine(write_runs(tmp_path / "logs"), sb3=name), "--sb3", "such as SB3-SAC")


def test_errors(tmp_path):
    logs = write_runs(tmp_path / "logs")
    (tmp_path / "env.json").write_text(json.dumps(PROTOCOL | {"env_name": "Acrobot-v1"}))
    assert_refused(combine(logs, sb3="A", env_json=tmp_path / "env.json"), "Pendulum-v1", "Acrobot-v1")
    for limit, words in ((9, "every episode to have 10 steps"), (1000, "here 1000")):
        (tmp_path / "env.json").write_text(json.dumps(PROTOCOL | {"steps_per_episode": limit}))
        assert_refused(combine(logs, sb3="A", env_json=tmp_path / "env.json"), words)
    assert_refused(combine(logs, sb3="A", agent_json="x.json"), "--agent-json", "--sb3")
    assert_refused(combine(logs, sb3="A", check=True), "--check")
    assert not list(logs.glob("*.json"))
    write_evaluations(logs / "run_2/evaluations.npz", results=[[1.0]] * 3, ep_lengths=None)
    assert_refused(combine(logs, sb3="A"), "different numbers of episodes in an evaluation: 1, 2")
    write_evaluations(tmp_path / "nameless/evaluations.npz")
    assert_refused(combine(tmp_path / "nameless", sb3="A"), "no monitor.csv names the environment", "--env-json")


def test_results_of_this_program_stay_alone(tmp_path):
    logs = write_runs(tmp_path / "logs")
    write_result(logs, 0, 0)
    assert_refused(combine(logs, sb3="SB3-SAC"), "a result of main.py", "a directory of its own")
    assert len(list(logs.glob("*.json"))) == 1
