"""Distributions of each policy's actions, from scipy or a formula in float64; independent of the policies' code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy import integrate, special, stats
from torch import Tensor

from agent.actor_critic_hyperparameters import BOX_POLICIES
from agent.policy import policy_class
from agent.policy.base import ActionBox, Policy
from tests.support.reference import normal32

Bounds = Sequence[tuple[float, float]]

ON_THE_BOX = ("SquashedGaussian", "Beta", "Kumaraswamy", "TruncatedGaussian")
"""Policies whose support is the action box."""


@dataclass(frozen=True)
class Case:
    """A policy's name and options."""

    kind: str
    options: dict[str, Any] = field(default_factory=dict)

    def make(self, bounds: Bounds, clips: Sequence[float] = (1000.0,), dtype: torch.dtype = torch.float32) -> Policy:
        """Return the policy.  clips: `clip_stddev` of each run."""
        low, high = torch.tensor(bounds, dtype=dtype).T
        return policy_class(self.kind)(ActionBox(low, high), torch.tensor(clips, dtype=dtype), **self.options)

    def heads(self, dims: int, *shape: int, seed: int) -> Tensor:
        """Return heads (*shape, D): locations and shapes about +-1, standard deviations from about 0.1 to 2."""
        width = self.make([(-1.0, 1.0)] * dims).head_dim
        head = normal32(*shape, width, seed=seed)
        if self.kind not in ("Beta", "Kumaraswamy"):
            count = self.options.get("num_components", 1) * dims
            head[..., count : 2 * count] = 0.7 * head[..., count : 2 * count] - 0.7
        return head

    def __str__(self) -> str:
        return "-".join([self.kind, *map(str, self.options.values())])


CASES = [
    *[Case(kind) for kind in BOX_POLICIES if not policy_class(kind).options],
    *[Case("QGaussian", {"entropic_index": q}) for q in (2.0, 1.5, 1.0, 0.5, 0.0, -1.0)],
    *[Case("GaussianMixture", {"num_components": count}) for count in (1, 2, 3)],
]


class Formula:
    """A distribution on (low, high) given by its density and distribution function, like scipy's frozen ones."""

    def __init__(self, logpdf: Callable, cdf: Callable, low: float, high: float) -> None:
        self.logpdf, self.cdf, self.low, self.high = logpdf, cdf, low, high

    def entropy(self) -> float:
        """Return the entropy by quadrature over the logit of the position in the support; the integrand is smooth."""
        t = np.linspace(-30.0, 30.0, 20_001)
        position, slope = 1 / (1 + np.exp(-t)), 0.25 / np.cosh(t / 2) ** 2 * (self.high - self.low)
        log_density = self.logpdf(self.low + (self.high - self.low) * position)
        with np.errstate(invalid="ignore", over="ignore"):
            integrand = np.where(np.isfinite(log_density), -np.exp(log_density) * log_density * slope, 0.0)
        return float(integrate.trapezoid(integrand, t))


