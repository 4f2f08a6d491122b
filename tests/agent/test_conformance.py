"""Tests that every policy must pass: density, sampler, mode, gradients, finiteness, bits.

Formulas are compared in float64, which policies also support, so that no tolerance hides
a wrong term behind float32's rounding; samples, extremes and bits are tested in the float32 that learners use.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats
from torch import Tensor

from agent.actor_critic_hyperparameters import BOX_POLICIES
from agent.policy.base import EDGE_MARGIN, VJP, Policy, Proposals
from agent.policy.functions import log1mexp, log_beta, softplus
from agent.policy.gamma import CANDIDATES, draw_gamma, marsaglia_tsang
from tests.support.laws import CASES, Bounds, Case, components, laws, log_density
from tests.support.reference import UNIT, normal32, rng
from utils.core.random_streams import Draws

SYMMETRIC = ((-2.0, 2.0), (-0.5, 0.5), (-1.0, 1.0))
ASYMMETRIC = ((-1.0, 3.0), (0.25, 0.75), (-7.0, -2.0))
BOXES = [SYMMETRIC[:1], ASYMMETRIC[:1], SYMMETRIC, ASYMMETRIC]

each_case = pytest.mark.parametrize("case", CASES, ids=str)
each_box = pytest.mark.parametrize("bounds", BOXES, ids=["1", "1 asymmetric", "3", "3 asymmetric"])
each_line = pytest.mark.parametrize("bounds", BOXES[:2], ids=["1", "1 asymmetric"])

LEVEL = 1e-8
"""False-alarm probability of one comparison; a test makes up to 36 (9 outputs, 4 boxes), so each stays below 1e-6."""

SIGMAS = 5.73
"""Number of standard errors with that two-sided level."""


def test_every_policy_is_tested():
    """Softmax, which has no density, is tested in test_softmax.py instead."""
    assert {case.kind for case in CASES} == set(BOX_POLICIES)


def one_run_noise(policy: Policy, rows: int, k: int, seed: int) -> Tensor:
    """Return one run's noise (1, rows, k, ...)."""
    return policy.latent_noise(Draws([seed], "act"), rows, k)


# The density.


def spread_actions(case: Case, bounds: Bounds, *shape: int) -> Tensor:
    """Return actions (*shape, A), float64, all over the box, and as far again outside it if the support is R."""
    low, high = torch.tensor(bounds, dtype=torch.float64).T
    position = torch.from_numpy(rng(2).uniform(-0.99, 0.99, (*shape, len(bounds))))
    return (high + low) / 2 + (high - low) / 2 * position * (1.0 if case.on_the_box else 2.0)


@each_box
@each_case
def test_log_prob_against_scipy(case, bounds):
    """In float64; for a q-Gaussian of q < 1 only inside its support, outside of which scipy returns -inf."""
    policy, head = case.make(bounds, dtype=torch.float64), case.heads(len(bounds), 1, 40, seed=1).double()
    drawn = policy.sample(head, one_run_noise(policy, 40, 2, 1)).action
    action = torch.cat((spread_actions(case, bounds, 1, 40, 3), drawn), 2)
    found = policy.log_prob(head, action).numpy()
    expected = np.stack(
        [log_density(case, bounds, h, a) for h, a in zip(head[0].numpy(), action[0].numpy(), strict=True)]
    )
    inside = np.isfinite(expected)
    assert found.shape == (1, 40, 5)
    assert inside.mean() > 0.35, "two of five are draws"
    assert np.isfinite(found).all()
    # z / sigma reaches 1e3 and multiplies float64's 1e-16; scipy's special functions have errors of about 1e-13.
    np.testing.assert_allclose(found[0][inside], expected[inside], rtol=1e-10, atol=1e-10)


@each_box
@each_case
def test_a_draws_log_prob_in_float32_against_scipy_at_the_unclipped_latent(case, bounds):
    """The density is evaluated at the draw itself, also outside the box for policies on R."""
    policy, head = case.make(bounds), case.heads(len(bounds), 1, 50, seed=3)
    proposals = policy.sample(head, one_run_noise(policy, 50, 4, 4))
    wide = case.make(bounds, dtype=torch.float64)
    latent = proposals.latent.double()
    found, exact = proposals.log_prob.numpy(), wide.latent_log_prob(head.double(), latent).numpy()
    # A latent is rounded, which moves z = (a - mu) / sigma by |a| / sigma UNIT, about 1e-5, and log pi by that
    # times |z| <= 10; by more near the edge of a q-Gaussian of q < 1, or in a heavy tail.
    tight = np.abs(found - exact) <= 1e-3 + 1e-5 * np.abs(exact)
    assert tight.mean() > 0.99
    if case.on_the_box:
        return
    assert torch.equal(proposals.action, proposals.latent)
    low, high = torch.tensor(bounds).T
    assert ((latent < low) | (latent > high)).any(), "some draws are outside"
    expected = np.stack(
        [log_density(case, bounds, h, a) for h, a in zip(head[0].double().numpy(), latent[0].numpy(), strict=True)]
    )
    close = np.abs(found[0] - expected) <= 1e-3 + 1e-5 * np.abs(expected)
    assert close.mean() > 0.99


