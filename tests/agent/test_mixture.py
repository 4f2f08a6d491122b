"""Mixtures of every family: the marginalized pathwise gradient by enumeration, its variance, the greedy action."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from agent.policy.base import Policy
from agent.policy.gaussian_mixture import GaussianMixture
from tests.agent.test_conformance import (
    ASYMMETRIC,
    BOXES,
    SYMMETRIC,
    likelihood_ratio_gradient,
    one_run_noise,
    pathwise_gradient,
    smooth_function,
)
from tests.support.laws import CASES, Case, log_density
from tests.support.reference import normal32
from utils.core.random_streams import Draws

MIXTURES = [case for case in CASES if case.components > 1]

each_mixture = pytest.mark.parametrize("case", MIXTURES, ids=str)


def component_heads(case: Case, head: Tensor, dims: int) -> tuple[list[Tensor], Tensor]:
    """Return each component's head (1, B, D) and the logits (1, B, C); a mixture's head has (C, A) per parameter."""
    count = case.components
    blocks, logits = head[..., :-count].unflatten(-1, (-1, count, dims)), head[..., -count:]
    return [blocks[..., c, :].flatten(2) for c in range(count)], logits


@pytest.mark.parametrize("bounds", [ASYMMETRIC[:1], ASYMMETRIC], ids=["1", "3"])
@each_mixture
def test_the_pathwise_gradient_by_enumeration_over_components(case, bounds):
    """Of sum_c w_c mean_k f(a_ck), f a function of the action: the family's own pathwise gradient times w_c, and
    f times the softmax's derivative, w_c (1[c = j] - w_j); float64.
    """
    dims, rows, k = len(bounds), 5, 3
    policy, family = (one.make(bounds, dtype=torch.float64) for one in (case, case.family))
    head = case.heads(dims, 1, rows, seed=41).double()
    noise = one_run_noise(policy, rows, k, 42)
    proposals, vjp = policy.sample_with_vjp(head, noise)
    f, slope = value_and_slope(proposals.action, bounds)
    assert isinstance(proposals.weight, Tensor)
    found = vjp(slope * proposals.weight.unsqueeze(-1), torch.zeros_like(f), f)

    heads, logits = component_heads(case, head, dims)
    weight, own_noise = torch.softmax(logits, -1), component_noise(family, noise)
    by_params, means = [], []
    for c, one in enumerate(heads):
        drawn, own_vjp = family.sample_with_vjp(one, own_noise)
        torch.testing.assert_close(proposals.action[:, :, c * k : (c + 1) * k], drawn.action, rtol=1e-13, atol=1e-13)
        value, own_slope = value_and_slope(drawn.action, bounds)
        by_params.append(weight[..., c : c + 1] * own_vjp(own_slope / k, torch.zeros_like(value), None))
        means.append(value.mean(-1))
    mean = torch.stack(means, -1)
    by_logits = weight * (mean - (weight * mean).sum(-1, keepdim=True))
    all_params = torch.stack([one.unflatten(-1, (-1, dims)) for one in by_params], 3).flatten(2)
    torch.testing.assert_close(found, torch.cat((all_params, by_logits), -1), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(proposals.weight, weight.repeat_interleave(k, -1) / k, rtol=1e-14, atol=0)


@each_mixture
def test_the_entropys_gradient_by_enumeration_over_components(case):
    """Of sum_c w_c log pi(a_c), pi = sum_j w_j pi_j with every pi_j evaluated at every draw, one after the other."""
    policy, family = (one.make(ASYMMETRIC, dtype=torch.float64) for one in (case, case.family))
    head = case.heads(3, 1, 4, seed=43).double().requires_grad_()
    noise = one_run_noise(policy, 4, 1, 44)
    with torch.enable_grad():
        heads, logits = component_heads(case, head, 3)
        weight, total = torch.softmax(logits, -1), torch.zeros(())
        log_probs = []
        for c, own in enumerate(heads):
            latent = family.draw_latent(own, component_noise(family, noise))
            each = [weight[..., j : j + 1].log() + family.latent_log_prob(one, latent) for j, one in enumerate(heads)]
            log_probs.append(torch.stack(each).logsumexp(0))
            total = total + (weight[..., c : c + 1] * log_probs[-1]).sum()
        (expected,) = torch.autograd.grad(total, head)
    proposals, vjp = policy.sample_with_vjp(head, noise)
    torch.testing.assert_close(proposals.log_prob, torch.cat(log_probs, -1).detach(), rtol=1e-12, atol=1e-12)
    assert isinstance(proposals.weight, Tensor)
    found = vjp(torch.zeros_like(proposals.action), proposals.weight, proposals.log_prob)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)


def value_and_slope(action: Tensor, bounds) -> tuple[Tensor, Tensor]:
    """Return a smooth function (1, B, K) of actions (1, B, K, A), and its gradient by them."""
    action = action.detach().requires_grad_()
    with torch.enable_grad():
        f = smooth_function(action, bounds)
        (slope,) = torch.autograd.grad(f.sum(), action)
    return f.detach(), slope


def component_noise(family: Policy, noise: Tensor) -> Tensor:
    """Return the noise of one component's draws: all but the first number, which chooses a component."""
    shape = family.latent_noise(Draws([0], "act"), 1, 1).shape[3:]
    return noise[..., 1:].unflatten(-1, shape)


