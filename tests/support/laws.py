"""Distributions of each policy's actions, from scipy or a formula in float64; independent of the policies' code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy import integrate, special, stats
from torch import Tensor

from agent.actor_critic_hyperparameters import BOX_POLICIES, COMPONENT_POLICIES
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

    @property
    def family(self) -> Case:
        """The case of one component of a mixture; other cases themselves."""
        if "num_components" not in self.options:
            return self
        kind = self.options.get("component_policy", "Gaussian")
        return Case(kind, {name: self.options[name] for name in policy_class(kind).options if name in self.options})

    @property
    def on_the_box(self) -> bool:
        """Whether the support is the action box."""
        return self.family.kind in ON_THE_BOX

    @property
    def components(self) -> int:
        """Number of components, 1 if the policy is no mixture."""
        return self.options.get("num_components", 1)

    def make(self, bounds: Bounds, clips: Sequence[float] = (1000.0,), dtype: torch.dtype = torch.float32) -> Policy:
        """Return the policy.  clips: `clip_stddev` of each run."""
        low, high = torch.tensor(bounds, dtype=dtype).T
        return policy_class(self.kind)(ActionBox(low, high), torch.tensor(clips, dtype=dtype), **self.options)

    def heads(self, dims: int, *shape: int, seed: int) -> Tensor:
        """Return heads (*shape, D): locations and shapes about +-1, standard deviations from about 0.1 to 2."""
        width = self.make([(-1.0, 1.0)] * dims).head_dim
        head = normal32(*shape, width, seed=seed)
        if self.family.kind not in ("Beta", "Kumaraswamy"):
            count = self.components * dims
            head[..., count : 2 * count] = 0.7 * head[..., count : 2 * count] - 0.7
        return head

    def __str__(self) -> str:
        return "-".join([self.kind, *map(str, self.options.values())])


CASES = [
    *[Case(kind) for kind in BOX_POLICIES if not {*policy_class(kind).options} - {"scale_exponentiated_twice"}],
    *[Case("QGaussian", {"entropic_index": q}) for q in (2.0, 1.5, 1.0, 0.5, 0.0, -1.0)],
    *[Case("GaussianMixture", {"num_components": count}) for count in (1, 2, 3)],
    *[
        Case("Mixture", {"num_components": 2 + i % 2, "component_policy": kind})
        for i, kind in enumerate(COMPONENT_POLICIES)
        if kind != "QGaussian"
    ],
    *[Case("Mixture", {"num_components": 2, "component_policy": "QGaussian", "entropic_index": q}) for q in (1.5, 0.5)],
]


class Formula:
    """A distribution on (low, high) given by its density and distribution function, like scipy's frozen ones.

    low, high: ends of the support; if they are infinite, `middle` is a point among the bulk of the mass.
    """

    def __init__(self, logpdf: Callable, cdf: Callable, low: float, high: float, middle: float = 0.0) -> None:
        self.logpdf, self.cdf, self.low, self.high, self.middle = logpdf, cdf, low, high, middle

    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """Return points of the support and the slope of the variable in which they are 0.0015 or less apart.

        That variable is the logit of the position in a finite support, else an area hyperbolic sine: to 1e13.
        """
        t = np.linspace(-30.0, 30.0, 100_001)
        if np.isinf(self.low):
            return self.middle + np.sinh(t), np.cosh(t)
        return self.low + (self.high - self.low) * special.expit(t), 0.25 / np.cosh(t / 2) ** 2 * (self.high - self.low)

    def entropy(self) -> float:
        """Return the entropy by quadrature."""
        point, slope = self.points()
        log_density = self.logpdf(point)
        with np.errstate(invalid="ignore", over="ignore"):
            integrand = np.where(np.isfinite(log_density), -np.exp(log_density) * log_density * slope, 0.0)
        return float(integrate.trapezoid(integrand, dx=60.0 / 100_000))

    def support(self) -> tuple[float, float]:
        """Return the ends of the support."""
        return self.low, self.high

    def rvs(self, size: int, random_state: np.random.Generator) -> np.ndarray:
        """Return draws (size,) by the inverse of the distribution function, interpolated."""
        point, _ = self.points()
        inside = (point > self.low) & (point < self.high)
        return np.interp(random_state.uniform(size=size), self.cdf(point[inside]), point[inside])


def laws(case: Case, bounds: Bounds, head: np.ndarray) -> list:
    """Return the distribution of each action dimension for one head (D,), float64, without clip_stddev."""
    weight, parts = components(case, bounds, head)
    return [mixture(weight, [part[d] for part in parts]) for d in range(len(bounds))]


def components(case: Case, bounds: Bounds, head: np.ndarray) -> tuple[np.ndarray, list[list]]:
    """Return weights (C,), and the distributions of each component's dimensions, [C][A]; C is 1 for no mixture.

    A mixture's head is, for each parameter of its family, the numbers (C, A), then the logits (C,).
    """
    count, dims = case.components, len(bounds)
    logits = head[len(head) - count :] if case.family is not case else np.zeros(1)
    params = head if case.family is case else head[: len(head) - count]
    blocks = params.reshape(-1, count, dims)
    parts = [
        [one_dimension_law(case.family, bounds[d], blocks[:, c, d].tolist()) for d in range(dims)] for c in range(count)
    ]
    return special.softmax(logits), parts


def mixture(weight: np.ndarray, parts: list) -> Any:
    """Return the mixture of distributions of one dimension; the only one itself."""
    if len(parts) == 1:
        return parts[0]
    low, high = (np.array([part.support()[end] for part in parts]) for end in (0, 1))

    def logpdf(a: np.ndarray) -> np.ndarray:
        return special.logsumexp([np.log(w) + part.logpdf(a) for w, part in zip(weight, parts, strict=True)], axis=0)

    def cdf(a: np.ndarray) -> np.ndarray:
        return sum(w * part.cdf(a) for w, part in zip(weight, parts, strict=True))

    middle = float(np.mean([part.median() for part in parts])) if np.isinf(low).any() else 0.0
    return Formula(np.errstate(divide="ignore")(logpdf), cdf, low.min(), high.max(), middle)


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


def log_density(case: Case, bounds: Bounds, head: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Return the joint log density (...) of actions (..., A) for one head (D,)."""
    weight, parts = components(case, bounds, head)
    each = [sum(law.logpdf(action[..., d]) for d, law in enumerate(part)) for part in parts]
    return special.logsumexp(np.stack(each, -1) + np.log(weight), axis=-1)
