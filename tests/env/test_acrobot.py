"""The acrobot: gymnasium's steps, the continuous torque, energy."""

from __future__ import annotations

import math

import gymnasium as gym
import numpy as np
import pytest
from scipy.linalg import eigh

from env import make_env
from env.tasks.acrobot import DT, GRAVITY, swing_links


def theirs() -> gym.Env:
    env = gym.make("Acrobot-v1", disable_env_checker=True).unwrapped
    env.reset(seed=0)
    return env


def test_start_states_are_gymnasiums():
    """The same seed gives the same bits."""
    ours, other = make_env("Acrobot-v1"), theirs()
    for seed in range(5):
        np.testing.assert_array_equal(ours.reset(seed=seed)[0], other.reset(seed=seed)[0])
        np.testing.assert_array_equal(ours.state, other.state)


@pytest.mark.parametrize("continuous", [True, False])
def test_steps_are_gymnasiums(continuous):
    """From any state. Both round in the same order, so they differ only where cos and sin do: in the last
    bit of numbers up to 9 pi, and in what four evaluations make of that."""
    ours, other = make_env("Acrobot-v1", continuous), theirs()
    ours.reset()
    rng = np.random.default_rng(0)
    ends = 0
    for state in rng.uniform(-1, 1, (2000, 4)) * [math.pi, math.pi, 4 * math.pi, 9 * math.pi]:
        index = int(rng.integers(3))
        ours.state, other.state = state, state.copy()
        obs, reward, terminated, *_ = ours.step(np.array([index - 1.0], np.float32) if continuous else index)
        expected, *rest = other.step(index)
        assert [reward, terminated] == rest[:2]
        np.testing.assert_allclose(ours.state, other.state, rtol=0, atol=1e-12)
        np.testing.assert_allclose(obs, expected, rtol=0, atol=2e-6)  # float32, speeds up to 28
        ends += terminated
    assert 0 < ends < 2000


def test_an_episode_is_gymnasiums():
    """Energy pumped into the second link: both reach the goal at the same step, with rewards -1, ..., -1, 0."""
    ours, other = make_env("Acrobot-v1"), theirs()
    obs, _ = ours.reset(seed=1)
    other.reset(seed=1)
    rewards = []
    terminated = False
    while not terminated:
        index = 2 if obs[5] > 0 else 0
        obs, reward, terminated, truncated, _ = ours.step(index)
        expected, *rest = other.step(index)
        assert [reward, terminated] == rest[:2]
        assert not truncated
        np.testing.assert_allclose(obs, expected, atol=1e-5)
        rewards.append(reward)
    assert 10 < len(rewards) < 500
    assert rewards == [-1.0] * (len(rewards) - 1) + [0.0]


def test_an_intermediate_torque_by_hand():
    """Hanging at rest, M acceleration = (0, u)."""
    env = make_env("Acrobot-v1", True)
    env.reset()
    env.state = [0.0, 0.0, 0.0, 0.0]
    env.step(np.array([0.5], np.float32))
    expected = np.linalg.solve(MASS, [0.0, 0.5])
    np.testing.assert_allclose(env.state[2:] / DT, expected, rtol=0.2)  # the links leave rest within the step
    tiny = swing_links((0.0, 0.0, 0.0, 0.0), 0.5, 1e-4)
    np.testing.assert_allclose(np.array(tiny[2:]) / 1e-4, expected, rtol=1e-6)


MASS = np.array([[4.5, 1.75], [1.75, 1.25]])
"""Inertia matrix of the hanging links: l = m = I = 1, centers of mass at 1/2."""
STIFFNESS = GRAVITY * np.array([[2.0, 0.5], [0.5, 0.5]])
"""Second derivative of the potential energy of the hanging links."""


def energy(state: tuple[float, ...]) -> float:
    """Return the energy above hanging at rest, from the motion of both centers of mass and both rotations."""
    theta1, theta2, speed1, speed2 = state
    both = speed1 + speed2
    first = (speed1 / 2) ** 2
    second = speed1**2 + (both / 2) ** 2 + speed1 * both * math.cos(theta2)
    heights = 1.5 * (1 - math.cos(theta1)) + 0.5 * (1 - math.cos(theta1 + theta2))
    return (first + second + speed1**2 + both**2) / 2 + GRAVITY * heights


def drift(start: tuple[float, float, float, float], seconds: float, dt: float) -> float:
    state = start
    for _ in range(round(seconds / dt)):
        state = swing_links(state, 0.0, dt)
    return energy(state) - energy(start)


@pytest.mark.parametrize("mode", [0, 1])
def test_small_swings_lose_the_energy_of_the_closed_form(mode):
    """Each step multiplies a mode of frequency w by 1 + z + z^2/2 + z^3/6 + z^4/24, z = i w dt, and so its
    energy by 1 - (w dt)^6 / 72 + (w dt)^8 / 576: 0.004 and 0.04 percent per step here, O(dt^5) per second."""
    squares, modes = eigh(STIFFNESS, MASS)
    wdt = math.sqrt(squares[mode]) * DT
    start = (*(1e-4 * modes[:, mode]), 0.0, 0.0)
    kept = 1 + drift(start, 200 * DT, DT) / energy(start)
    assert kept == pytest.approx((1 - wdt**6 / 72 + wdt**8 / 576) ** 200, rel=1e-5)
    assert 0.9 < kept < 1.0


@pytest.mark.parametrize("start", [(0.5, 0.5, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0), (2.0, -1.0, 0.0, 0.0)])
def test_the_energy_error_of_large_swings_has_order_four(start):
    """The error over a fixed time is at most C dt^4: half the step gives a sixteenth of it or less.
    At the environment's own step, ten seconds lose under two percent."""
    lost = [abs(drift(start, 10.0, dt)) for dt in (DT / 2, DT / 4, DT / 8)]
    assert lost[0] > 16 * lost[1] > 256 * lost[2]
    assert abs(drift(start, 10.0, DT)) < 0.02 * energy(start)
