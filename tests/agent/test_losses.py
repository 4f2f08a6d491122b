"""The equations by hand; their gradients against autograd and enumeration."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from agent import losses
from tests.support.reference import normal32

R, B, K = 3, 10, 4


def normal64(*shape: int, seed: int) -> Tensor:
    return normal32(*shape, seed=seed).double()


ALPHA = torch.tensor([0.0, 0.2, 1.5], dtype=torch.float64).view(R, 1, 1)


def assert_exact(found: Tensor, expected: Tensor) -> None:
    """Equal but for the order of float64 roundings, 1e-16 each."""
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=1e-14)


def test_td_target_by_hand():
    """Terminated: the reward alone. Truncated counts as not terminated: 2 + 0.9 * 10."""
    reward = torch.tensor([[1.0, 2.0, -3.0]], dtype=torch.float64)
    terminated = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    value = torch.tensor([[10.0, 10.0, 5.0]], dtype=torch.float64)
    assert_exact(losses.td_target(reward, terminated, 0.9, value), reward.new_tensor([[1.0, 11.0, 1.5]]))


def test_min_critic_by_hand():
    q = torch.tensor([[[[1.0, 5.0]]], [[[2.0, -5.0]]]])
    assert losses.min_critic(q).tolist() == [[[1.0, -5.0]]]
    assert losses.min_critic(q[:1]).tolist() == [[[1.0, 5.0]]]


def test_soft_value_by_hand():
    """0.25 (1 - 0.5 * 2) + 0.75 (3 - 0.5 * -4) = 3.75; at alpha = 0: 0.25 * 1 + 0.75 * 3 = 2.5."""
    q = torch.tensor([[[[1.0, 7.0]]], [[[2.0, 3.0]]]]).expand(2, 2, 1, 2)
    log_prob, weight = torch.tensor([[[2.0, -4.0]]]).expand(2, 1, 2), torch.tensor([0.25, 0.75])
    alpha = torch.tensor([0.5, 0.0]).view(2, 1, 1)
    assert losses.soft_value(q, log_prob, weight, alpha).tolist() == [[3.75], [2.5]]
    assert losses.soft_value(q, log_prob, 0.5, alpha).tolist() == [[2.5], [2.0]]


@pytest.mark.parametrize("critics", [1, 2])
def test_critic_loss_and_its_gradient(critics):
    q, target = normal64(critics, R, B, 1, seed=1).requires_grad_(), normal64(R, B, seed=2)
    loss, grad = losses.critic_loss(q.detach(), target)
    with torch.enable_grad():
        plain = [
            torch.stack([((q[c, r, :, 0] - target[r]) ** 2).mean() for c in range(critics)]).sum() for r in range(R)
        ]
        (expected,) = torch.autograd.grad(torch.stack(plain).sum(), q)
    assert_exact(loss, torch.stack(plain).detach())
    assert_exact(grad, expected)


def test_critic_loss_by_hand():
    """Errors 1, -2 of one critic and 0, 3 of the other: (1 + 4)/2 + (0 + 9)/2 = 7; gradients are the errors."""
    q = torch.tensor([[2.0, 1.0], [1.0, 6.0]]).view(2, 1, 2, 1)
    loss, grad = losses.critic_loss(q, torch.tensor([[1.0, 3.0]]))
    assert loss.tolist() == [7.0]
    assert grad.flatten().tolist() == [1.0, -2.0, 0.0, 3.0]


@pytest.mark.parametrize("critics", [1, 2])
def test_min_critic_grad_against_autograd(critics):
    q = normal32(critics, R, B, K, seed=3).requires_grad_()
    with torch.enable_grad():
        (expected,) = torch.autograd.grad(-0.7 * q.amin(0).sum(), q)
    assert torch.equal(losses.min_critic_grad(q.detach(), -0.7), expected)


def test_between_equal_critics_the_first_takes_the_gradient():
    grad = losses.min_critic_grad(torch.ones(2, 1, 1, 1), 3.0)
    assert grad.flatten().tolist() == [3.0, 0.0]


def test_actor_loss_is_minus_the_soft_value_averaged():
    q, log_prob = normal64(2, R, B, K, seed=4), normal64(R, B, K, seed=5)
    weight = torch.softmax(normal64(R, B, K, seed=6), -1)
    value = losses.min_critic(q)
    expected = torch.stack([(weight[r] * (ALPHA[r, 0, 0] * log_prob[r] - value[r])).sum(-1).mean() for r in range(R)])
    assert_exact(losses.actor_loss(value, log_prob, weight, ALPHA), expected)
    assert_exact(
        losses.actor_loss(value, log_prob, weight, ALPHA), -losses.soft_value(q, log_prob, weight, ALPHA).mean(1)
    )


@pytest.mark.parametrize("critics", [1, 2])
def test_pathwise_grads_against_autograd(critics):
    q = normal32(critics, R, B, K, seed=7).requires_grad_()
    log_prob, alpha = normal32(R, B, K, seed=8).requires_grad_(), ALPHA.float()
    with torch.enable_grad():
        loss = losses.actor_loss(q.amin(0), log_prob, 1.0 / K, alpha).sum()
        expected = torch.autograd.grad(loss, (q, log_prob))
    *found, by_weight = losses.pathwise_grads(q.detach(), log_prob.detach(), 1.0 / K, alpha)
    # Each derivative is a product of two or three numbers in float32, a rounding of 6e-8 each.
    torch.testing.assert_close(tuple(found), expected, rtol=2e-7, atol=0.0)
    assert by_weight is None


@pytest.mark.parametrize("critics", [1, 2])
def test_pathwise_grads_of_weighted_draws_against_autograd(critics):
    """By q, log pi and the weights, in float64."""
    q, log_prob = normal64(critics, R, B, K, seed=7).requires_grad_(), normal64(R, B, K, seed=8).requires_grad_()
    weight = torch.softmax(normal64(R, B, K, seed=21), -1).requires_grad_()
    with torch.enable_grad():
        expected = torch.autograd.grad(
            losses.actor_loss(q.amin(0), log_prob, weight, ALPHA).sum(), (q, log_prob, weight)
        )
    found = losses.pathwise_grads(q.detach(), log_prob.detach(), weight.detach(), ALPHA)
    for one, exact in zip(found, expected, strict=True):
        assert one is not None
        assert_exact(one, exact)


def test_likelihood_ratio_grad_against_autograd_of_its_surrogate():
    """Score times advantage: autograd of mean log pi (alpha log pi - Q + b) with the bracket held fixed."""
    value, baseline = normal64(R, B, K, seed=9), normal64(R, B, 1, seed=10)
    log_prob = normal64(R, B, K, seed=11).requires_grad_()
    with torch.enable_grad():
        fixed = ALPHA * log_prob.detach() - value + baseline
        (expected,) = torch.autograd.grad((log_prob * fixed).mean((1, 2)).sum(), log_prob)
    assert_exact(losses.likelihood_ratio_grad(value, log_prob.detach(), 1.0 / K, ALPHA, baseline), expected)


@pytest.mark.parametrize("offset", [0.0, 5.0])
def test_likelihood_ratio_gradient_is_the_true_one_by_enumeration(offset):
    """A choice among K with probabilities softmax(theta): the estimator's expectation over the choice is the
    gradient of sum_k pi (alpha log pi - Q), entropy's part included, whatever baseline depends on the state only.
    """
    theta, value = normal64(R, B, K, seed=12).requires_grad_(), normal64(R, B, K, seed=13)
    baseline = offset * normal64(R, B, 1, seed=14)
    with torch.enable_grad():
        log_pi = torch.log_softmax(theta, -1)
        (expected,) = torch.autograd.grad(losses.actor_loss(value, log_pi, log_pi.exp(), ALPHA).sum(), theta)
    pi, mean = log_pi.detach().exp(), torch.zeros_like(theta)
    for k in range(K):
        drawn = (value[..., k : k + 1], log_pi.detach()[..., k : k + 1])
        by_log_prob = losses.likelihood_ratio_grad(*drawn, 1.0, ALPHA, baseline)
        score = torch.eye(K, dtype=torch.float64)[k] - pi
        mean += pi[..., k : k + 1] * by_log_prob * score
    assert_exact(mean, expected)


def test_temperature_grad_against_autograd():
    """Each run has a target of its own."""
    target = torch.linspace(-6.0, 1.0, R, dtype=torch.float64)
    log_prob, log_alpha = normal64(R, B, K, seed=15), normal64(R, seed=16).requires_grad_()
    with torch.enable_grad():
        loss = -(log_alpha.view(R, 1, 1) * (log_prob + target.view(R, 1, 1))).mean((1, 2)).sum()
        (expected,) = torch.autograd.grad(loss, log_alpha)
    assert_exact(losses.temperature_grad(log_prob, 1 / K, target), expected)


def test_temperature_grad_weighs_enumerated_actions():
    """Two states, three actions: entropies log 3 and -(0.5 log 0.5 + 0.5 log 0.25)."""
    weight = torch.tensor([[[1 / 3, 1 / 3, 1 / 3], [0.5, 0.25, 0.25]]], dtype=torch.float64)
    entropy = (math.log(3) + 1.5 * math.log(2)) / 2
    target = torch.tensor([0.7], dtype=torch.float64)
    assert_exact(losses.temperature_grad(weight.log(), weight, target), entropy - target)


def test_the_temperature_rises_while_the_entropy_is_below_its_target():
    """Entropy 2 below the target 3: the gradient is negative, so descent raises log alpha."""
    target = torch.tensor([3.0])
    assert losses.temperature_grad(torch.full((1, 2, 2), -2.0), 0.5, target).tolist() == [-1.0]
    assert losses.temperature_grad(torch.full((1, 2, 2), -4.0), 0.5, target).tolist() == [1.0]


def every_equation(members: list[int], critics: int, batch: int, k: int) -> dict[str, tuple[Tensor, int]]:
    """Every result for some of 16 runs, float32, and which axis is the runs'."""
    q, target = normal32(critics, 16, batch, 1, seed=17)[:, members], normal32(16, batch, seed=18)[members]
    values = normal32(critics, 16, batch, k, seed=19)[:, members]
    log_prob = normal32(16, batch, k, seed=20)[members]
    alpha = torch.linspace(0.0, 2.0, 16).view(16, 1, 1)[members]
    value = losses.min_critic(values)
    baseline = value.mean(-1, keepdim=True)
    loss, grad = losses.critic_loss(q, target)
    pathwise = losses.pathwise_grads(values, log_prob, 1.0 / k, alpha)
    weighted = losses.pathwise_grads(values, log_prob, torch.softmax(log_prob, -1), alpha)
    assert weighted[2] is not None
    return {
        "critic loss": (loss, 0),
        "critic gradient": (grad, 1),
        "soft value": (losses.soft_value(values, log_prob, 1.0 / k, alpha), 0),
        "actor loss": (losses.actor_loss(value, log_prob, 1.0 / k, alpha), 0),
        "pathwise by q": (pathwise[0], 1),
        "pathwise by log_prob": (pathwise[1], 0),
        "weighted pathwise by q": (weighted[0], 1),
        "weighted pathwise by log_prob": (weighted[1], 0),
        "weighted pathwise by weight": (weighted[2], 0),
        "likelihood ratio": (losses.likelihood_ratio_grad(value, log_prob, 1.0 / k, alpha, baseline), 0),
        "temperature": (losses.temperature_grad(log_prob, 1.0 / k, -alpha.flatten()), 0),
    }


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("batch", [1, 10, 32, 256])
@pytest.mark.parametrize("critics", [1, 2])
def test_a_slot_has_the_bits_it_has_alone(critics, batch, k):
    """The losses too: they decide when a run has diverged."""
    alone = [every_equation([i], critics, batch, k) for i in range(16)]
    broken = set()
    for members in ([9, 4], [12, 1, 15, 6, 2, 11, 8], list(range(15, -1, -1))):
        for name, (found, axis) in every_equation(members, critics, batch, k).items():
            for slot, member in enumerate(members):
                expected, _ = alone[member][name]
                if not torch.equal(found.select(axis, slot), expected.select(axis, 0)):
                    broken.add(name)
    assert not broken
