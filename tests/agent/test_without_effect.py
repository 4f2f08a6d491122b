"""Hyperparameters that an agent declares to have no effect change no bit of a run."""

from __future__ import annotations

from typing import Any

import pytest

from agent import AGENTS
from agent.policy import POLICIES, policy_class
from tests.support.experiments import assert_same_bits, make_experiment, train

PROTOCOL: dict[str, Any] = {
    "env_name": "Pendulum-v1", "total_timesteps": 60, "steps_per_episode": 30, "eval_interval_timesteps": 30,
    "eval_episodes": 1, "gamma": 0.9,
}  # fmt: skip

SMALL = {"batch_size": [8], "hidden_dim": [8]}

CASES: list[tuple[str, str, dict[str, list[Any]]]] = [
    ("SAC", "alpha_lr", {"alpha_lr": [0.0, 0.1]}),
    ("SAC", "entropic_index", {"entropic_index": [1.5, 0.5]}),
    ("SAC", "entropic_index", {"policy_type": ["Mixture"], "entropic_index": [1.5, 0.5]}),
    ("SAC", "clip_stddev", {"policy_type": ["Mixture"], "component_policy": ["Beta"], "clip_stddev": [1000.0, 2.0]}),
    ("SAC", "component_policy", {"component_policy": ["Beta", "Student"]}),
    ("SAC", "target_entropy", {"target_entropy": [None, -0.5]}),
    ("SACDiscrete", "target_entropy_fraction", {"target_entropy_fraction": [0.5, 0.98]}),
    ("linearAC_softmax", "action_units", {"action_units": ["unit", "environment"]}),
    ("SAC", "num_components", {"policy_type": ["Beta"], "num_components": [2, 3]}),
    ("SAC", "clip_stddev", {"policy_type": ["Kumaraswamy"], "clip_stddev": [1000.0, 2.0]}),
    ("SAC", "baseline_actions", {"baseline_actions": [0, 4]}),
    ("VAC", "clip_stddev", {"policy_type": ["Beta"], "clip_stddev": [1000.0, 2.0]}),
    ("SACDiscrete", "clip_stddev", {"clip_stddev": [1000.0, 2.0]}),
    ("VACDiscrete", "num_samples", {"num_samples": [30, 2]}),
    ("linearAC_softmax", "scaled", {"scaled": [True, False]}),
    ("linearAC_softmax", "clip_stddev", {"clip_stddev": [1000.0, 2.0]}),
]


@pytest.mark.parametrize(("agent", "key", "parameters"), CASES, ids=[f"{case[0]} {case[1]}" for case in CASES])
def test_the_bits_are_the_same(agent, key, parameters, tmp_path):
    discrete = agent.endswith(("Discrete", "softmax"))
    protocol = PROTOCOL | ({"env_name": "CartPole-v1"} if discrete else {})
    small = {} if agent.startswith("linear") else SMALL
    experiment = make_experiment(protocol, small | parameters, tmp_path, agent)
    runs = [experiment.run(index) for index in (0, 1)]
    assert all(key in run.hyperparameters.without_effect() for run in runs)
    assert [run.index for run in experiment.same_runs(runs[0])] == [1]
    [a], [b] = train(experiment, [0]), train(experiment, [1])
    assert_same_bits(a, b)


def test_a_policy_without_a_pathwise_gradient_has_no_choice(tmp_path, monkeypatch):
    """The key is the same as well: the resolved value is false."""
    monkeypatch.setitem(POLICIES, "Laplace", POLICIES["Laplace"]._replace(pathwise=False))
    grid = {"policy_type": ["Laplace"], "reparameterized": [True, False]}
    experiment = make_experiment(PROTOCOL, grid, tmp_path)
    assert experiment.run(0).key == experiment.run(1).key
    assert [run.index for run in experiment.same_runs(experiment.run(0))] == [1]


@pytest.mark.parametrize(
    "parameters",
    [
        {"automatic_entropy_tuning": [True], "alpha_lr": [0.1, 0.2]},
        {"policy_type": ["QGaussian"], "entropic_index": [1.5, 0.5]},
        {"policy_type": ["GaussianMixture"], "num_components": [2, 3]},
        {"policy_type": ["Mixture"], "num_components": [2, 3]},
        {"policy_type": ["Mixture"], "component_policy": ["Beta", "Student"]},
        {"policy_type": ["Mixture"], "component_policy": ["QGaussian"], "entropic_index": [1.5, 0.5]},
        {"automatic_entropy_tuning": [True], "alpha_lr": [0.1], "target_entropy": [None, -0.5]},
        {"action_units": ["unit", "environment"]},
        {"clip_stddev": [1000.0, 2.0]},
        {"reparameterized": [False], "baseline_actions": [0, 4]},
        {"alpha": [0.1, 0.2]},
    ],
)
def test_where_they_have_an_effect_no_runs_are_the_same(parameters, tmp_path):
    experiment = make_experiment(PROTOCOL, parameters, tmp_path)
    assert experiment.same_runs(experiment.run(0)) == []


def test_conditional_grid(tmp_path):
    """Settings 1 and 3 have alpha_lr 0.0003 and 0.003, without effect, as the temperature is not tuned."""
    grid = {"automatic_entropy_tuning": [True, False], "alpha_lr": [0.0003, 0.003], "alpha": [0.1]}
    experiment = make_experiment(PROTOCOL, grid, tmp_path)
    found = {index: [run.index for run in experiment.same_runs(experiment.run(index))] for index in range(8)}
    assert found == {0: [], 1: [3], 2: [], 3: [1], 4: [], 5: [7], 6: [], 7: [5]}


@pytest.mark.parametrize("name", POLICIES)
def test_the_registry_lists_each_policys_options(name):
    assert POLICIES[name].options == policy_class(name).options


@pytest.mark.parametrize("name", AGENTS)
def test_names_are_those_of_hyperparameters(name):
    model = AGENTS[name].hyperparameters
    assert model().without_effect().keys() <= model.model_fields.keys()
