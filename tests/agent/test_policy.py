"""Tests of the two Gaussians: densities, samplers and modes against scipy, quadrature and their definitions.

The tests that every policy must pass are in test_conformance.py.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats
from torch import Tensor

from agent.policy import policy_class
from agent.policy.base import ActionBox, Policy
from tests.support.reference import UNIT, normal32, rng
from utils.core.random_streams import Draws, make_generator

SYMMETRIC = ((-2.0, 2.0), (-0.5, 0.5), (-1.0, 1.0))
ASYMMETRIC = ((-1.0, 3.0), (0.25, 0.75), (-7.0, -2.0))
BOXES = [SYMMETRIC[:1], ASYMMETRIC[:1], SYMMETRIC, ASYMMETRIC]
BOX_NAMES = ["symmetric", "asymmetric", "symmetric 3", "asymmetric 3"]

each_policy = pytest.mark.parametrize("kind", ["Gaussian", "SquashedGaussian"])
each_box = pytest.mark.parametrize("bounds", BOXES, ids=BOX_NAMES)


def make(kind: str, bounds: tuple[tuple[float, float], ...], clips: tuple[float, ...] = (1000.0,)) -> Policy:
    low, high = torch.tensor(bounds).T
    return policy_class(kind)(ActionBox(low, high), torch.tensor(clips))


def head_of(locations: list[float], sigmas: list[float]) -> Tensor:
    """Return one state's head (1, 1, 2 A) from locations before the tanh and standard deviations."""
    return torch.tensor([*locations, *np.log(sigmas)], dtype=torch.float32).view(1, 1, -1)


def random_heads(runs: int, rows: int, dims: int, seed: int) -> Tensor:
    """Return heads (R, B, 2 A): locations about +-1, standard deviations from about 0.1 to 2."""
    head = normal32(runs, rows, 2 * dims, seed=seed)
    head[..., dims:] = 0.7 * head[..., dims:] - 0.7
    return head


def law(kind: str, bounds: tuple[tuple[float, float], ...], head: Tensor) -> tuple[np.ndarray, ...]:
    """Return the latents' mean and deviation (R, B, 1, A), and the box's centre and scale; float64, without clip."""
    low, high = np.array(bounds).T
    centre, scale = (high + low) / 2, (high - low) / 2
    location, log_std = np.split(head.double().numpy()[:, :, None], 2, -1)
    mean = location if kind == "SquashedGaussian" else centre + scale * np.tanh(location)
    return mean, np.exp(log_std), centre, scale


def scipy_log_prob(kind: str, bounds: tuple[tuple[float, float], ...], head: Tensor, action: Tensor) -> np.ndarray:
    """Return the log density (R, B, K): normal, or if squashed, (a - low) / width is logit-normal(2 mu, 2 sigma)."""
    mean, std, centre, scale = law(kind, bounds, head)
    a = action.double().numpy()
    if kind == "Gaussian":
        return stats.norm.logpdf(a, mean, std).sum(-1)
    place = ((a - centre) / scale + 1) / 2
    by_logit = stats.norm.logpdf(special.logit(place), 2 * mean, 2 * std)
    return (by_logit - np.log(place * (1 - place)) - np.log(2 * scale)).sum(-1)


def cdf(kind: str, bounds: tuple[tuple[float, float], ...], head: Tensor, dim: int, a: np.ndarray) -> np.ndarray:
    """Return the distribution function of one action dimension at `a`, for a single state's head."""
    mean, std, centre, scale = law(kind, bounds, head)
    latent = a if kind == "Gaussian" else np.arctanh((a - centre[dim]) / scale[dim])
    return stats.norm.cdf(latent, mean[0, 0, 0, dim], std[0, 0, 0, dim])