def laws(case: Case, bounds: Bounds, head: np.ndarray) -> list:
    """Return the distribution of each action dimension for one head (D,), float64, without clip_stddev."""
    low, high = np.array(bounds).T
    blocks = np.split(head[: len(head) - len(head) % len(low)], len(head) // len(low))
    if case.kind == "GaussianMixture":
        return [mixture(case, bounds, head, dim) for dim in range(len(low))]
    return [one_dimension_law(case, (low[d], high[d]), [float(block[d]) for block in blocks]) for d in range(len(low))]


def one_dimension_law(case: Case, bounds: tuple[float, float], head: list[float]) -> Any:
    """Return the distribution of one dimension; not for mixtures."""
    low, high = bounds
    scale, centre = (high - low) / 2, (high + low) / 2
    first, second = head[0], head[1]
    mu, sigma = centre + scale * np.tanh(first), np.exp(second)
    a, b = 1 + np.logaddexp(0, first), 1 + np.logaddexp(0, second)
    return {
        "Gaussian": lambda: stats.norm(mu, sigma),
        "SquashedGaussian": lambda: squashed(stats.norm(first, sigma), low, high),
        "Laplace": lambda: stats.laplace(mu, sigma),
        "Student": lambda: stats.t(1 + np.logaddexp(0, head[2]), mu, sigma),
        "Beta": lambda: stats.beta(a, b, low, high - low),
        "Kumaraswamy": lambda: kumaraswamy(a, b, low, high),
        "TruncatedGaussian": lambda: stats.truncnorm((low - mu) / sigma, (high - mu) / sigma, mu, sigma),
        "QGaussian": lambda: q_gaussian(case.options["entropic_index"], mu, sigma),
    }[case.kind]()


def squashed(normal: Any, low: float, high: float) -> Formula:
    """Return the law of low + (high - low) times the logistic function of 2 u, u normal."""

    def latent(a: np.ndarray) -> np.ndarray:
        return 0.5 * (np.log(a - low) - np.log(high - a))

    def logpdf(a: np.ndarray) -> np.ndarray:
        return normal.logpdf(latent(a)) + np.log(0.5 / (a - low) + 0.5 / (high - a))

    quiet = np.errstate(divide="ignore", invalid="ignore")
    return Formula(quiet(logpdf), quiet(lambda a: normal.cdf(latent(a))), low, high)


def kumaraswamy(a: float, b: float, low: float, high: float) -> Formula:
    """Return Kumaraswamy(a, b) scaled to (low, high)."""

    def to_unit(y: np.ndarray) -> np.ndarray:
        return (y - low) / (high - low)

    def logpdf(y: np.ndarray) -> np.ndarray:
        x = to_unit(y)
        return np.log(a * b / (high - low)) + (a - 1) * np.log(x) + (b - 1) * np.log1p(-(x**a))

    quiet = np.errstate(divide="ignore", invalid="ignore")
    return Formula(quiet(logpdf), lambda y: 1 - (1 - to_unit(y) ** a) ** b, low, high)


def q_gaussian(q: float, mu: float, sigma: float) -> Any:
    """Return a Student-t above q = 1, a symmetric Beta below."""
    if q == 1:
        return stats.norm(mu, sigma)
    if q > 1:
        return stats.t((3 - q) / (q - 1), mu, sigma)
    k, half = (2 - q) / (1 - q), sigma * np.sqrt((3 - q) / (1 - q))
    return stats.beta(k, k, mu - half, 2 * half)


def components(case: Case, bounds: Bounds, head: np.ndarray) -> tuple[np.ndarray, Any]:
    """Return weights (C,) and the components' normals, batch shape (C, A)."""
    low, high = np.array(bounds).T
    count, dims = case.options["num_components"], len(low)
    location, log_std, logits = np.split(head, [count * dims, 2 * count * dims])
    mu = (high + low) / 2 + (high - low) / 2 * np.tanh(location.reshape(count, dims))
    weight = np.exp(logits) / np.exp(logits).sum()
    return weight, stats.norm(mu, np.exp(log_std.reshape(count, dims)))


def mixture(case: Case, bounds: Bounds, head: np.ndarray, dim: int) -> Formula:
    """Return the marginal of one dimension; its mass beyond 12 standard deviations is negligible."""
    weight, normals = components(case, bounds, head)
    mu, sigma = normals.mean()[:, dim], normals.std()[:, dim]
    low, high = (mu - 12 * sigma).min(), (mu + 12 * sigma).max()

    def logpdf(a: np.ndarray) -> np.ndarray:
        return np.log((weight * stats.norm.pdf(np.asarray(a)[..., None], mu, sigma)).sum(-1))

    return Formula(
        np.errstate(divide="ignore")(logpdf),
        lambda a: (weight * stats.norm.cdf(np.asarray(a)[..., None], mu, sigma)).sum(-1),
        low,
        high,
    )


def log_density(case: Case, bounds: Bounds, head: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Return the joint log density (...) of actions (..., A) for one head (D,)."""
    if case.kind == "GaussianMixture":
        weight, normals = components(case, bounds, head)
        return special.logsumexp(np.log(weight) + normals.logpdf(action[..., None, :]).sum(-1), axis=-1)
    return sum(law.logpdf(action[..., d]) for d, law in enumerate(laws(case, bounds, head)))
