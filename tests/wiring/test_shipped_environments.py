"""Training under every shipped environment configuration, shortened, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import main
from utils.wiring import build

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = sorted((ROOT / "config/environment").glob("*.json"))
STEPS = 100
SHORT = {"total_timesteps": STEPS, "eval_interval_timesteps": 50, "eval_episodes": 1}
LEARNERS = {True: "linearAC_softmax", False: "SAC_classic_best_pendulum"}
"""Grids of learning agents, by whether actions are discrete."""


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=pytest.mark.slow if path.stem.endswith("-v4") else ())
        for path in ENVIRONMENTS
    ],
)
def test_it_trains(path, tmp_path):
    shipped = json.loads(path.read_text())
    env_json = tmp_path / path.name
    env_json.write_text(json.dumps(shipped | SHORT | {"steps_per_episode": min(shipped["steps_per_episode"], 50)}))
    experiment = build.read_experiment(str(env_json), str(ROOT / "config/agent/Random.json"), str(tmp_path))
    agent_json = ROOT / f"config/agent/{LEARNERS[build.build_env(experiment, 0).discrete]}.json"
    arguments = ["--env-json", env_json, "--agent-json", agent_json, "--save-dir", tmp_path / "out"]
    done = CliRunner().invoke(main.main, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    (result,) = (tmp_path / "out").glob("*/*.json")
    (cell,) = json.loads(result.read_bytes())["experiment_data"].values()
    (run,) = cell["runs"]
    assert (run["status"], run["timesteps_done"], run["timesteps_at_eval"]) == ("completed", STEPS, [0, 50, STEPS])
    assert sum(run["train_episode_steps"]) == STEPS
    if shipped["steps_per_episode"] == 1:
        assert run["train_episode_steps"] == [1] * STEPS