@each_box
@each_policy
def test_log_prob_against_scipy(kind, bounds):
    """The actions are all over the box, and for the Gaussian also as far again outside it."""
    dims = len(bounds)
    policy, head = make(kind, bounds), random_heads(2, 40, dims, seed=1)
    mean, std, centre, scale = law(kind, bounds, head)
    place = rng(2).uniform(-0.99, 0.99, (2, 40, 5, dims)) * (2.0 if kind == "Gaussian" else 1.0)
    action = torch.from_numpy((centre + scale * place).astype(np.float32))
    expected = scipy_log_prob(kind, bounds, head, action)
    found = policy.log_prob(head, action)
    assert found.shape == (2, 40, 5)
    # A latent carries a few roundings of |centre| + scale, in a squashed box stretched by du/da; they
    # move the density by z / sigma, and the Jacobian by 2 at most. z and log sigma are rounded too.
    latent, stretch = place * scale + centre, np.array(1.0)
    if kind == "SquashedGaussian":
        latent, stretch = np.arctanh(place), 1 / (scale * (1 - place**2))
    z = np.abs(latent - mean) / std
    latent_error = 4 * UNIT * (np.abs(centre) + scale) * stretch
    tolerance = (latent_error * (z / std + 2) + 4 * UNIT * (z**2 + 4)).sum(-1)
    assert (np.abs(found.numpy() - expected) <= tolerance).all()
    assert np.median(tolerance) < 1e-4, "the tolerance is small for most"


@each_policy
def test_log_prob_by_hand(kind):
    """In the box +-2 with mu = 0 and sigma = 1, the density at a = 0 is phi(0), divided by da/du = 2 if squashed.

    If squashed, the density at u = 1 (a = 2 tanh 1) is phi(1) / (2 (1 - tanh^2 1)).
    """
    policy, head = make(kind, SYMMETRIC[:1]), head_of([0.0], [1.0])
    at_zero, at_one = policy.log_prob(head, torch.tensor([0.0, 2 * math.tanh(1.0)]).view(1, 1, 2, 1))[0, 0].tolist()
    phi_0 = -0.5 * math.log(2 * math.pi)
    if kind == "Gaussian":
        expected = (phi_0, phi_0 - 0.5 * (2 * math.tanh(1.0)) ** 2)
    else:
        expected = (phi_0 - math.log(2), phi_0 - 0.5 - math.log(2 * (1 - math.tanh(1.0) ** 2)))
    assert (at_zero, at_one) == pytest.approx(expected, abs=1e-6)  # a dozen float32 roundings of numbers near 1


@pytest.mark.parametrize("sigma", [0.01, 0.3, 1.0, 2.0])
@pytest.mark.parametrize("location", [0.0, -1.2])
@pytest.mark.parametrize("bounds", BOXES[:2], ids=BOX_NAMES[:2])
@each_policy
def test_the_density_integrates_to_one(kind, bounds, location, sigma):
    """The integral over a is computed over u = mu + sigma z, a = a(u), da = a'(u) sigma dz, where it is smooth."""
    policy, head = make(kind, bounds), head_of([location], [sigma])
    mean, std, centre, scale = (float(x.squeeze()) for x in law(kind, bounds, head))
    u = mean + std * np.linspace(-8.0, 8.0, 4001)
    action, slope = u, np.ones_like(u)
    if kind == "SquashedGaussian":
        u = u[np.abs(u) < 7.5]  # beyond, float32 cannot tell an action from its bound; the mass there is below 1e-4
        action, slope = centre + scale * np.tanh(u), scale / np.cosh(u) ** 2
    a = torch.from_numpy(action.astype(np.float32)).view(1, 1, -1, 1)
    density = policy.log_prob(head, a)[0, 0].double().exp().numpy()
    # Near its bound an action has a relative error of UNIT cosh(u)^2, as has the slope there: the
    # integrand's error averages out over the nodes. sigma = 2 leaves 2e-4 of the mass beyond |u| = 7.5.
    outside = 0.0 if kind == "Gaussian" else 1 - np.diff(stats.norm.cdf([-7.5, 7.5], mean, std))[0]
    assert integrate.trapezoid(density * slope, u) == pytest.approx(1.0 - outside, abs=2e-4)


