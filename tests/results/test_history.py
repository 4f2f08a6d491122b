"""Results of versions without today's hyperparameters: what is added, whose runs they are, and their keys."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent import AGENTS
from agent.actor_critic_hyperparameters import SACDiscreteHyperparameters, SACHyperparameters
from agent.hyperparameters import LinearACHyperparameters, LinearACSoftmaxHyperparameters
from tests.support.experiments import make_experiment
from tests.support.result_trees import result_tree
from utils.experiment.config import recorded_agent_config
from utils.results.history import complete_tree

MIXED, TARGET = {"action_units": "unit", "component_policy": "Beta"}, {"action_units": "unit", "target_entropy": -1.5}

BOX = {"clip_stddev": 1000.0, "policy_type": "Gaussian"}


@pytest.mark.parametrize(
    ("params", "added"),
    [
        (BOX | {"automatic_entropy_tuning": True}, {"action_units": "environment"}),
        ({"clip_stddev": 1000.0, "tilings": 8}, {"action_units": "environment"}),
        ({"policy_type": "Softmax", "clip_stddev": 1.0, "alpha_lr": 0.0}, {}),
        ({"policy_type": "Softmax", "automatic_entropy_tuning": False}, {"target_entropy_fraction": 0.98}),
        ({}, {}),
        (BOX | {"action_units": "unit"}, {}),
        ({"policy_type": "Softmax", "automatic_entropy_tuning": True, "target_entropy_fraction": 0.5}, {}),
    ],
    ids=["box", "linear", "softmax", "discrete SAC", "random", "box of today", "discrete SAC of today"],
)
def test_what_an_old_result_lacks_is_added_to_its_setting_and_its_grid(params, added):
    tree = result_tree(dict(params))
    complete_tree(tree)
    assert tree["experiment_data"]["0"]["agent_params"] == params | added
    assert tree["experiment"]["agent"]["parameters"] == {name: [value] for name, value in added.items()}


def test_completing_twice_is_completing_once():
    tree = result_tree(dict(BOX))
    complete_tree(tree)
    once = {name: dict(cell["agent_params"]) for name, cell in tree["experiment_data"].items()}
    complete_tree(tree)
    assert {name: cell["agent_params"] for name, cell in tree["experiment_data"].items()} == once


@pytest.mark.parametrize(
    ("setting", "recorded", "in_key"),
    [
        (SACHyperparameters(), {"action_units": "unit"}, {"action_units": "unit"}),
        (SACHyperparameters(action_units="environment"), {"action_units": "environment"}, {}),
        (SACHyperparameters(target_entropy=-1.5), TARGET, TARGET),
        (SACDiscreteHyperparameters(), {"target_entropy_fraction": 0.3}, {"target_entropy_fraction": 0.3}),
        (SACDiscreteHyperparameters(target_entropy_fraction=0.98), {"target_entropy_fraction": 0.98}, {}),
        (LinearACHyperparameters(), {"action_units": "unit"}, {"action_units": "unit"}),
        (LinearACSoftmaxHyperparameters(), {}, {}),
        (SACHyperparameters(policy_type="Mixture", component_policy="Beta"), MIXED, MIXED),
    ],
    ids=range(8),
)
def test_what_results_and_keys_hold_of_later_hyperparameters(setting, recorded, in_key):
    """Results: where the value differs from today's default or from before; keys: where it differs from before."""
    later = type(setting).values_before
    assert {k: v for k, v in setting.recorded().items() if k in later} == recorded
    assert {k: v for k, v in setting.identity().items() if k in later} == in_key
    assert type(setting).model_validate_json(json.dumps(setting.from_record(setting.recorded()))) == setting


GRID: dict[str, Any] = {"critic_lr": [0.1, 0.2], "reparameterized": [True], "batch_size": [8, 16]}


def test_the_grid_of_a_result_has_its_own_runs_values():
    """What varies keeps its values; the rest is as recorded, and no buffer's size is added."""
    params = {"critic_lr": 0.2, "policy_type": "GaussianMixture", "reparameterized": False, "batch_size": 16}
    params |= {"replay_capacity": 100, "clip_stddev": 2.0}
    found = recorded_agent_config({"agent_name": "SAC", "parameters": GRID}, params, "result.json", AGENTS)
    named = {
        "critic_lr": [0.1, 0.2],
        "reparameterized": [False],
        "batch_size": [8, 16],
        "policy_type": ["GaussianMixture"],
        "clip_stddev": [2.0],
        "action_units": ["environment"],
        "component_policy": [None],
        "target_entropy": [None],
    }
    before = {name: [value] for name, value in SACHyperparameters.values_before.items()}
    assert found.parameters == {**before, **named}
    assert list(found.parameters)[:3] == list(GRID), "the order of the digits"


PENDULUM = {
    "env_name": "Pendulum-v1",
    "total_timesteps": 300,
    "steps_per_episode": 100,
    "eval_interval_timesteps": 150,
    "eval_episodes": 1,
    "gamma": 0.99,
    "overwrite_rewards": False,
    "rewards": {"timestep": -1, "goal": 0},
    "start_state": [],
}

TUNED = {"critic_lr": [0.001], "hidden_dim": [16], "automatic_entropy_tuning": [True], "alpha_lr": [0.001]}
MIXTURE = {"critic_lr": [0.001], "hidden_dim": [16], "policy_type": ["GaussianMixture"]}


@pytest.mark.parametrize(
    ("agent", "grid", "key"),
    [
        ("SAC", TUNED, "fc60d21aac4d"),
        ("SAC", MIXTURE | {"reparameterized": [False]}, "11f6c65777d3"),
        ("linearAC", {"actor_lr": [0.01]}, "6c914ce000f0"),
    ],
    ids=["SAC", "GaussianMixture", "linearAC"],
)
def test_a_run_as_it_was_before_keeps_its_key(agent, grid, key, tmp_path):
    """The keys are those that commit c836451, without action_units, gave to the same runs."""
    before = make_experiment(PENDULUM, grid | {"action_units": ["environment"]}, tmp_path, agent)
    assert before.run(0).key == key
    assert make_experiment(PENDULUM, grid, tmp_path, agent).run(0).key != key