@each_mixture
def test_the_pathwise_gradient_varies_less_than_the_likelihood_ratio(case):
    """One draw of each component against C chosen ones with a baseline, the mean of 20,000 values.

    Measured ratios: 1.4 to 1.8 for Beta, Kumaraswamy and Student, 6 to 2000 for the others.
    """
    rows = 20_000
    policy, head = case.make(SYMMETRIC[:1]), case.heads(1, 1, 1, seed=45).expand(1, rows, -1).contiguous()
    pathwise = pathwise_gradient(policy, SYMMETRIC[:1], head, one_run_noise(policy, rows, 1, 46))
    ratio = likelihood_ratio_gradient(policy, SYMMETRIC[:1], head, one_run_noise(policy, rows, 1, 47))
    assert pathwise.var(0).sum() < ratio.var(0).sum() / case.components / 1.2


@pytest.mark.parametrize("bounds", BOXES, ids=["1", "1 asymmetric", "3", "3 asymmetric"])
@pytest.mark.parametrize("case", [case for case in MIXTURES if case.kind == "Mixture"], ids=str)
def test_the_greedy_action_is_the_densest_of_the_components_modes(case, bounds):
    """By scipy's density in float64, at the modes of the family's own policy."""
    policy, family = (one.make(bounds, dtype=torch.float64) for one in (case, case.family))
    head = case.heads(len(bounds), 1, 40, seed=48).double()
    heads, _ = component_heads(case, head, len(bounds))
    modes = torch.stack([family.mode(one)[0] for one in heads], 1).numpy()
    densities = [log_density(case, bounds, h, m) for h, m in zip(head[0].numpy(), modes, strict=True)]
    best = np.argmax(densities, 1)
    assert len(set(best.tolist())) == case.components, "each component's mode is the densest somewhere"
    np.testing.assert_allclose(policy.mode(head)[0].numpy(), modes[np.arange(40), best], rtol=1e-12, atol=1e-12)


def test_one_component_is_its_family():
    """Draws, densities, gradients and greedy actions; the logit of a single component has no gradient."""
    family, noise = Case("SquashedGaussian").make(ASYMMETRIC), normal32(1, 6, 2, 4, seed=50)
    case = Case("Mixture", {"num_components": 1, "component_policy": "SquashedGaussian"})
    policy, head = case.make(ASYMMETRIC), normal32(1, 6, 7, seed=49)
    drawn, vjp = policy.sample_with_vjp(head, noise)
    own, own_vjp = family.sample_with_vjp(head[..., :6], noise[..., 1:])
    assert torch.equal(policy.sample(head, noise).action, own.action)
    assert torch.equal(drawn.action, own.action)
    assert torch.equal(policy.mode(head), family.mode(head[..., :6]))
    # z is computed from the draw instead of the noise, which a float32 rounds by |u| / sigma.
    torch.testing.assert_close(drawn.log_prob, own.log_prob, rtol=1e-4, atol=1e-3)
    by_action, by_log_prob = normal32(1, 6, 2, 3, seed=51), normal32(1, 6, 2, seed=52)
    found = vjp(by_action, by_log_prob, torch.ones(1, 6, 2))
    torch.testing.assert_close(found[..., :6], own_vjp(by_action, by_log_prob, None), rtol=1e-4, atol=1e-3)
    assert (found[..., 6] == 0).all()


def test_a_mixture_of_gaussians_is_a_gaussian_mixture_but_for_the_greedy_action():
    """The same head and noise give the same bits; mean-shift finds a denser point than any mean."""
    options = {"num_components": 3}
    mixture = Case("Mixture", options | {"component_policy": "Gaussian"}).make(ASYMMETRIC)
    own = Case("GaussianMixture", options).make(ASYMMETRIC)
    assert isinstance(own, GaussianMixture)
    head = Case("GaussianMixture", options).heads(3, 1, 20, seed=53)
    noise = one_run_noise(own, 20, 4, 54)
    assert torch.equal(noise, one_run_noise(mixture, 20, 4, 54))
    for found, expected in zip(mixture.sample_pathwise(head, noise), own.sample_pathwise(head, noise), strict=True):
        assert torch.equal(torch.as_tensor(found), torch.as_tensor(expected))
    at_mean, at_mode = (own.log_prob(head, one.mode(head).unsqueeze(2)) for one in (mixture, own))
    assert (at_mode >= at_mean - 1e-4).all()
    assert (at_mode > at_mean).any()