@pytest.mark.parametrize("bounds", [BOXES[0], BOXES[3]], ids=["symmetric", "asymmetric 3"])
@each_policy
def test_samples_follow_the_density(kind, bounds):
    """Every dimension passes a Kolmogorov-Smirnov test, and dimensions are uncorrelated.

    Each level is 1e-8, so a correct sampler would fail with probability below 1e-6. The seed is fixed.
    """
    n, dims = 40_000, len(bounds)
    policy, head = make(kind, bounds), head_of([0.3, -1.0, 0.0][:dims], [0.5, 1.5, 0.2][:dims])
    noise = policy.latent_noise(Draws([1], "act"), 1, n)
    action = policy.sample(head, noise).action[0, 0].double().numpy()
    for dim in range(dims):
        assert stats.kstest(action[:, dim], lambda a, dim=dim: cdf(kind, bounds, head, dim, a)).pvalue > 1e-8
    if dims > 1:
        # A correlation of independent draws is about normal(0, 1 / n): 5.7 sigma have level 1e-8.
        assert np.abs(np.corrcoef(action.T) - np.eye(dims)).max() < 5.73 / math.sqrt(n)


@each_policy
def test_the_mean_log_prob_of_samples_is_minus_the_entropy(kind):
    """Sampler and density agree for A = 3 dimensions jointly. The entropy is computed by quadrature over z."""
    n, policy, head = 40_000, make(kind, ASYMMETRIC), head_of([0.3, -1.0, 0.0], [0.5, 1.5, 0.2])
    log_prob = policy.sample(head, policy.latent_noise(Draws([2], "act"), 1, n)).log_prob.double().numpy()
    mean, std, _, scale = law(kind, ASYMMETRIC, head)
    entropy = stats.norm.entropy(0.0, std).sum()
    if kind == "SquashedGaussian":
        z = np.linspace(-10, 10, 4001)[:, None]
        log_slope = np.log(scale) + 2 * (
            math.log(2) - np.logaddexp(mean[0, 0] + std[0, 0] * z, -mean[0, 0] - std[0, 0] * z)
        )
        entropy += integrate.trapezoid(stats.norm.pdf(z) * log_slope, z, axis=0).sum()
    # Six standard errors: level 2e-9.
    assert -log_prob.mean() == pytest.approx(entropy, abs=6 * log_prob.std() / math.sqrt(n))


@each_box
@each_policy
def test_sample_agrees_with_draw_latent_to_action_and_latent_log_prob(kind, bounds):
    policy, dims = make(kind, bounds), len(bounds)
    head, noise = random_heads(2, 30, dims, seed=3), normal32(2, 30, 4, dims, seed=4)
    proposals = policy.sample(head, noise)
    latent = policy.draw_latent(head, noise)
    assert proposals.action.shape == proposals.latent.shape == (2, 30, 4, dims)
    assert proposals.log_prob.shape == (2, 30, 4)
    assert proposals.weight == 0.25
    assert torch.equal(proposals.latent, latent)
    assert torch.equal(proposals.action, policy.to_action(latent))
    # latent_log_prob divides latent - mu by sigma again: a few roundings of |latent| / sigma, times z.
    mean, std, _, _ = law(kind, bounds, head)
    z_error = 4 * UNIT * (np.abs(mean) / std + 1 + noise.abs().numpy())
    tolerance = (z_error * (1 + noise.abs().numpy())).sum(-1) + 10 * UNIT * proposals.log_prob.abs().numpy()
    assert ((policy.latent_log_prob(head, latent) - proposals.log_prob).abs().numpy() <= tolerance).all()


@each_box
@each_policy
def test_sampled_log_prob_against_scipy_at_the_latent(kind, bounds):
    """The reference is float64, from the float32 latent; exact even where the action is rounded to its bound."""
    policy, dims = make(kind, bounds), len(bounds)
    head, noise = random_heads(2, 30, dims, seed=5), 2 * normal32(2, 30, 4, dims, seed=6)
    proposals = policy.sample(head, noise)
    mean, std, _, scale = law(kind, bounds, head)
    u = proposals.latent.double().numpy()
    expected = stats.norm.logpdf(u, mean, std)
    if kind == "SquashedGaussian":
        expected = expected - np.log(scale) - 2 * (math.log(2) - np.logaddexp(u, -u))
    # As above; sigma reaches 0.05 and the means 7, so |mu| / sigma times z is up to 1e3 roundings.
    z = np.abs(noise.numpy()) + 1
    tolerance = (8 * UNIT * (np.abs(mean) / std + z) * z).sum(-1) + 10 * UNIT * (1 + np.abs(expected).sum(-1))
    assert (np.abs(proposals.log_prob.numpy() - expected.sum(-1)) <= tolerance).all()