@each_line
@each_case
def test_the_density_integrates_to_one(case, bounds):
    """The integral is over t; a = centre + scale tanh t on the box, else mode + sinh t: a Cauchy's tails to 1e13.

    On the box it is compared with the mass further from the bounds than EDGE_MARGIN, where actions have latents.
    """
    policy, head = case.make(bounds, dtype=torch.float64), case.heads(1, 20, 1, seed=5).double()
    edge = math.atanh(1.0 - 2.0 * EDGE_MARGIN) if case.on_the_box else 30.0
    t = torch.linspace(-edge, edge, 40_001, dtype=torch.float64)
    low, high = bounds[0]
    for one in head[:, None]:
        (law,) = laws(case, bounds, one[0, 0].numpy())
        action, slope = policy.mode(one).item() + torch.sinh(t), torch.cosh(t)
        if case.on_the_box:
            action, slope = (high + low) / 2 + (high - low) / 2 * torch.tanh(t), (high - low) / 2 / torch.cosh(t) ** 2
        density = policy.log_prob(one, action.view(1, 1, -1, 1)).exp()[0, 0] * slope
        # The step is 0.0015 of a standard deviation of 0.1 at least 0.015: a kink (Laplace) costs its square over
        # 12, the edge of a q-Gaussian of q < 1 its power 3/2, the outside of its support FLOOR^(1/2) at q = -1.
        wanted = torch.isfinite(density)
        if case.options.get("entropic_index", 1.0) < 1:
            wanted &= torch.from_numpy(np.isfinite(law.logpdf(action.numpy())))
        mass = np.diff(law.cdf(action[[0, -1]].numpy())).item()
        assert integrate.trapezoid(torch.where(wanted, density, 0.0), t) == pytest.approx(mass, abs=5e-4)


@pytest.mark.parametrize("q", [0.5, 0.0, -1.0])
def test_outside_a_bounded_q_gaussians_support_the_log_density_is_a_floor(q):
    """The floor, at 1 + r z^2 = 2^-24, is below nearly all of the density inside, finite, flat in the action and mu."""
    policy = Case("QGaussian", {"entropic_index": q}).make(SYMMETRIC[:1])
    half = math.sqrt((3 - q) / (1 - q))
    action = (half * torch.tensor([1.001, 2.0, -1.5, -1e6, 0.0])).view(1, 1, 5, 1)
    head = torch.zeros(1, 1, 2, requires_grad=True)
    with torch.enable_grad():
        value = policy.log_prob(head, action)
        outside, inside = value[0, 0, :4], value[0, 0, 4].item()
        (grad,) = torch.autograd.grad(outside.sum(), head)
    # log(2^-24) / (1 - q), of a sum of two or three terms of that size.
    np.testing.assert_allclose(inside - outside.detach(), 24 * math.log(2) / (1 - q), rtol=4 * UNIT)
    assert grad[0, 0].tolist() == [0.0, -4.0], "zero by mu; by log sigma that of its Jacobian"


# The sampler.


@each_box
@each_case
def test_samples_follow_the_density(case, bounds):
    """Every dimension passes a Kolmogorov-Smirnov test; dimensions are uncorrelated, except in a mixture.

    The seeds are fixed.
    """
    n, dims = 20_000, len(bounds)
    policy, head = case.make(bounds), case.heads(dims, 1, 1, seed=6)
    action = policy.sample(head, one_run_noise(policy, 1, n, 7)).action[0, 0].double().numpy()
    marginals = laws(case, bounds, head[0, 0].double().numpy())
    rank = np.stack([law.cdf(action[:, d]) for d, law in enumerate(marginals)], 1)
    for d in range(dims):
        assert stats.kstest(rank[:, d], "uniform").pvalue > LEVEL
    if dims > 1 and case.components == 1:
        assert np.abs(np.corrcoef(rank.T) - np.eye(dims)).max() < SIGMAS / math.sqrt(n)


