"""The six agent configurations of the public GreedyAC repository: all their keys and values are accepted."""

from __future__ import annotations

import json
from typing import Any

import pytest

import main
from tests.support.experiments import make_experiment, train
from utils.experiment.experiment import Experiment
from utils.wiring import build

STEP_SIZES = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5]
TEMPERATURES = [0.001, 0.01, 0.1, 1.0, 10.0]

COMMON: dict[str, list[Any]] = {
    "replay_capacity": [100000],
    "batch_size": [32],
    "tau": [0.01],
    "betas": [[0.9, 0.999]],
    "target_update_interval": [1],
    "critic_lr": STEP_SIZES,
    "actor_lr_scale": [1e-3, 1e-2, 1e-1, 1.0, 2.0, 10.0],
    "hidden_dim": [64],
    "weight_init": ["xavier_uniform"],
    "clip_stddev": [1000],
    "cuda": [False],
}
SOFT = {
    "num_hidden": [3],
    "soft_q": [True],
    "double_q": [True],
    "alpha": TEMPERATURES,
    "alpha_lr": [0.0],
    "automatic_entropy_tuning": [False],
}
PUBLIC: dict[str, dict[str, Any]] = {
    "SAC": SOFT | {
        "policy_type": ["SquashedGaussian"], "reparameterized": [True], "num_samples": [1], "baseline_actions": [0],
    },
    "SACDiscrete": SOFT | {"policy_type": ["Softmax"]},
    "GreedyAC": {"policy_type": ["Gaussian"], "alpha": TEMPERATURES, "n_rho": [[30, 0.1]]},
    "GreedyACDiscrete": {"policy_type": ["Softmax"]},
    "VAC": {"policy_type": ["Gaussian"], "alpha": TEMPERATURES, "num_samples": [30]},
    "VACDiscrete": {"policy_type": ["Softmax"], "alpha": TEMPERATURES, "num_samples": [30]},
}  # fmt: skip
SETTINGS = {"GreedyACDiscrete": 30}
"""Number of settings; the other agents have 150, five times as many, for five temperatures."""

SHORT = {
    "env_name": "Pendulum-v1", "total_timesteps": 40, "steps_per_episode": 20, "eval_interval_timesteps": 40,
    "eval_episodes": 1, "gamma": 0.99,
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLIC)
def test_every_setting_resolves(name, tmp_path):
    experiment = public(name, tmp_path)
    assert len(experiment.grid) == SETTINGS.get(name, 150)
    assert len({experiment.run(index).key for index in range(len(experiment.grid))}) == len(experiment.grid)


@pytest.mark.parametrize("name", PUBLIC)
def test_its_first_and_last_setting_learn(name, tmp_path):
    experiment = public(name, tmp_path)
    for record in train(experiment, [0, len(experiment.grid) - 1]):
        assert (record.status, record.timesteps) == ("completed", 40)


def public(name: str, folder) -> Experiment:
    """Return the experiment of an agent's public configuration under SHORT."""
    environment = SHORT | ({"env_name": "CartPole-v1"} if name.endswith("Discrete") else {})
    return make_experiment(environment, COMMON | PUBLIC[name], folder, name)


REFUSED = [
    ("SAC", "Softmax", "Softmax is for discrete actions; use it with SACDiscrete, GreedyACDiscrete or VACDiscrete"),
    ("VACDiscrete", "Beta", "Beta is for actions in a box; use it with SAC, GreedyAC or VAC; allowed: Softmax"),
    ("GreedyACDiscrete", "Softmux", "input should be 'Softmax'; did you mean 'Softmax'?"),
    ("GreedyAC", "Betta", "did you mean 'Beta'?"),
]


@pytest.mark.parametrize(("agent", "policy", "reason"), REFUSED)
def test_a_senseless_combination_is_refused_with_the_reason(agent, policy, reason, tmp_path):
    env_json, agent_json = tmp_path / "env.json", tmp_path / "agent.json"
    env_json.write_text(json.dumps(SHORT))
    agent_json.write_text(json.dumps({"agent_name": agent, "parameters": {"policy_type": [policy]}}))
    experiment = build.read_experiment(str(env_json), str(agent_json), str(tmp_path))
    with pytest.raises(main.BadInput) as refusal:
        experiment.run(0)
    assert "policy_type" in str(refusal.value)
    assert f'found "{policy}"' in str(refusal.value)
    assert reason in str(refusal.value)


ON_THE_WRONG_ACTIONS = [
    ("SAC", "CartPole-v1", r"has actions Discrete\(2\); SAC allows: a Box; SACDiscrete takes discrete actions"),
    ("VACDiscrete", "Pendulum-v1", r"has actions Box.*; VACDiscrete allows: discrete actions; VAC takes a Box"),
    ("linearAC", "CartPole-v1", r"linearAC allows: a Box; linearAC_softmax takes discrete actions"),
]


@pytest.mark.parametrize(("agent", "env_name", "reason"), ON_THE_WRONG_ACTIONS)
def test_the_wrong_kind_of_actions_is_refused_naming_the_agent_that_takes_them(agent, env_name, reason, tmp_path):
    experiment = make_experiment(SHORT | {"env_name": env_name}, {}, tmp_path, agent)
    with pytest.raises(main.BadInput, match=reason):
        build.build_env(experiment, 0)


PROTOCOL = {
    "total_timesteps": 100000, "steps_per_episode": 1000, "eval_interval_timesteps": 110000, "eval_episodes": 0,
    "gamma": 0.99, "overwrite_rewards": False, "rewards": {}, "start_state": [],
}  # fmt: skip
A_STEP_COSTS_1 = {
    "eval_interval_timesteps": 1100000, "overwrite_rewards": True, "rewards": {"timestep": -1.0, "goal": -1.0},
}  # fmt: skip
PUBLIC_ENVIRONMENTS = {
    "AcrobotContinuous-v1": {"env_name": "Acrobot-v1", "continuous": True},
    "AcrobotDiscrete-v1": {"env_name": "Acrobot-v1", "continuous": False},
    "MountainCarContinuous-v1": {"env_name": "MountainCarContinuous-v0"} | A_STEP_COSTS_1,
    "MountainCarDiscrete-v0": {"env_name": "MountainCar-v0"} | A_STEP_COSTS_1,
    "PendulumContinuous-v0": {"env_name": "Pendulum-v0", "continuous": True},
    "PendulumDiscrete-v0": {"env_name": "Pendulum-v0", "continuous": False},
}


@pytest.mark.parametrize("name", PUBLIC_ENVIRONMENTS)
def test_the_public_environment_configurations_train(name, tmp_path):
    """They train 200 of their 100,000 steps; their evaluations have no episodes."""
    environment = PROTOCOL | PUBLIC_ENVIRONMENTS[name] | {"total_timesteps": 200, "record": ["train_rewards"]}
    agent = "GreedyACDiscrete" if "Discrete" in name else "GreedyAC"
    (record,) = train(make_experiment(environment, COMMON | PUBLIC[agent], tmp_path, agent), [0])
    assert (record.status, record.timesteps, record.timesteps_at_eval) == ("completed", 200, [0, 200])
    if "Pendulum" not in name:
        assert set(record.curves()["train_episode_rewards"]) == {-200.0}
