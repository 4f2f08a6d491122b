"""The shaped mountain car: gymnasium's dynamics, the shaped reward by hand."""

from __future__ import annotations

import math

import gymnasium as gym
import numpy as np
import pytest

from env import make_env


def test_steps_are_gymnasiums():
    """From any state; gymnasium rounds its result to float32."""
    ours = make_env("MountainCarShaped")
    other = gym.make("MountainCarContinuous-v0", disable_env_checker=True).unwrapped
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(ours.reset(seed=1)[0], other.reset(seed=1)[0])
    ends = 0
    for state in rng.uniform([-1.2, -0.07], [0.6, 0.07], (2000, 2)):
        ours.state, other.state = state, state.copy()
        force = rng.uniform(-1.2, 1.2, 1)
        obs, _, *rest = ours.step(force)
        expected, _, *their_rest = other.step(force)
        np.testing.assert_array_equal(obs, expected)
        assert rest == their_rest
        ends += bool(rest[0])
    assert 0 < ends < 2000


def test_the_wall_stops_the_car():
    env = make_env("MountainCarShaped")
    env.reset()
    env.state = [-1.19, -0.05]
    np.testing.assert_array_equal(env.step(np.zeros(1))[0], np.array([-1.2, 0.0], np.float32))


def energy(position: float, speed: float) -> float:
    return math.sin(3 * position) + 600 * speed**2 - math.sin(1.35)


@pytest.mark.parametrize("gamma", [0.9, 1.0])
def test_the_reward_by_hand(gamma):
    """At x = -pi/6, the lowest point, the ground is level: the speed becomes the engine's 0.0015 u."""
    env = make_env("MountainCarShaped", gamma=gamma, shaping=2.0)
    env.reset()
    env.state = [-math.pi / 6, 0.0]
    _, reward, terminated, *_ = env.step(np.array([0.5]))
    after = energy(-math.pi / 6 + 0.00075, 0.00075)
    assert reward == pytest.approx(-1 + 2 * (gamma * after - energy(-math.pi / 6, 0.0)), abs=1e-12)
    assert not terminated


def test_surplus_energy_is_not_rewarded():
    env = make_env("MountainCarShaped")
    env.reset()
    env.state = [0.0, 0.06]  # 600 * 0.06^2 = 2.16 > sin(1.35)
    assert env.step(np.zeros(1))[1] == -1.0


@pytest.mark.parametrize("gamma", [0.95, 1.0])
def test_shaping_shifts_a_return_by_a_function_of_the_start(gamma):
    """sum gamma^t (gamma Phi' - Phi) telescopes to gamma^T Phi(end) - Phi(start), and Phi(end) is 0."""
    env = make_env("MountainCarShaped", gamma=gamma, shaping=10.0)
    env.reset(seed=2)
    start = energy(*env.state)
    rewards, terminated = [], False
    while not terminated:
        action = 1.0 if env.state[1] >= 0 else -1.0
        _, reward, terminated, *_ = env.step(np.array([action]))
        rewards.append(reward)
    assert 50 < len(rewards) < 200
    discounts = gamma ** np.arange(len(rewards))
    assert discounts @ rewards == pytest.approx(-discounts.sum() - 10 * start, abs=1e-9)
    assert start < 0


def test_without_shaping_the_reward_is_minus_one_per_step():
    env = make_env("MountainCarShaped", shaping=0.0)
    env.reset(seed=0)
    assert {env.step(np.ones(1))[1] for _ in range(50)} == {-1.0}
