"""The lean Pendulum-v1 against gymnasium's: every step is bit-identical."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.classic_control.pendulum import PendulumEnv

from env import make_env
from env.tasks.lean_pendulum import LeanPendulum


def make_both(**env_kwargs):
    """Make gymnasium's and the lean environment with the same arguments."""
    theirs = gym.make("Pendulum-v1", max_episode_steps=-1, disable_env_checker=True, **env_kwargs).unwrapped
    ours = make_env("Pendulum-v1", **env_kwargs)
    assert (type(theirs), type(ours)) == (PendulumEnv, LeanPendulum)
    return theirs, ours


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("g", [10.0, 9.81, 3])
def test_every_step_is_gymnasiums(g, kind):
    """3,000 steps from each of three starts, with torques beyond the limits and speeds at the limit."""
    theirs, ours = make_both(g=g)
    rng, fastest = np.random.default_rng(1), 0.0
    for seed in range(3):
        assert theirs.reset(seed=seed)[0].tobytes() == ours.reset(seed=seed)[0].tobytes()
        for _ in range(3000):
            torque = rng.uniform(-2.5, 2.5, 1).astype(kind)
            expected, found = theirs.step(torque), ours.step(torque)
            assert found[0].tobytes() == expected[0].tobytes()
            assert found[0].dtype == expected[0].dtype
            assert float(found[1]).hex() == float(expected[1]).hex()
            assert found[2:] == expected[2:]
            assert ours.state.tobytes() == theirs.state.tobytes()
            fastest = max(fastest, abs(ours.state[1]))
    assert fastest == ours.max_speed or g == 3


def test_a_nan_torque_gives_nan():
    theirs, ours = make_both()
    for env in (theirs, ours):
        env.reset(seed=0)
        obs, reward, *_ = env.step(np.array([np.nan], np.float32))
        assert np.isnan(obs).all()
        assert np.isnan(reward)


def test_pictures_are_gymnasiums():
    theirs, ours = make_both(render_mode="rgb_array")
    for env in (theirs, ours):
        env.reset(seed=4)
        env.step(np.array([1.5], np.float32))
    np.testing.assert_array_equal(ours.render(), theirs.render())


def test_other_registrations_keep_gymnasiums_class():
    gym.register("Pendulum-v77", entry_point="tests.env.test_lean_pendulum:PendulumEnv", kwargs={"g": 1.0})
    try:
        assert type(make_env("Pendulum-v77")) is PendulumEnv
    finally:
        del gym.registry["Pendulum-v77"]
