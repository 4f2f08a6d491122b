"""Tests of the Softmax policy: against scipy and by enumeration; its draws, gradients, extremes and stack bits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import special, stats
from torch import Tensor

from agent.policy.softmax import Softmax
from tests.support.reference import UNIT, normal32
from utils.core.random_streams import Draws


def make(actions: int, runs: int = 1) -> Softmax:
    return Softmax(actions, torch.full((runs,), 1000.0))


def no_noise(rows: int, runs: int = 1) -> Tensor:
    return torch.empty(runs, rows, 1, 0)


each_count = pytest.mark.parametrize("actions", [1, 2, 3, 6, 18])


@each_count
def test_enumeration_against_scipy(actions):
    """Every action occurs once, in order, with log pi and pi; the probabilities sum to one."""
    head = 3 * normal32(1, 50, actions, seed=1)
    action, log_prob, weight, latent = make(actions).sample(head, no_noise(50))
    assert torch.equal(action, latent)
    assert (action[0, :, :, 0].numpy() == np.arange(actions)).all()
    expected = special.log_softmax(head.double().numpy(), -1)
    # float32 rounds in proportion to the head's size.
    np.testing.assert_allclose(log_prob.numpy(), expected, rtol=0, atol=40 * UNIT)
    np.testing.assert_allclose(weight.numpy(), np.exp(expected), rtol=40 * UNIT)
    np.testing.assert_allclose(weight.double().sum(-1).numpy(), 1.0, rtol=0, atol=actions * 40 * UNIT)
    entropy = -(weight * log_prob).sum(-1)[0].double().numpy()
    np.testing.assert_allclose(entropy, [stats.entropy(p) for p in np.exp(expected[0])], rtol=0, atol=100 * UNIT)


@each_count
def test_log_prob_of_replay_actions(actions):
    """Actions may be in any order and number."""
    policy, head = make(actions), normal32(1, 7, actions, seed=2)
    action = torch.tensor([actions - 1, 0, actions // 2]).float().view(1, 1, 3, 1).expand(1, 7, 3, 1)
    every = policy.sample(head, no_noise(7)).log_prob
    assert torch.equal(policy.log_prob(head, action), every[:, :, [actions - 1, 0, actions // 2]])


def test_draws_have_the_probabilities():
    """Chi-squared tests of 100,000 draws in each of 12 states, with false-alarm level 1e-8 each, 1e-7 in total."""
    policy, head = make(5), normal32(1, 12, 5, seed=3)
    drawn = policy.draw_latent(head, policy.latent_noise(Draws([4], "act"), 12, 100_000))
    assert drawn.shape == (1, 12, 100_000, 1)
    probability = special.softmax(head.double().numpy()[0], -1)
    for state in range(12):
        counts = np.bincount(drawn[0, state, :, 0].long().numpy(), minlength=5)
        assert stats.chisquare(counts, 100_000 * probability[state]).pvalue > 1e-8


def test_draws_by_hand():
    """With probabilities 0.2, 0.3, 0.5, a uniform below 0.2 gives the first action, below 0.5 the second."""
    head = torch.tensor([0.2, 0.3, 0.5]).log().view(1, 1, 3)
    uniforms = torch.tensor([0.0, 0.19, 0.21, 0.49, 0.51, 1 - 2.0**-53], dtype=torch.float64).view(1, 1, 6, 1)
    assert make(3).draw_latent(head, uniforms).flatten().tolist() == [0, 0, 1, 1, 2, 2]


def test_mode_is_the_most_probable_action():
    head = torch.tensor([[[0.0, 3.0, 1.0], [2.0, 2.0, 1.0]]])
    assert make(3).mode(head).tolist() == [[[1.0], [0.0]]]


def test_enumerating_draws_nothing():
    draws = Draws([1], "update")
    before = str(draws.state_dict())
    assert make(3).sample_noise(draws, 8, 5).shape == (1, 8, 5, 0)
    assert str(draws.state_dict()) == before


def test_gradient_against_the_formula():
    """d log pi(a) / d h_b = [a = b] - pi(b)."""
    policy, head = make(4), normal32(1, 3, 4, seed=5).requires_grad_()
    action = torch.tensor([2.0, 0.0, 3.0]).view(1, 3, 1, 1)
    with torch.enable_grad():
        total = policy.latent_log_prob(head, action).sum()
    (found,) = torch.autograd.grad(total, head)
    expected = np.eye(4)[[2, 0, 3]] - special.softmax(head.detach().numpy()[0], -1)
    np.testing.assert_allclose(found[0].numpy(), expected, rtol=0, atol=8 * UNIT)


@pytest.mark.parametrize("size", [50.0, 1e6, 3e38])
def test_saturated_heads_stay_finite(size):
    """Heads may have any size whose differences float32 can hold; probabilities that underflow have weight 0."""
    policy = make(3)
    head = torch.tensor([[[size, 0.0, 0.0], [0.0, size, size]]]).requires_grad_()
    with torch.enable_grad():
        _, log_prob, weight, latent = policy.sample(head, no_noise(2))
        (grad,) = torch.autograd.grad(policy.latent_log_prob(head, latent), head, torch.ones_like(log_prob))
    for values in (log_prob, weight, weight * log_prob, grad):
        assert torch.isfinite(torch.as_tensor(values)).all()
    assert policy.mode(head).tolist() == [[[0.0], [1.0]]]
    assert (policy.draw_latent(head, torch.full((1, 2, 1, 1), 0.3))).flatten().tolist() == [0.0, 1.0]


def test_the_largest_entropy_is_that_of_equal_actions():
    assert make(6).max_entropy == pytest.approx(math.log(6))


def test_an_option_is_refused():
    with pytest.raises(TypeError, match="Softmax has no option num_components"):
        Softmax(3, torch.ones(1), num_components=2)


@each_count
@pytest.mark.parametrize("rows", [10, 32])
def test_stack_bits(actions, rows):
    """Draws, log probabilities and gradients of a run are the same in stacks of 1, 2, 7 and 16."""
    heads = 2 * normal32(16, rows, actions, seed=6)
    single = outputs(heads[3:4], [3])
    for slots in ([3, 8], [1, 2, 4, 5, 3, 6, 7], [*range(15, 2, -1), 0, 1, 2]):
        for a, b in zip(single, outputs(heads[slots], slots), strict=True):
            assert torch.equal(a[0], b[slots.index(3)])


def outputs(heads: Tensor, seeds: list[int]) -> list[Tensor]:
    policy = make(heads.shape[2], len(seeds))
    heads = heads.clone().requires_grad_()
    with torch.enable_grad():
        action, log_prob, weight, latent = policy.sample(heads, no_noise(heads.shape[1], len(seeds)))
        (grad,) = torch.autograd.grad(policy.latent_log_prob(heads, latent), heads, weight * log_prob.detach())
    drawn = policy.draw_latent(heads.detach(), policy.latent_noise(Draws(seeds, "act"), heads.shape[1], 3))
    return [action, log_prob.detach(), torch.as_tensor(weight), grad, drawn, policy.mode(heads.detach())]
