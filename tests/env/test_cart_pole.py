"""The cart-pole with a continuous push: full pushes against gymnasium's, others by hand."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from env import make_env


def test_episodes_of_full_pushes_are_gymnasiums():
    ours, other = make_env("ContinuousCartpole-v0"), gym.make("CartPole-v1", disable_env_checker=True).unwrapped
    rng = np.random.default_rng(0)
    for seed in range(50):
        np.testing.assert_array_equal(ours.reset(seed=seed)[0], other.reset(seed=seed)[0])
        terminated = False
        while not terminated:
            index = int(rng.integers(2))
            obs, *ends = ours.step(np.array([2.0 * index - 1.0], np.float32))
            expected, *their_ends = other.step(index)
            np.testing.assert_allclose(ours.state, other.state, rtol=0, atol=1e-12)
            np.testing.assert_allclose(obs, expected, rtol=0, atol=1e-6)  # float32
            assert ends == their_ends
            terminated = bool(ends[1])


@pytest.mark.parametrize(("arguments", "newtons"), [({}, 4.0), ({"force_mag": 30.0}, 12.0)])
def test_an_intermediate_push_by_hand(arguments, newtons):
    """From rest upright: turn = -(F / M) / (l (4/3 - m / M)), pull = F / M - m l turn / M, times 0.02 s."""
    env = make_env("ContinuousCartpole-v0", **arguments)
    env.reset()
    env.state = [0.0, 0.0, 0.0, 0.0]
    env.step(np.array([0.4]))
    turn = -newtons / 1.1 / (0.5 * (4 / 3 - 0.1 / 1.1))
    np.testing.assert_allclose(env.state, [0, 0.02 * (newtons - 0.05 * turn) / 1.1, 0, 0.02 * turn], rtol=1e-12)


def test_pushes_are_clipped_at_the_limit():
    env = make_env("ContinuousCartpole-v0")
    after = []
    for push in (1.0, 7.0, -1.0, -7.0):
        env.reset(seed=0)
        after.append(env.step(np.array([push]))[0].tolist())
    assert after[0] == after[1] != after[2] == after[3]


@pytest.mark.parametrize(
    ("state", "terminated"),
    [([2.39, 0.0, 0.0, 0.0], False), ([2.39, 1.0, 0.0, 0.0], True), ([-2.39, -1.0, 0.0, 0.0], True),
     ([0.0, 0.0, 0.2, 0.0], False), ([0.0, 0.0, 0.2, 1.0], True), ([0.0, 0.0, -0.2, -1.0], True)],
)  # fmt: skip
def test_ends_by_hand(state, terminated):
    """Explicit Euler: position and angle move by the old speeds, times 0.02 per step; limits 2.4 and 0.20944."""
    env = make_env("ContinuousCartpole-v0")
    env.reset()
    env.state = state
    assert env.step(np.zeros(1))[1:4] == (1.0, terminated, False)