@each_box
@each_policy
def test_the_mode_by_value(kind, bounds):
    """The mode is centre + scale tanh(location), for both policies."""
    dims = len(bounds)
    head = random_heads(2, 30, dims, seed=7)
    _, _, centre, scale = law(kind, bounds, head)
    mode = make(kind, bounds).mode(head)
    assert mode.shape == (2, 30, dims)
    expected = centre + scale * np.tanh(head.double().numpy()[..., :dims])
    # tanh, a product and a sum, of numbers up to |centre| + scale.
    np.testing.assert_allclose(mode.numpy(), expected, rtol=0, atol=4 * UNIT * float((np.abs(centre) + scale).max()))


@pytest.mark.parametrize("location", [-50.0, -9.0, 9.0, 50.0])
@each_policy
def test_the_mode_is_inside_any_bounds(kind, location):
    """Where tanh rounds to +-1, centre + scale tanh may round to outside the bound."""
    low = rng(8).uniform(-3.0, 3.0, 2000).astype(np.float32)
    high = low + rng(9).uniform(0.1, 3.0, 2000).astype(np.float32)
    policy = policy_class(kind)(ActionBox(torch.from_numpy(low), torch.from_numpy(high)), torch.tensor([1000.0]))
    mode = policy.mode(torch.full((1, 1, 4000), location))[0, 0].numpy()
    beyond = (mode < low) | (mode > high)
    assert not beyond.any(), (
        f"{beyond.sum()} of 2000, such as {mode[beyond][:3]} in {low[beyond][:3]}, {high[beyond][:3]}"
    )


def test_squashed_actions_are_inside_any_bounds():
    low = rng(8).uniform(-3.0, 3.0, 2000).astype(np.float32)
    high = low + rng(9).uniform(0.1, 3.0, 2000).astype(np.float32)
    box = ActionBox(torch.from_numpy(low), torch.from_numpy(high))
    policy = policy_class("SquashedGaussian")(box, torch.tensor([1000.0]))
    action = policy.to_action(20 * normal32(50, 2000, seed=10)).numpy()
    beyond = ((action < low) | (action > high)).any(0)
    assert not beyond.any(), f"{beyond.sum()} of 2000 boxes, such as {low[beyond][:3]}, {high[beyond][:3]}"


EXTREMES = [(location, log_std) for location in (-50.0, 0.0, 50.0) for log_std in (-50.0, 0.0, 50.0)]
FAR_NOISE = (-5.0, -0.1, 0.0, 0.1, 5.0)


def value_and_grad(function, head: Tensor) -> tuple[Tensor, Tensor]:
    """Return a function's value at the head, and the gradient of its sum."""
    head = head.clone().requires_grad_()
    with torch.enable_grad():
        value = function(head)
        (grad,) = torch.autograd.grad(value.sum(), head)
    return value.detach(), grad


def assert_finite(function, head: Tensor) -> None:
    for tensor in value_and_grad(function, head):
        assert torch.isfinite(tensor).all()


@pytest.mark.parametrize("clip", [1000.0, 0.0], ids=["clipped", "unlimited"])
@pytest.mark.parametrize(("location", "log_std"), EXTREMES)
@each_box
@each_policy
def test_draws_are_finite_at_extreme_heads(kind, bounds, location, log_std, clip):
    dims = len(bounds)
    policy, noise = make(kind, bounds, (clip,)), torch.tensor(FAR_NOISE).view(1, 1, -1, 1).expand(1, 1, -1, dims)
    head = torch.cat((torch.full((1, 1, dims), location), torch.full((1, 1, dims), log_std)), -1)
    assert_finite(lambda h: policy.sample(h, noise).action, head)
    assert_finite(lambda h: policy.sample(h, noise).log_prob, head)
    latent = policy.draw_latent(head, noise)
    assert_finite(lambda h: policy.latent_log_prob(h, latent), head)
    assert torch.isfinite(policy.mode(head)).all()


