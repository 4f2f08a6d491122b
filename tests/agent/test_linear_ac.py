"""Tests of the linear actor-critic: a run computed by hand, draws, learning, and bad input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from agent import make_agent
from agent.base import Spaces
from agent.hyperparameters import LinearACHyperparameters, LinearACSoftmaxHyperparameters
from agent.linear.linear_ac import LinearAC
from agent.policy.base import ActionBox
from utils.core.transition import Step

BOX = ActionBox(torch.tensor([-1.0]), torch.tensor([1.0]))


def raw(action: ActionBox | int = BOX, obs_dim: int = 1) -> Spaces:
    return Spaces(np.full(obs_dim, -5.0), np.full(obs_dim, 5.0), action, tile_coding=False)


def row(number: float) -> np.ndarray:
    return np.array([[number]], np.float32)


def learn(
    agent: Any, obs: float, action: float, reward: float, next_obs: float, terminated: bool = False, cut: bool = False
) -> float:
    """Learn from one transition of one run with one observation feature. Returns delta."""
    ends = np.array([terminated], np.float32), np.array([cut], np.float32)
    agent.observe(Step(row(obs), row(action), np.array([reward]), row(next_obs), *ends))
    return float(agent.update()["td_error"][0])


def test_three_steps_by_hand():
    """x = (obs, 1), gamma decay = 1/4. Every number below follows from the module's equations."""
    setting = LinearACHyperparameters(
        decay=0.5, critic_lr=0.5, actor_lr=0.25, avg_reward_lr=0.5, scaled=False, clip_stddev=0
    )
    agent = LinearAC([setting], [0], 0.5, raw())

    assert learn(agent, obs=1, action=2, reward=1, next_obs=0) == 1.0  # 1 - 0 + 0.5 * 0 - 0
    assert agent.avg_reward == 0.5
    np.testing.assert_array_equal(agent.traces.to_dense()[:, 0], [[1, 1], [2, 2], [3, 3]])  # x, 2 x, (4 - 1) x
    np.testing.assert_array_equal(agent.weights[:, 0], [[0.5, 0.5], [0.5, 0.5], [0.75, 0.75]])

    # x = (0, 1): v = 0.5, mu = 0.5, sigma^2 = e^1.5, a - mu = 1.  x' = (2, 1): v' = 1.5.
    assert learn(agent, obs=0, action=1.5, reward=0, next_obs=2) == -0.25  # 0 - 0.5 + 0.5 * 1.5 - 0.5
    assert agent.avg_reward == 0.375
    p = math.exp(-1.5)
    np.testing.assert_allclose(
        agent.traces.to_dense()[:, 0], [[0.25, 1.25], [0.5, 0.5 + p], [0.75, 0.75 + p - 1]], rtol=1e-14
    )
    w = np.array([[0.5 - 0.03125, 0.5 - 0.15625], [0.46875, 0.46875 - p / 16], [0.703125, 0.765625 - p / 16]])
    np.testing.assert_allclose(agent.weights[:, 0], w, rtol=1e-14)

    # x = (2, 1): v = 1.28125, mu = 1.40625 - p / 16, log sigma = 2.171875 - p / 16. Terminal: v' is not used.
    assert learn(agent, obs=2, action=1, reward=3, next_obs=7, terminated=True) == 1.34375  # 3 - 0.375 - 1.28125
    assert agent.avg_reward == 1.046875
    error, variance = 1 - (1.40625 - p / 16), math.exp(2 * (2.171875 - p / 16))
    by_mu, by_sigma = error / variance, error**2 / variance - 1
    traces = np.array([
        [0.0625 + 2, 0.3125 + 1],
        [0.125 + 2 * by_mu, (0.5 + p) / 4 + by_mu],
        [0.1875 + 2 * by_sigma, (p - 0.25) / 4 + by_sigma],
    ])  # fmt: skip
    w += 1.34375 * np.array([[0.5], [0.25], [0.25]]) * traces
    np.testing.assert_allclose(agent.weights[:, 0], w, rtol=1e-13)
    np.testing.assert_array_equal(agent.traces.to_dense(), np.zeros((3, 1, 2)))
    named = agent.learned_params(0)
    assert list(named) == ["critic/value", "actor/mu_0", "actor/log_sigma_0", "avg_reward"]
    np.testing.assert_array_equal(named["actor/mu_0"], agent.weights[1, 0])


@pytest.mark.parametrize(("terminated", "cut", "delta"), [(False, True, 1.5), (True, False, 1.0), (True, True, 1.0)])
def test_only_termination_ends_the_future_but_any_end_clears_the_traces(terminated, cut, delta):
    agent = LinearAC([LinearACHyperparameters()], [0], 0.5, raw())
    agent.weights[0, 0] = [0.0, 1.0]  # v = 1 everywhere
    assert learn(agent, obs=1, action=0, reward=2, next_obs=1, terminated=terminated, cut=cut) == delta
    assert not agent.traces.to_dense().any()