@each_box
@each_case
def test_the_mean_log_prob_of_samples_is_minus_the_entropy(case, bounds):
    """The entropy is scipy's or by quadrature; of a mixture of several dimensions, scipy's -log p at its own draws."""
    n, dims = 20_000, len(bounds)
    policy, head = case.make(bounds), case.heads(dims, 1, 1, seed=8)
    log_prob = policy.sample(head, one_run_noise(policy, 1, n, 9)).log_prob.double().numpy()
    one, error = head[0, 0].double().numpy(), log_prob.std() / math.sqrt(n)
    if case.components > 1 and dims > 1:
        weight, parts = components(case, bounds, one)
        draws = np.array([[law.rvs(n, random_state=rng(11, d)) for d, law in enumerate(part)] for part in parts])
        other = draws[rng(10).choice(len(weight), n, p=weight), :, np.arange(n)]
        entropy, error = -log_density(case, bounds, one, other).mean(), error * math.sqrt(2)
    else:
        entropy = sum(law.entropy() for law in laws(case, bounds, one))
    # Statistical error, plus 1e-4 for float32 rounding of the log densities and for the quadrature.
    assert -log_prob.mean() == pytest.approx(entropy, abs=SIGMAS * error + 1e-4)


@each_case
def test_sampling_is_a_function_of_its_noise(case):
    """The same noise gives the same bits, permuted noise gives permuted proposals, and noise is not modified."""
    policy, head = case.make(ASYMMETRIC), case.heads(3, 1, 8, seed=12)
    noise = one_run_noise(policy, 8, 5, 13)
    before, first = noise.clone(), policy.sample(head, noise)
    policy.sample(head, one_run_noise(policy, 8, 5, 14))
    again, order = policy.sample(head, before.clone()), [3, 0, 4, 1, 2]
    permuted = policy.sample(head, noise[:, :, order])
    assert torch.equal(noise, before)
    for name in ("action", "log_prob", "latent"):
        assert torch.equal(getattr(first, name), getattr(again, name))
        assert torch.equal(getattr(first, name)[:, :, order], getattr(permuted, name))
    assert first.weight == 0.2


@each_case
def test_a_runs_noise_depends_only_on_its_seed(case):
    policy = case.make(ASYMMETRIC)
    stacked = policy.latent_noise(Draws([5, 6, 7], "update"), 4, 2)
    assert stacked.shape[:3] == (3, 4, 2)
    assert torch.equal(stacked[1:2], policy.latent_noise(Draws([6], "update"), 4, 2))