@pytest.mark.parametrize(("location", "log_std"), EXTREMES)
@each_box
@each_policy
def test_replay_actions_on_and_outside_the_bounds_are_finite_at_extreme_heads(kind, bounds, location, log_std):
    dims = len(bounds)
    low, high = torch.tensor(bounds).T
    positions = torch.tensor([-1.0, 1.0, 0.0, -1.0 - 1e-6, 1.0 + 1e-6, -1.5, 1.5, -1e3, 1e3]).view(1, 1, -1, 1)
    action = (high + low) / 2 + (high - low) / 2 * positions
    policy = make(kind, bounds)
    head = torch.cat((torch.full((1, 1, dims), location), torch.full((1, 1, dims), log_std)), -1)
    assert_finite(lambda h: policy.log_prob(h, action), head)


CLIPS = (1000.0, 2.0, 1.0, 0.0, -3.0, 1.5)


@each_policy
def test_clip_stddev_applies_per_run(kind):
    """sigma = exp(clamp(log sigma, +-log clip)), unlimited where clip <= 0; measured as draw(1) - draw(0)."""
    log_std = torch.tensor([-9.0, -0.5, 0.0, 0.3, 9.0])
    head = torch.stack((torch.zeros(5), log_std), -1).expand(len(CLIPS), 5, 2)
    policy = make(kind, SYMMETRIC[:1], CLIPS)
    noise = torch.tensor([0.0, 1.0]).view(1, 1, 2, 1).expand(len(CLIPS), 5, 2, 1)
    latent = policy.draw_latent(head, noise)[..., 0]
    for run, clip in enumerate(CLIPS):
        bound = math.log(clip) if clip > 0 else math.inf
        sigma = np.exp(np.clip(log_std.double().numpy(), -bound, bound))
        # exp of a float32 logarithm up to 9: its rounding is 9 UNIT, and a few more.
        np.testing.assert_allclose((latent[run, :, 1] - latent[run, :, 0]).numpy(), sigma, rtol=16 * UNIT)
        expected = stats.norm.logpdf(0.1, 0.0, sigma)
        if kind == "SquashedGaussian":
            expected -= math.log(2.0 * (1 - math.tanh(0.1) ** 2))
        found = policy.latent_log_prob(head, torch.full((len(CLIPS), 5, 1, 1), 0.1))[run, :, 0]
        # z = 0.1 / sigma, and its square, have the rounding of exp(9) again, and one of 0.1.
        np.testing.assert_allclose(found.numpy(), expected, rtol=64 * UNIT)


@each_policy
def test_beyond_the_clip_the_density_is_constant(kind):
    policy, noise = make(kind, SYMMETRIC[:1], (2.0,)), torch.tensor([0.7]).view(1, 1, 1, 1)
    for log_std, moves in ((-1.0, False), (0.5, True), (1.0, False)):
        _, grad = value_and_grad(lambda h: policy.sample(h, noise).log_prob, torch.tensor([[[0.1, log_std]]]))
        assert bool(grad[0, 0, 1] != 0) == moves


@each_box
@each_policy
def test_to_latent_inverts_to_action(kind, bounds):
    policy = make(kind, bounds)
    low, high = np.array(bounds).T
    latent = torch.from_numpy(rng(11).uniform(-4.0, 4.0, (500, len(bounds))).astype(np.float32))
    back = policy.to_latent(policy.to_action(latent)).numpy()
    if kind == "Gaussian":
        np.testing.assert_array_equal(back, latent.numpy())
        return
    # An action's position in the box has a few roundings of 1 + |centre| / scale; atanh stretches by cosh(u)^2.
    position_error = 4 * UNIT * (1 + np.abs(high + low) / (high - low))
    assert (np.abs(back - latent.numpy()) <= position_error * np.cosh(latent.numpy()) ** 2 + 4 * UNIT * 4).all()


