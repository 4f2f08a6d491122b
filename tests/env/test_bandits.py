"""Bandit and Bimodal: rewards of actions, and episodes of one step without a future."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from env import EpisodeBatch, EpisodeProtocol, Episodes, make_env

DRAWS = 20_000


def rewards(name: str, action: Any, **env_kwargs: Any) -> np.ndarray:
    """Return DRAWS rewards of one action."""
    env = make_env(name, **env_kwargs)
    env.reset(seed=0)
    return np.array([env.step(action)[1] for _ in range(DRAWS)])


@pytest.mark.parametrize(
    ("action", "reward"),
    [(-1.0, 1.0), (1.0, 1.5), (-0.8, math.exp(-0.5)), (1.4, 1.5 * math.exp(-2)), (0.0, 2.5 * math.exp(-12.5))],
)
def test_the_expected_reward_is_the_sum_of_two_bells(action, reward):
    env = make_env("Bimodal", reward_variance=False)
    env.reset(seed=0)
    obs, found, terminated, truncated, _ = env.step(np.array([action]))
    assert found == pytest.approx(reward, abs=1e-15)
    assert (obs.tolist(), terminated, truncated) == ([1.0], True, False)


def test_only_the_lower_peak_is_noisy():
    low, high = rewards("Bimodal", np.array([-1.0])), rewards("Bimodal", np.array([1.0]))
    assert low.mean() == pytest.approx(1.0, abs=4 * 5 / math.sqrt(DRAWS))
    assert low.std() == pytest.approx(5.0, rel=0.02)
    np.testing.assert_allclose(high, 1.5, atol=1e-15)
    assert (low > 1.5).mean() == pytest.approx(0.46, abs=0.02)


def test_heights_and_widths_of_the_peaks():
    env = make_env("Bimodal", reward_variance=False, heights=[0.75, 2.0], widths=[0.2, 0.05])
    env.reset(seed=0)
    assert env.step(np.array([-1.2]))[1] == pytest.approx(0.75 * math.exp(-0.5))
    assert env.step(np.array([1.05]))[1] == pytest.approx(2.0 * math.exp(-0.5), rel=1e-6)


def test_an_arms_rewards_have_its_mean_and_the_noise():
    means = make_env("Bandit").means
    assert means.shape == (10,)
    for arm in (0, int(means.argmax())):
        found = rewards("Bandit", arm)
        assert found.mean() == pytest.approx(means[arm], abs=4 / math.sqrt(DRAWS))
        assert found.std() == pytest.approx(1.0, rel=0.02)


def test_the_arms_depend_on_the_problem_not_on_the_seed():
    a, b = make_env("Bandit", n_actions=4), make_env("Bandit", n_actions=4)
    a.reset(seed=1)
    b.reset(seed=2)
    np.testing.assert_array_equal(a.means, b.means)
    assert a.step(0)[1] != b.step(0)[1]
    assert not np.array_equal(a.means, make_env("Bandit", n_actions=4, problem=1).means)
    quiet = make_env("Bandit", noise=0.0)
    quiet.reset(seed=0)
    assert [quiet.step(arm)[1] for arm in range(10)] == quiet.means.tolist()


@pytest.mark.parametrize(("name", "action"), [("Bandit", 3.0), ("Bimodal", 0.5)])
@pytest.mark.parametrize("steps_per_episode", [1, 1000])
def test_nothing_is_bootstrapped(name, action, steps_per_episode):
    envs = EpisodeBatch([Episodes(make_env(name), EpisodeProtocol(steps_per_episode), seed=r) for r in range(2)])
    envs.reset()
    for _ in range(5):
        transitions = envs.step(np.full((2, 1), action, np.float32), np.ones(2, bool))
        np.testing.assert_array_equal(transitions.terminated, [1.0, 1.0])
        np.testing.assert_array_equal(transitions.truncated, [0.0, 0.0])
        np.testing.assert_array_equal(transitions.next_obs, [[1.0], [1.0]])


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        ("Bandit", {"n_actions": 0}, "found n_actions 0, noise 1.0; allowed: n_actions >= 1"),
        ("Bandit", {"noise": -1}, "noise -1; allowed"),
        ("Bandit", {"problem": -1}, "greater or equal to zero"),
        ("Bimodal", {"widths": [0.1, 0.0]}, "allowed: two each, widths > 0"),
        ("Bimodal", {"heights": [1.0]}, "allowed: two each"),
        ("Bimodal", {"render_mode": "human"}, "render_mode: found 'human'; allowed: 'rgb_array'"),
        ("Bimodal", {"arms": 3}, "unexpected keyword argument 'arms'"),
    ],
)
def test_invalid_arguments_are_refused(name, kwargs, message):
    with pytest.raises(ValueError, match=f"'{name}' cannot be made with .*{message}"):
        make_env(name, **kwargs)
