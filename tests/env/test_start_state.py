"""Start states: episodes that start in a given state, and states that are refused."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from env import EpisodeProtocol, Episodes, make_env

STARTS = {
    "Pendulum-v0": ([0.5, -1.0], [0.5, -1.0]),
    "Acrobot-v1": ([0.0, np.pi / 2, 1.0, -2.0], [1.0, 0.0, 0.0, 1.0, 1.0, -2.0]),
    "MountainCarShaped": ([-0.4, 0.01], [-0.4, 0.01]),
    "ContinuousCartpole-v0": ([0.1, 0.2, 0.03, 0.4], [0.1, 0.2, 0.03, 0.4]),
    "Pendulum-v1": ([np.pi / 2, 0.5], [0.0, 1.0, 0.5]),
    "gymnasium:Acrobot-v1": ([0.0, np.pi / 2, 1.0, -2.0], [1.0, 0.0, 0.0, 1.0, 1.0, -2.0]),
    "CartPole-v1": ([0.1, 0.2, 0.03, 0.4], [0.1, 0.2, 0.03, 0.4]),
    "MountainCar-v0": ([-0.4, 0.01], [-0.4, 0.01]),
    "MountainCarContinuous-v0": ([-0.4, 0.01], [-0.4, 0.01]),
    "InvertedPendulum-v5": ([0.1, 0.02, 0.3, 0.4], [0.1, 0.02, 0.3, 0.4]),
}


@pytest.mark.parametrize(("name", "start"), STARTS.items())
def test_start_states(name, start):
    """Every episode starts in the given state and continues from it."""
    state, obs = start
    env = Episodes(make_env(name), EpisodeProtocol(10, start_state=state), seed=0)
    action = np.zeros(1, np.float32)
    seen = [(env.reset(), env.step(action)) for _ in range(2)]
    for shown, _ in seen:
        np.testing.assert_allclose(shown, obs, atol=1e-7)  # float32 observations
    np.testing.assert_array_equal(seen[0][1][0], seen[1][1][0])
    assert not np.array_equal(seen[0][1][0], seen[0][0])


@pytest.mark.parametrize(
    ("name", "state", "message"),
    [
        ("Pendulum-v0", [0.0, 8.5], r"start_state\[1\]: found 8.5; allowed for Pendulum: -8 to 8"),
        ("Acrobot-v1", [0.0, 0.0, 13.0, 0.0], r"start_state\[2\]: found 13; allowed for Acrobot: -12.5664 to 12.5664"),
        ("MountainCarShaped", [0.7, 0.0], r"start_state\[0\]: found 0.7; allowed for MountainCarShaped: -1.2 to 0.6"),
        ("ContinuousCartpole-v0", [0.0, 0.0, 0.5, 0.0], r"start_state\[2\]: found 0.5; allowed for ContinuousCartPole"),
        ("ContinuousCartpole-v0", [0.0, float("nan"), 0.0, 0.0], r"start_state\[1\]: found nan"),
        ("Pendulum-v1", [0.0, 8.5], r"start_state: found \[0.0, 8.5\]; allowed for LeanPendulum: its observations, "),
        ("MountainCar-v0", [0.7, 0.0], "allowed for MountainCarEnv: its observations"),
        ("MountainCarContinuous-v0", [-0.5, 0.1], "allowed for Continuous_MountainCarEnv: its"),
        ("CartPole-v1", [5.0, 0.0, 0.0, 0.0], "allowed for CartPoleEnv: its"),
        ("Acrobot-v1", [0.0, 0.0], r"start_state: found 2 numbers; allowed for Acrobot: 4 or none"),
        ("CartPole-v1", [0.0], r"start_state: found 1 numbers; allowed for CartPoleEnv: 4 or none"),
        ("HalfCheetah-v5", [0.0], r"start_state: found 1 numbers; allowed for HalfCheetahEnv: 18 or none"),
    ],
)
def test_invalid_start_states_are_refused(name, state, message):
    with pytest.raises(ValueError, match=message):
        Episodes(make_env(name), EpisodeProtocol(10, start_state=state), seed=0)


def test_a_start_states_observation_passes_through_the_wrappers():
    env: gym.Env[Any, Any] = gym.wrappers.TransformObservation(make_env("Pendulum-v0"), lambda obs: 2 * obs, None)
    env = gym.wrappers.TransformReward(env, lambda reward: reward)
    np.testing.assert_array_equal(Episodes(env, EpisodeProtocol(10, start_state=[0.5, -1.0]), 0).reset(), [1.0, -2.0])
