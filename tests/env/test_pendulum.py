"""The pendulum: gymnasium's dynamics, rewards by hand, energy."""

from __future__ import annotations

import math

import gymnasium as gym
import numpy as np
import pytest

from env import make_env
from env.tasks.pendulum import DT, swing_pendulum

GRAVITY = 10.0
STIFFNESS = 1.5 * GRAVITY  # 3 g / (2 l)


@pytest.mark.parametrize("torques", ["continuous", "discrete"])
def test_steps_are_gymnasiums(torques):
    """From any state. gymnasium multiplies a float32 torque in float32, so it gets float64 here."""
    continuous = torques == "continuous"
    ours = make_env("Pendulum-v0", continuous, trig_features=True)
    theirs = gym.make("Pendulum-v1", disable_env_checker=True).unwrapped
    ours.reset(seed=0)
    theirs.reset(seed=0)
    rng = np.random.default_rng(0)
    for state in rng.uniform([-math.pi, -8.0], [math.pi, 8.0], (2000, 2)):
        torque = rng.uniform(-2.5, 2.5) if continuous else float(rng.choice([-2.0, 0.0, 2.0]))
        ours.state, theirs.state = state, state.copy()
        obs, *_ = ours.step(np.array([torque]) if continuous else int(torque / 2) + 1)
        expected, *_ = theirs.step(np.array([torque]))
        np.testing.assert_allclose(obs, expected, rtol=0, atol=1e-6)  # float32 observations
        apart = np.array(ours.state) - theirs.state
        assert abs(math.remainder(apart[0], math.tau)) < 1e-14
        assert abs(apart[1]) < 1e-14


def test_it_starts_hanging_at_rest():
    obs, _ = make_env("Pendulum-v0").reset(seed=5)
    np.testing.assert_array_equal(obs, np.array([-math.pi, 0.0], np.float32))
    obs, _ = make_env("Pendulum-v0", trig_features=True).reset(seed=5)
    np.testing.assert_allclose(obs, [-1.0, 0.0, 0.0], atol=1e-7)


def test_discrete_torques_by_hand():
    """Gravity has no effect on a hanging pendulum: the speed is 3 u dt."""
    env = make_env("Pendulum-v0", False)
    for index, speed in enumerate([-0.3, 0.0, 0.3]):
        env.reset()
        assert env.step(index)[0][1] == pytest.approx(speed, abs=1e-6)


def test_without_gravity_the_speed_is_constant():
    env = make_env("Pendulum-v0", g=0.0)
    env.reset()
    env.state = [0.0, 1.0]
    np.testing.assert_allclose(env.step(np.zeros(1))[0], [DT, 1.0], rtol=1e-6)


LEVEL = math.pi / 2  # when released there, the speed gains 15 dt = 0.75
REWARDS = {
    "Pendulum-v0": lambda cosine, sparse, fast: cosine,
    "PendulumPenalty-v0": lambda cosine, sparse, fast: cosine - fast,
    "PositivePendulumPenalty-v0": lambda cosine, sparse, fast: (1 + cosine) / 2 - fast,
    "PendulumNoShaped-v0": lambda cosine, sparse, fast: sparse,
    "PendulumNoShapedPenalty-v0": lambda cosine, sparse, fast: sparse - fast,
}


@pytest.mark.parametrize("name", REWARDS)
@pytest.mark.parametrize(
    ("state", "cosine", "sparse", "fast"),
    [
        ([0.0, 0.0], 1.0, 1, 0),  # it stays upright
        ([LEVEL, 0.0], -math.sin(0.0375), 0, 0),
        ([LEVEL, 7.2], -math.sin(7.95 * DT), 0, 0),
        ([LEVEL, 7.3], -math.sin(8.0 * DT), 0, 1),  # 8.05, clipped to 8
        ([-LEVEL, -7.3], -math.sin(8.0 * DT), 0, 1),
        ([0.25, 0.0], math.cos(0.25 + 15 * math.sin(0.25) * DT**2), 1, 0),  # 0.2593 < pi / 12 = 0.2618
        ([0.26, 0.0], math.cos(0.26 + 15 * math.sin(0.26) * DT**2), 0, 0),  # 0.2696
        ([-0.25, 0.0], math.cos(0.25 + 15 * math.sin(0.25) * DT**2), 1, 0),
    ],
)
def test_rewards_by_hand(name, state, cosine, sparse, fast):
    env = make_env(name)
    env.reset()
    env.state = state
    _, reward, terminated, truncated, _ = env.step(np.zeros(1, np.float32))
    assert reward == pytest.approx(REWARDS[name](cosine, sparse, fast), abs=1e-12)
    assert not terminated
    assert not truncated