@each_box
def test_squashed_bounds_have_the_latents_of_the_float32_next_to_them(bounds):
    """The latent is atanh(1 - 2^-24) = 8.66 at the bound and everywhere outside it."""
    policy = make("SquashedGaussian", bounds)
    low, high = torch.tensor(bounds).T
    for action, sign in ((high, 1.0), (high + 1.0, 1.0), (low, -1.0), (low - 1.0, -1.0)):
        latent = policy.to_latent(action).numpy()
        np.testing.assert_allclose(latent, sign * math.atanh(1 - UNIT), rtol=4 * UNIT)


@each_policy
def test_sampling_is_a_function_of_its_noise(kind):
    """The same noise gives the same bits, whatever is drawn in between; permuted noise gives permuted proposals."""
    policy, head = make(kind, ASYMMETRIC), random_heads(2, 8, 3, seed=12)
    noise = normal32(2, 8, 5, 3, seed=13)
    first = policy.sample(head, noise)
    policy.sample(head, policy.latent_noise(Draws([0, 1], "act"), 8, 5))
    again, order = policy.sample(head, noise.clone()), [3, 0, 4, 1, 2]
    permuted = policy.sample(head, noise[:, :, order])
    assert torch.equal(first.action, again.action)
    assert torch.equal(first.log_prob, again.log_prob)
    assert torch.equal(first.action[:, :, order], permuted.action)
    assert torch.equal(first.log_prob[:, :, order], permuted.log_prob)


@each_policy
def test_noise_is_the_streams_normals(kind):
    noise = make(kind, ASYMMETRIC).latent_noise(Draws([5, 6], "update"), 4, 2)
    assert noise.shape == (2, 4, 2, 3)
    for run, seed in enumerate((5, 6)):
        expected = make_generator(seed, "update").standard_normal((4, 2, 3), np.float32)
        np.testing.assert_array_equal(noise[run].numpy(), expected)


def test_a_gaussian_evaluates_the_density_at_the_unclipped_draw():
    """In the box +-2, with mean 0, sigma 1 and noise 3, the draw 3 is outside; it is proposed and evaluated at 3."""
    proposals = make("Gaussian", SYMMETRIC[:1]).sample(head_of([0.0], [1.0]), torch.full((1, 1, 1, 1), 3.0))
    assert proposals.action.item() == 3.0
    assert proposals.log_prob.item() == pytest.approx(stats.norm.logpdf(3.0), rel=4 * UNIT)
    assert proposals.log_prob.item() < stats.norm.logpdf(2.0)


@each_policy
def test_pathwise_gradients_against_finite_differences_in_float64(kind):
    """The gradients are those of action and log density by the head, with the noise fixed."""
    low, high = torch.tensor(ASYMMETRIC, dtype=torch.float64).T
    policy = policy_class(kind)(ActionBox(low, high), torch.tensor([1000.0], dtype=torch.float64))
    noise = normal32(1, 1, 2, 3, seed=14).double()
    head = random_heads(1, 1, 3, seed=15).double().requires_grad_()
    with torch.enable_grad():
        assert torch.autograd.gradcheck(lambda h: policy.sample(h, noise)[:2], head)
        latent = policy.draw_latent(head.detach(), noise) + 0.1
        assert torch.autograd.gradcheck(lambda h: policy.latent_log_prob(h, latent), head)


@each_box
@each_policy
def test_a_draws_vector_jacobian_product_against_autograd(kind, bounds):
    """In float64, for heads inside, outside and exactly on their clips; the proposals are those of `sample`."""
    dims = len(bounds)
    low, high = torch.tensor(bounds, dtype=torch.float64).T
    policy = policy_class(kind)(ActionBox(low, high), torch.tensor([1000.0, 1.5, 0.0, 1.0], dtype=torch.float64))
    head = (2 * normal32(4, 20, 2 * dims, seed=20)).double()
    head[1, :5, dims:], head[1, 5:10, dims:], head[3, :5, dims:] = math.log(1.5), -math.log(1.5), 0.0
    noise, by_action = normal32(4, 20, 3, dims, seed=21).double(), normal32(4, 20, 3, dims, seed=22).double()
    by_log_prob, taped_head = normal32(4, 20, 3, seed=23).double(), head.clone().requires_grad_()
    with torch.enable_grad():
        taped = policy.sample(taped_head, noise)
    (expected,) = torch.autograd.grad((taped.action, taped.log_prob), taped_head, (by_action, by_log_prob))
    proposals, vjp = policy.sample_with_vjp(head, noise)
    assert not proposals.action.requires_grad
    assert not proposals.log_prob.requires_grad
    for name in ("action", "log_prob", "latent"):
        # Not bit-identical: multiplications may be grouped differently, each rounding by 1e-16.
        torch.testing.assert_close(getattr(proposals, name), getattr(taped, name).detach(), rtol=1e-13, atol=1e-13)
    assert proposals.weight == taped.weight
    torch.testing.assert_close(vjp(by_action, by_log_prob, None), expected, rtol=1e-11, atol=1e-11)
    # A clamped output has no gradient; one on the clip has the same gradient as one inside.
    clamped = head[3, 5:, dims:] != 0
    assert (expected[3, 5:, dims:][clamped] == 0).all()
    assert (expected[3, :5, dims:] != 0).all()


