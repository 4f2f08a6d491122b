"""Interrupted and gone on with, a run has the bits that it has straight through."""

from __future__ import annotations

import numpy as np
import pytest

from tests.experiments import assert_same_bits, make_experiment, train
from tests.resuming import assert_resumes_exactly, loop_of, restored, run_to, store, train_in_parts
from tests.test_bits import CHEETAH, MIXED, PENDULUM

SHORT = {"hidden_dim": [16], "batch_size": [8]}
ALL_ARRAYS = [
    "train_states", "train_actions", "train_rewards", "eval_states",
    "update_states", "update_actions", "update_rewards", "update_next_states",
]  # fmt: skip

PROTOCOL = PENDULUM | {"total_timesteps": 90, "steps_per_episode": 23, "eval_interval_timesteps": 40}

BOX_ENVIRONMENTS = {
    "Pendulum-v0": {}, "PendulumPenalty-v0": {}, "MountainCarShaped": {}, "ContinuousCartpole-v0": {},
    "Acrobot-v1": {"continuous": True}, "PuddleWorld-v1": {}, "ContinuousGridWorld": {"env_kwargs": {"noise": 0.1}},
    "Bimodal": {}, "Pendulum-v1": {}, "MountainCarContinuous-v0": {},
    "HalfCheetah-v5": {}, "Hopper-v5": {}, "Ant-v5": {}, "Humanoid-v5": {}, "Reacher-v5": {}, "Swimmer-v5": {},
    "Walker2d-v5": {}, "InvertedPendulum-v5": {}, "HalfCheetah-v4": {}, "Hopper-v4": {}, "Ant-v4": {}, "Humanoid-v4": {},
}  # fmt: skip

DISCRETE_ENVIRONMENTS = {
    "Pendulum-v0": {"continuous": False}, "CartPole-v1": {}, "Acrobot-v1": {}, "MountainCar-v0": {},
    "Bandit": {}, "Gridworld": {}, "XYGridworld": {}, "PuddleWorld-v1": {"continuous": False},
    "MinAtarAsterix": {}, "MinAtarBreakout": {}, "MinAtarFreeway": {}, "MinAtarSeaquest": {}, "MinAtarSpaceInvaders": {},
    "FrozenLake-v1": {},
}  # fmt: skip


@pytest.mark.parametrize("name", BOX_ENVIRONMENTS)
def test_every_environment_with_a_box(name, tmp_path):
    """Amid episodes, at an evaluation's timestep, and twice."""
    protocol = PROTOCOL | {"env_name": name} | BOX_ENVIRONMENTS[name]
    assert_resumes_exactly(make_experiment(protocol, SHORT, tmp_path), [0, 1], [31, 40, 77], tmp_path)


@pytest.mark.parametrize("name", DISCRETE_ENVIRONMENTS)
def test_every_environment_with_discrete_actions(name, tmp_path):
    protocol = PROTOCOL | {"env_name": name} | DISCRETE_ENVIRONMENTS[name]
    assert_resumes_exactly(make_experiment(protocol, SHORT, tmp_path, "SACDiscrete"), [0, 1], [31, 40, 77], tmp_path)