@each_box
@each_case
def test_sample_agrees_with_draw_latent_to_action_and_latent_log_prob(case, bounds):
    policy, head = case.make(bounds), case.heads(len(bounds), 1, 30, seed=15)
    noise = one_run_noise(policy, 30, 4, 16)
    proposals, latent = policy.sample(head, noise), policy.draw_latent(head, noise)
    assert proposals.action.shape == proposals.latent.shape == (1, 30, 4, len(bounds))
    assert proposals.log_prob.shape == (1, 30, 4)
    assert proposals.action.dtype == proposals.log_prob.dtype == torch.float32
    assert torch.equal(proposals.latent, latent)
    assert torch.equal(proposals.action, policy.to_action(latent))
    # A policy may compute z from the noise instead: rounded by |latent| / sigma, up to 300 UNIT, times z.
    torch.testing.assert_close(policy.latent_log_prob(head, latent), proposals.log_prob, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("case", [case for case in CASES if case.on_the_box], ids=str)
def test_actions_are_inside_any_bounds(case):
    """Sampled and greedy actions are inside 500 boxes at heads of every size; low + width may round to above high."""
    low = rng(17).uniform(-3.0, 3.0, 500)
    bounds = list(zip(low, low + rng(18).uniform(0.1, 3.0, 500), strict=True))
    policy = case.make(bounds)
    head = torch.tensor([0.0, 1.0, 10.0, 50.0]).view(1, 4, 1) * normal32(1, 4, policy.head_dim, seed=19).sign()
    box = policy.box
    for action in (policy.sample(head, one_run_noise(policy, 4, 10, 20)).action, policy.mode(head)):
        assert ((action >= box.low) & (action <= box.high)).all()


# The mode.


@each_box
@pytest.mark.parametrize("case", [case for case in CASES if case.kind != "Mixture"], ids=str)
def test_the_mode_maximises_the_density(case, bounds):
    """The mode is compared in float64 with draws, a grid along every dimension, and points near it.

    For Mixture see test_mixture.py.
    SquashedGaussian's greedy action is the squashed mean. At u = mu its log density increases by 2 y per unit of
    u, so the maximum is at most (2 y sigma)^2 / 2 < 2 sigma^2 per dimension higher: tested at sigma = 0.01.
    """
    dims, slack = len(bounds), 1e-9
    policy, head = case.make(bounds, dtype=torch.float64), case.heads(dims, 1, 40, seed=21).double()
    if case.kind == "SquashedGaussian":
        head[..., dims:], slack = math.log(0.01), 2.1e-4 * dims
    if case.kind == "GaussianMixture":
        slack = MIXTURE_SLACK
    mode = policy.mode(head)
    low, high = policy.box.low, policy.box.high
    assert ((mode >= low) & (mode <= high)).all()
    at_mode = policy.log_prob(head, mode.unsqueeze(2))
    grid = torch.linspace(0.0, 1.0, 401, dtype=torch.float64).view(1, 1, -1, 1) * (high - low) + low
    rivals = [policy.sample(head, one_run_noise(policy, 40, 200, 22)).action]
    for d in range(dims):
        along = mode.unsqueeze(2).repeat(1, 1, 401, 1)
        along[..., d] = grid[..., d]
        rivals.append(along)
    near = mode.unsqueeze(2) + 0.01 * torch.from_numpy(rng(23).standard_normal((1, 40, 100, dims)))
    rivals.append(near if not case.on_the_box else policy.box.clip(near))
    for rival in rivals:
        assert (policy.log_prob(head, rival) <= at_mode + slack).all()


MIXTURE_SLACK = 1e-4
"""Tolerance of a mixture's mode; measured over 9000 heads: 4e-5. Mean-shift stops after a fixed number of steps,
perhaps where modes are about to merge and the density is level."""


def test_a_mixtures_mode_between_its_means():
    """Two long thin components of equal weight cross between their means, and their mode is where they cross.

    They are at (0, 0) along the first axis and at (1, 1) along the second, and cross at (1, 0). With h the height of
    one, the density is 2 h e^(-1/2) = 1.21 h there and h at either mean.
    """
    policy = Case("GaussianMixture", {"num_components": 2}).make([(-2.0, 2.0)] * 2)
    thin, one = math.log(0.05), math.atanh(0.5)
    head = torch.tensor([[[0.0, 0.0, one, one, 0.0, thin, thin, 0.0, 0.0, 0.0]]])
    # The other axis' variance moves the maximum towards the means, by 0.05^2 of the distance.
    np.testing.assert_allclose(policy.mode(head)[0, 0].numpy(), [1.0, 0.0], atol=0.005)


@pytest.mark.parametrize(
    "head", [(-50.0, -50.0), (-50.0, 50.0), (50.0, -50.0), (50.0, 50.0), (-50.0, 0.0), (0.0, -50.0)]
)
@pytest.mark.parametrize("kind", ["Beta", "Kumaraswamy"])
def test_modes_where_a_shape_is_one(kind, head):
    """With a = b = 1 the density is level and the mode in between; else it is at the end with the largest density."""
    mode = Case(kind).make([(0.0, 1.0)]).mode(torch.tensor([[head]])).item()
    a, b = (float(np.logaddexp(0, x)) for x in head)
    expected = a / (a + b) if kind == "Beta" else (a / (a + b + a * b)) ** (1 / (1 + a))
    assert mode == pytest.approx(expected, abs=4 * UNIT)  # float32 near 1


# Gradients.


def smooth_function(action: Tensor, bounds: Bounds) -> Tensor:
    """Return a bounded function (...,) of actions (..., A) whose slope vanishes far out, as heavy tails require."""
    low, high = torch.tensor(bounds, dtype=action.dtype).T
    y = (2 * action - high - low) / (high - low)
    return torch.tanh(2 * y - 0.5).sum(-1) + torch.exp(-((y - 0.3) ** 2).sum(-1))


def repeat_head(case: Case, bounds: Bounds, rows: int, seed: int) -> tuple[Policy, Tensor, Tensor]:
    """Return a policy, the same head in each of many states, so that each draw has its own gradient, and noise."""
    policy = case.make(bounds)
    head = case.heads(len(bounds), 1, 1, seed=seed).expand(1, rows, -1).contiguous()
    return policy, head, one_run_noise(policy, rows, 1, seed + 1)


WITH_VARIANCE = [case for case in CASES if case.options.get("entropic_index", 1.0) > 0]
"""Cases whose likelihood ratio has a finite variance: a q-Gaussian of q <= 0 falls so steeply at its support's edge
that the square of its score has no mean."""


def weighted_gradient(proposals: Proposals, vjp: VJP, by_action: Tensor, by_log_prob: Tensor, f: Tensor) -> Tensor:
    """Return each state's gradient of sum_k w f, (rows, D).  by_action, by_log_prob: of f (1, rows, K)."""
    share = torch.as_tensor(proposals.weight)
    by_weight = f if isinstance(proposals.weight, Tensor) else None
    return vjp(by_action * share.unsqueeze(-1), by_log_prob * share, by_weight)[0].double()


def pathwise_gradient(policy: Policy, bounds: Bounds, head: Tensor, noise: Tensor) -> Tensor:
    """Return each state's gradient of the weighted sum of f over its draws, (rows, D)."""
    proposals, vjp = policy.sample_with_vjp(head, noise)
    action = proposals.action.requires_grad_()
    with torch.enable_grad():
        f = smooth_function(action, bounds)
        (slope,) = torch.autograd.grad(f.sum(), action)
    return weighted_gradient(proposals, vjp, slope, torch.zeros_like(f), f.detach())


def likelihood_ratio_gradient(policy: Policy, bounds: Bounds, head: Tensor, noise: Tensor) -> Tensor:
    """Return each draw's (f - mean f) grad log pi, (rows, D)."""
    latent = policy.draw_latent(head, noise)
    value, taped = smooth_function(policy.to_action(latent), bounds), head.clone().requires_grad_()
    with torch.enable_grad():
        scored = policy.latent_log_prob(taped, latent)
    (grad,) = torch.autograd.grad(scored, taped, value - value.mean())
    return grad[0].double()


@each_box
@pytest.mark.parametrize("case", WITH_VARIANCE, ids=str)
def test_the_pathwise_and_likelihood_ratio_gradients_agree_on_average(case, bounds):
    """Both estimate the gradient of E f(a) by every head output, and agree within their joint standard error."""
    rows = 20_000
    policy, head, noise = repeat_head(case, bounds, rows, 24)
    pathwise = pathwise_gradient(policy, bounds, head, noise)
    ratio = likelihood_ratio_gradient(policy, bounds, head, one_run_noise(policy, rows, 1, 26))
    error = torch.sqrt(pathwise.var(0) / rows + ratio.var(0) / rows)
    assert ((pathwise.mean(0) - ratio.mean(0)).abs() <= SIGMAS * error + 1e-6).all()
    # The comparison is meaningful: the gradient is far larger than its error.
    assert pathwise.mean(0).norm() > 5 * error.norm()


ESTIMATORS = [(case, pathwise_gradient) for case in CASES] + [
    (case, likelihood_ratio_gradient) for case in WITH_VARIANCE
]


@each_line
@pytest.mark.parametrize(("case", "estimator"), ESTIMATORS, ids=lambda x: getattr(x, "__name__", str(x)))
def test_gradients_against_quadrature(case, bounds, estimator):
    """The reference is d/dhead of the integral of f(a) pi(a), by differences of scipy's distribution functions."""
    rows = 20_000
    policy, head, noise = repeat_head(case, bounds, rows, 27)
    found = estimator(policy, bounds, head, noise)
    low, high = bounds[0]
    t = np.linspace(-1, 1, 4001)
    edges = (high + low) / 2 + (high - low) / 2 * (t if case.on_the_box else np.sinh(9 * t))
    f = smooth_function(torch.from_numpy((edges[1:] + edges[:-1]) / 2).unsqueeze(-1), bounds).numpy()

    def mean(one: np.ndarray) -> float:
        (law,) = laws(case, bounds, one)
        return float((f * np.diff(law.cdf(edges))).sum())

    one, step = head[0, 0].double().numpy(), 1e-4
    exact = [(mean(one + step * e) - mean(one - step * e)) / (2 * step) for e in np.eye(len(one))]
    error = found.std(0).numpy() / math.sqrt(rows)
    # Plus 2e-3 for the quadrature's cells, up to 0.01 wide where f bends, and a tail cut at 4000 half-widths.
    assert (np.abs(found.mean(0).numpy() - exact) <= SIGMAS * error + 2e-3).all()


@each_line
@each_case
def test_the_pathwise_gradient_of_the_entropy_against_scipy(case, bounds):
    """-E dlog pi(a(head)) / dhead through the draw is dH/dhead, by central differences of scipy's H."""
    rows = 20_000
    policy, head, noise = repeat_head(case, bounds, rows, 29)
    proposals, vjp = policy.sample_with_vjp(head, noise)
    ones, nothing = torch.ones_like(proposals.log_prob), torch.zeros_like(proposals.action)
    pathwise = -weighted_gradient(proposals, vjp, nothing, ones, proposals.log_prob).numpy()
    one, step = head[0, 0].double().numpy(), 1e-3

    def entropy(at: np.ndarray) -> float:
        return sum(law.entropy() for law in laws(case, bounds, at))

    exact = [(entropy(one + step * e) - entropy(one - step * e)) / (2 * step) for e in np.eye(len(one))]
    error = pathwise.std(0) / math.sqrt(rows)
    # Plus 1e-3: differences have an error of step^2, and the gamma variates' implicit derivative one as large.
    assert (np.abs(pathwise.mean(0) - exact) <= SIGMAS * error + 1e-3).all()


@each_case
def test_score_gradients_against_finite_differences(case):
    """Gradients of latent_log_prob, and of `sample_pathwise`; a gamma variate's is no derivative at fixed noise."""
    policy, head = case.make(ASYMMETRIC, dtype=torch.float64), case.heads(3, 1, 1, seed=31).double().requires_grad_()
    noise = one_run_noise(policy, 1, 2, 32).double()
    with torch.enable_grad():
        latent = policy.draw_latent(head.detach(), noise)
        assert torch.autograd.gradcheck(lambda h: policy.latent_log_prob(h, latent), head)
        if case.family.kind != "Beta":
            count = 2 if case.components == 1 else 3  # The weights of components are differentiable too.
            assert torch.autograd.gradcheck(lambda h: policy.sample_pathwise(h, noise)[:count], head)


@each_case
def test_pathwise_is_whether_draws_have_a_gradient(case):
    """Every policy over a box has one; Softmax, which has none, is tested in test_softmax.py."""
    policy, head = case.make(ASYMMETRIC), case.heads(3, 1, 2, seed=33).requires_grad_()
    with torch.enable_grad():
        latent = policy.sample_pathwise(head, one_run_noise(policy, 2, 3, 34)).latent
    assert latent.requires_grad
    assert policy.pathwise


# Extremes.


def extreme_heads(policy: Policy) -> Tensor:
    """Return heads (1, B, D) of -50, 0 and 50: all outputs equal, a single one nonzero, and mixed."""
    equal = torch.tensor([-50.0, 0.0, 50.0]).unsqueeze(1).expand(3, policy.head_dim)
    mixed = torch.from_numpy(rng(35).choice([-50.0, 0.0, 50.0], (200, policy.head_dim)).astype(np.float32))
    return torch.cat((equal, 50 * torch.eye(policy.head_dim), -50 * torch.eye(policy.head_dim), mixed)).unsqueeze(0)


def extreme_noise(case: Case, policy: Policy, rows: int) -> Tensor:
    """Return ordinary noise, with the extreme values of a stream as the first draws."""
    noise = one_run_noise(policy, rows, 8, 36)
    ends = (0.0, 1.0 - 2.0**-53, 2.0**-53, 0.5) if noise.dtype == torch.float64 else (-6.0, 6.0, 0.0, -1.0)
    for k, end in enumerate(ends):
        noise[:, :, k] = end
    return noise


def assert_finite(function: Callable[[Tensor], Tensor], head: Tensor) -> None:
    """Check that a function's value is finite, and its gradient by the head if it has one."""
    head = head.clone().requires_grad_()
    with torch.enable_grad():
        value = function(head)
        total = value.sum()
    assert torch.isfinite(value).all()
    if value.requires_grad:
        (grad,) = torch.autograd.grad(total, head)
        assert torch.isfinite(grad).all()


@pytest.mark.parametrize("clip", [1000.0, 0.0], ids=["clipped", "unlimited"])
@each_box
@each_case
def test_draws_are_finite_at_extreme_heads(case, bounds, clip):
    policy = case.make(bounds, (clip,))
    head = extreme_heads(policy)
    noise = extreme_noise(case, policy, head.shape[1])
    latent = policy.draw_latent(head, noise)
    assert_finite(lambda h: policy.sample(h, noise).action, head)
    assert_finite(lambda h: policy.sample(h, noise).log_prob, head)
    assert_finite(lambda h: policy.latent_log_prob(h, latent), head)
    assert torch.isfinite(policy.mode(head)).all()
    proposals, vjp = policy.sample_with_vjp(head, noise)
    ones = torch.ones_like(proposals.log_prob)
    assert torch.isfinite(weighted_gradient(proposals, vjp, torch.ones_like(proposals.action), ones, ones)).all()


@each_box
@each_case
def test_replay_actions_on_and_outside_the_bounds_are_finite_at_extreme_heads(case, bounds):
    low, high = torch.tensor(bounds).T
    policy = case.make(bounds)
    head = extreme_heads(policy)
    position = torch.tensor([-1.0, 1.0, 0.0, -1.0 - 1e-6, 1.0 + 1e-6, -1.5, 1.5, -1e3, 1e3]).view(1, 1, -1, 1)
    action = ((high + low) / 2 + (high - low) / 2 * position).expand(1, head.shape[1], -1, -1)
    assert torch.isfinite(policy.to_latent(action)).all()
    assert_finite(lambda h: policy.log_prob(h, action), head)


@each_box
@each_case
def test_to_action_inverts_to_latent(case, bounds):
    """Up to a few roundings of the box's largest number; exactly for policies on R."""
    policy, action = case.make(bounds), spread_actions(case, bounds, 1, 100, 1).float()
    back = policy.to_action(policy.to_latent(action))
    if not case.on_the_box:
        assert torch.equal(back, action)
    largest = max(abs(x) for pair in bounds for x in pair)
    # log x and logit x of up to 5 are rounded by 5 UNIT and stretch no position by more than 1.
    torch.testing.assert_close(back, action, rtol=0, atol=16 * UNIT * 2 * largest)


# Bits.


def all_outputs(case: Case, members: list[int], dims: int, rows: int, k: int) -> dict[str, Tensor]:
    """Return all that learners compute with a policy, for some of 16 runs; heads are part of a longer pass."""
    policy = case.make(ASYMMETRIC[:1] * dims, torch.linspace(-1.0, 5.0, 16)[members].tolist())
    heads = 3 * normal32(16, 2 * rows, policy.head_dim, seed=37)[members]
    noise = policy.latent_noise(Draws(members, "update"), rows, 1 + k)
    by_action, by_log_prob = normal32(16, rows, k, dims, seed=38)[members], normal32(16, rows, k, seed=39)[members]
    next_proposals = policy.sample(heads[:, rows:], noise[:, :, :1])
    head = heads[:, :rows].detach().requires_grad_()
    proposals = policy.sample(head.detach(), noise[:, :, 1:])
    with torch.enable_grad():
        scored = policy.latent_log_prob(head, proposals.latent)
    found = {
        "next action": next_proposals.action,
        "next log_prob": next_proposals.log_prob,
        "latent": proposals.latent,
        "action": proposals.action,
        "log_prob": proposals.log_prob,
        "score": scored.detach(),
        "score gradient": torch.autograd.grad(scored, head, by_log_prob)[0],
        "replay log_prob": policy.log_prob(heads[:, :rows], proposals.action),
        "mode": policy.mode(heads[:, :rows]),
    }
    pathwise, vjp = policy.sample_with_vjp(heads[:, :rows], noise[:, :, 1:])
    repeated = pathwise.log_prob.shape[2] // k
    by_action, by_log_prob = by_action.repeat(1, 1, repeated, 1), by_log_prob.repeat(1, 1, repeated)
    by_weight = by_log_prob + 1.0 if repeated > 1 else None
    return found | {
        "pathwise log_prob": pathwise.log_prob,
        "pathwise weight": torch.as_tensor(pathwise.weight).expand(pathwise.log_prob.shape),
        "pathwise": vjp(by_action, by_log_prob, by_weight),
    }


@pytest.mark.parametrize(("rows", "k"), [(1, 1), (10, 4), (32, 1)])
@pytest.mark.parametrize("dims", [1, 3])
@each_case
def test_a_slot_has_the_same_bits_as_a_stack_of_one(case, dims, rows, k):
    single = [all_outputs(case, [i], dims, rows, k) for i in range(16)]
    broken = set()
    for members in ([9, 4], [12, 1, 15, 6, 2], list(range(15, -1, -1))):
        for name, found in all_outputs(case, members, dims, rows, k).items():
            for slot, member in enumerate(members):
                if not torch.equal(found[slot], single[member][name][0]):
                    broken.add((name, len(members)))
    assert not broken


# Options.


@pytest.mark.parametrize("kind", BOX_POLICIES)
def test_an_unknown_option_is_an_error(kind):
    with pytest.raises(TypeError, match="temperature"):
        Case(kind, {"temperature": 1.0}).make(SYMMETRIC)


@pytest.mark.parametrize("q", [3.0, 4.0, math.nan])
def test_q_must_be_below_three(q):
    with pytest.raises(ValueError, match="entropic_index"):
        Case("QGaussian", {"entropic_index": q}).make(SYMMETRIC)


@pytest.mark.parametrize("kind", ["Gaussian", "TruncatedGaussian", "Student", "Laplace"])
def test_clip_stddev_applies_per_run(kind):
    """Where log sigma is beyond the clip, the density is that at the clip; unlimited where clip <= 0."""
    clips = (1000.0, 2.0, 1.0, 0.0, -3.0, 1.5)
    case = Case(kind)
    policy = case.make(SYMMETRIC[:1], clips)
    width = policy.head_dim
    for log_std in (-9.0, -0.5, 0.3, 9.0):
        head = torch.zeros(len(clips), 1, width)
        head[..., 1] = log_std
        found = policy.latent_log_prob(head, torch.full((len(clips), 1, 1, 1), 1e-4))[:, 0, 0]
        for run, clip in enumerate(clips):
            bound = math.log(clip) if clip > 0 else math.inf
            one = np.array([0.0, np.clip(log_std, -bound, bound), 0.0][:width])
            expected = log_density(case, SYMMETRIC[:1], one, np.full((1,), 1e-4))
            # exp of a float32 logarithm up to 9 has an error of 9 UNIT, doubled in z^2 <= 1.
            assert found[run].item() == pytest.approx(float(expected), rel=64 * UNIT, abs=64 * UNIT)


# The parts.


@pytest.mark.parametrize("shape", [1.0, 1.3, 2.0, 5.0, 51.0])
def test_gamma_variates(shape):
    """Their derivative by the shape is compared with -(dF/dshape) / density by central differences."""
    noise, a = normal32(20_000, CANDIDATES, 2, seed=40), torch.full((20_000,), shape, requires_grad=True)
    with torch.enable_grad():
        value = draw_gamma(a, noise)
        (grad,) = torch.autograd.grad(value.sum(), a)
    assert stats.kstest(value.detach().double().numpy(), stats.gamma(shape).cdf).pvalue > LEVEL
    x = value.detach().double().numpy()
    exact = -(stats.gamma.cdf(x, shape + 1e-5) - stats.gamma.cdf(x, shape - 1e-5)) / 2e-5 / stats.gamma.pdf(x, shape)
    bulk = (stats.gamma.cdf(x, shape) > 1e-3) & (stats.gamma.cdf(x, shape) < 1 - 1e-3)
    # torch's approximations have a relative error of 1e-3 in places.
    np.testing.assert_allclose(grad.numpy()[bulk], exact[bulk], rtol=2e-3, atol=1e-4)


def test_gamma_candidates_are_almost_never_all_rejected():
    """Acceptance is lowest at shape 1 (by quadrature), and the fallback if all are rejected is positive."""
    d = 2 / 3
    root = math.sqrt(9 * d)

    def accepted(x: float) -> float:
        v = (1 + x / root) ** 3
        return stats.norm.pdf(x) * min(1.0, math.exp(0.5 * x * x + d - d * v + d * math.log(v)))

    probability, _ = integrate.quad(accepted, -root, 12.0, limit=200)
    assert 0.95 < probability < 0.953
    assert (1 - probability) ** CANDIDATES < 1e-9 / 2, "for each of a Beta's two gamma variates"
    rejected = torch.full((1, CANDIDATES, 2), -9.0)
    assert marsaglia_tsang(torch.ones(1), rejected).item() > 0


def test_the_special_functions():
    """They agree with numpy and scipy up to one or two float32 roundings of each term."""
    x = torch.cat((torch.linspace(-60.0, 60.0, 4001), torch.tensor([1e-30, -1e-30, 0.0])))
    np.testing.assert_allclose(softplus(x), np.logaddexp(0, x.double().numpy()), rtol=4 * UNIT)
    w = torch.logspace(-30, 2, 500)
    wide = w.double().numpy()
    exact = np.where(wide > 1, np.log1p(-np.exp(-np.maximum(wide, 1))), np.log(-np.expm1(-wide)))
    np.testing.assert_allclose(log1mexp(w), exact, rtol=8 * UNIT, atol=1e-38)
    a, b = torch.logspace(0, 5, 50), torch.logspace(-1, 4, 50)
    exact = [special.betaln(p, q) for p, q in zip(a.tolist(), b.tolist(), strict=True)]
    np.testing.assert_allclose(log_beta(a, b), exact, rtol=2 * UNIT, atol=1e-9)
    zero = torch.zeros(1, requires_grad=True)
    with torch.enable_grad():
        assert torch.autograd.grad(softplus(zero).sum(), zero)[0].item() == 0.5