@pytest.mark.parametrize("clip", [1000.0, 0.0], ids=["clipped", "unlimited"])
@pytest.mark.parametrize(("location", "log_std"), EXTREMES)
@each_policy
def test_a_draws_vector_jacobian_product_is_finite_at_extreme_heads(kind, location, log_std, clip):
    policy, head = make(kind, ASYMMETRIC, (clip,)), torch.tensor([[[location] * 3 + [log_std] * 3]])
    noise = torch.tensor(FAR_NOISE).view(1, 1, -1, 1).expand(1, 1, -1, 3)
    _, vjp = policy.sample_with_vjp(head, noise)
    assert torch.isfinite(vjp(torch.ones(1, 1, 5, 3), torch.ones(1, 1, 5), None)).all()


def all_outputs(kind: str, members: list[int], dims: int, rows: int, k: int) -> dict[str, Tensor]:
    """Return all that learners compute with a policy, for some of 16 runs; heads are part of a longer pass."""
    policy = make(kind, ASYMMETRIC[:1] * dims, tuple(torch.linspace(-1.0, 5.0, 16)[members].tolist()))
    heads = 3 * normal32(16, 2 * rows, 2 * dims, seed=16)[members]
    noise = normal32(16, rows, 1 + k, dims, seed=17)[members]
    by_action, by_log_prob = normal32(16, rows, k, dims, seed=18)[members], normal32(16, rows, k, seed=19)[members]
    next_proposals = policy.sample(heads[:, rows:], noise[:, :, :1])
    head = heads[:, :rows].detach().requires_grad_()
    with torch.enable_grad():
        proposals = policy.sample(head, noise[:, :, 1:])
        scored = policy.latent_log_prob(head, proposals.latent.detach())
    _, vjp = policy.sample_with_vjp(heads[:, :rows], noise[:, :, 1:])
    pathwise = torch.autograd.grad((proposals.action, proposals.log_prob), head, (by_action, by_log_prob))
    return {
        "next action": next_proposals.action,
        "next log_prob": next_proposals.log_prob,
        "action": proposals.action.detach(),
        "log_prob": proposals.log_prob.detach(),
        "pathwise": pathwise[0],
        "vector-Jacobian product": vjp(by_action, by_log_prob, None),
        "score": scored.detach(),
        "score gradient": torch.autograd.grad(scored, head, by_log_prob)[0],
        "replay log_prob": policy.log_prob(heads[:, :rows], proposals.action.detach()),
        "mode": policy.mode(heads[:, :rows]),
    }


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("rows", [1, 10, 32])
@pytest.mark.parametrize("dims", [1, 3, 6])
@each_policy
def test_a_slot_has_the_same_bits_as_a_stack_of_one(kind, dims, rows, k):
    single = [all_outputs(kind, [i], dims, rows, k) for i in range(16)]
    broken = set()
    for members in ([9, 4], [12, 1, 15, 6, 2, 11, 8], list(range(15, -1, -1))):
        for name, found in all_outputs(kind, members, dims, rows, k).items():
            for slot, member in enumerate(members):
                if not torch.equal(found[slot], single[member][name][0]):
                    broken.add((name, len(members)))
    assert not broken