def test_step_sizes_are_divided_by_the_number_of_tilings():
    setting = LinearACHyperparameters(tilings=4, critic_lr=0.5, decay=0.0)
    agent = LinearAC([setting], [0], 0.9, Spaces(np.zeros(1), np.ones(1), BOX))
    learn(agent, obs=0.5, action=0, reward=2, next_obs=0.1)
    assert agent.weights[0].sum() == pytest.approx(0.5 * 2)  # v(s) moves by critic_lr delta
    np.testing.assert_array_equal(np.unique(agent.weights[0]), [0.0, 0.25])


def test_actions_are_drawn_from_the_density_that_is_differentiated():
    """Draws are unclipped, although the box ends at 1."""
    agent = LinearAC([LinearACHyperparameters()] * 2, [3, 4], 0.9, raw())
    agent.weights[1:, :, 1] = [[0.5, -2.0], [0.1, 1.0]]
    obs = np.zeros((2, 1), np.float32)
    actions = np.stack([agent.act(obs)[:, 0] for _ in range(3000)], 1)
    for a, mu, log_sigma in zip(actions, (0.5, -2.0), (0.1, 1.0), strict=True):
        assert stats.kstest(a, stats.norm(mu, math.exp(log_sigma)).cdf).pvalue > 1e-3
    np.testing.assert_array_equal(agent.act(obs, greedy=True)[:, 0], [0.5, -2.0])


def test_indices_are_drawn_with_the_softmaxs_probabilities():
    agent = LinearAC([LinearACSoftmaxHyperparameters()], [3], 0.9, raw(3))
    agent.weights[1:, 0, 1] = np.log([0.2, 0.7, 0.1])
    actions = np.array([agent.act(row(0))[0, 0] for _ in range(3000)])
    counts = [(actions == i).sum() for i in range(3)]
    assert stats.chisquare(counts, [600, 2100, 300]).pvalue > 1e-3
    assert agent.act(row(0), greedy=True)[0, 0] == 1.0


def bandit(agent: Any, reward: Any, steps: int, contexts: int = 1) -> None:
    """Learn from one-step episodes; the observation is the number of a context drawn for each."""
    draw = np.random.Generator(np.random.PCG64(1))
    for _ in range(steps):
        obs = float(draw.integers(contexts))
        action = float(agent.act(row(obs))[0, 0])
        learn(agent, obs, action, reward(obs, action), obs, terminated=True)


def test_a_gaussian_finds_the_best_action():
    setting = LinearACHyperparameters(critic_lr=0.1, actor_lr=0.02, avg_reward_lr=0.0, decay=0.0)
    agent = LinearAC([setting], [0], 0.9, raw())
    bandit(agent, lambda obs, action: -((action - 0.7) ** 2), 5000)
    assert agent.act(row(0), greedy=True)[0, 0] == pytest.approx(0.7, abs=0.05)
    assert agent.policy.parameters(agent.weights[1:, :, 1])[1][0, 0] < 0.3


def test_a_softmax_learns_the_context_that_it_observes():
    setting = LinearACSoftmaxHyperparameters(critic_lr=0.1, actor_lr=0.5, decay=0.0)
    agent = LinearAC([setting], [0], 0.9, Spaces(np.zeros(1), np.full(1, 3.0), 4))
    bandit(agent, lambda obs, action: float(obs == action), 3000, contexts=4)
    assert [agent.act(row(i), greedy=True)[0, 0] for i in range(4)] == [0, 1, 2, 3]


def test_preferences_that_are_not_finite_give_nan_actions():
    agent = LinearAC([LinearACSoftmaxHyperparameters()] * 2, [0, 1], 0.9, raw(2))
    agent.weights[1, 1, 1] = np.inf
    for greedy in (False, True):
        action = agent.act(np.zeros((2, 1), np.float32), greedy)
        np.testing.assert_array_equal(np.isnan(action[:, 0]), [False, True])


def test_update_without_a_transition_learns_nothing():
    agent = LinearAC([LinearACHyperparameters()], [0], 0.9, raw())
    assert agent.update() == {}
    assert agent.last_batch is None


@pytest.mark.parametrize("changes", [{"tilings": 4}, {"tiles": 4}])
def test_structurally_different_settings_cannot_share_a_stack(changes):
    settings = [LinearACHyperparameters(), LinearACHyperparameters(**changes)]
    with pytest.raises(ValueError, match="structural"):
        make_agent("linearAC", settings, [1, 2], 0.9, raw())