def control_torque(theta: float, speed: float) -> float:
    """Return a torque that holds the pendulum near the top, and elsewhere gives it the (shadow) energy to get there."""
    if abs(theta) < 0.4:
        return -10.0 * theta - 2.0 * speed
    lacking = 2 * STIFFNESS - shadow(np.array([[theta, speed]]), DT)[0]
    return math.copysign(min(2.0, lacking), speed) if lacking > 0 else 0.0


def test_whirling_is_penalized_and_a_swing_up_is_not():
    env = make_env("PendulumNoShapedPenalty-v0")
    env.reset()
    held = [env.step(np.array([control_torque(*env.state)]))[1] for _ in range(400)]
    assert set(held) == {0.0, 1.0}
    assert held[-200:] == [1.0] * 200
    env.reset()
    whirled = [env.step(np.array([math.copysign(2.0, env.state[1])]))[1] for _ in range(400)]
    assert whirled.count(-1.0) > 100


def excess(states: np.ndarray) -> np.ndarray:
    """Return the energy above hanging at rest, per moment of inertia.  states: (N, 2)."""
    return states[:, 1] ** 2 / 2 + STIFFNESS * (1 + np.cos(states[:, 0]))


def shadow(states: np.ndarray, dt: float) -> np.ndarray:
    """Return H - (dt / 2) p V'(q), which semi-implicit Euler conserves up to O(dt^2).  states: (N, 2)."""
    return excess(states) + dt / 2 * states[:, 1] * STIFFNESS * np.sin(states[:, 0])


def free_swing(amplitude: float, steps: int, dt: float = DT) -> np.ndarray:
    """Return the states (steps + 1, 2) of a free swing from rest, `amplitude` away from hanging."""
    states = [(math.pi - amplitude, 0.0)]
    for _ in range(steps):
        states.append(swing_pendulum(states[-1], 0.0, GRAVITY, dt))
    return np.array(states)


def test_small_swings_conserve_energy_within_the_closed_form():
    """A harmonic oscillator under semi-implicit Euler conserves p^2 + w^2 x^2 - dt w^2 p x exactly, and
    |w p x| <= energy: so the energy never leaves (1 - w dt / 2) / (1 + w dt / 2) and its inverse, for
    all time. A pendulum adds terms of the amplitude's square."""
    states = free_swing(1e-3, 100_000)
    half = math.sqrt(STIFFNESS) * DT / 2
    ratio = excess(states) / excess(states)[0]
    assert ratio.min() > (1 - half) / (1 + half) - 1e-5
    assert ratio.max() < (1 + half) / (1 - half) + 1e-5
    np.testing.assert_allclose(shadow(states, DT), shadow(states, DT)[0], rtol=1e-5)


@pytest.mark.parametrize("amplitude", [0.5, 1.0, 2.0])
def test_large_swings_conserve_energy(amplitude):
    """The method is symplectic: it follows H - (dt / 2) p V' + (dt^2 / 12) (p^2 V'' + V'^2) - ..., so the
    energy varies by at most twice both terms, and 100,000 steps drift no further than 1,000 do."""
    states = free_swing(amplitude, 100_000)
    assert np.abs(states[:, 1]).max() < 8.0  # the speed limit removes no energy
    theta, speed = states.T
    force, slope = STIFFNESS * np.sin(theta), STIFFNESS * np.abs(np.cos(theta))
    first = DT / 2 * np.abs(speed * force).max()
    second = DT**2 / 12 * (speed**2 * slope + force**2).max()
    assert np.ptp(excess(states)) < 2 * (first + second) * (1 + DT)
    assert np.ptp(shadow(states, DT)) < 2 * second * (1 + DT)
    assert np.ptp(shadow(states, DT)) < 1.01 * np.ptp(shadow(states[:1000], DT))


def test_the_energy_error_has_order_one_and_the_shadow_energys_order_two():
    coarse, fine = free_swing(1.0, 400), free_swing(1.0, 800, DT / 2)
    assert np.ptp(excess(coarse)) / np.ptp(excess(fine)) == pytest.approx(2.0, rel=0.1)
    assert np.ptp(shadow(coarse, DT)) / np.ptp(shadow(fine, DT / 2)) == pytest.approx(4.0, rel=0.1)
