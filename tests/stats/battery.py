"""The battery: distributions of returns as reinforcement learning gives them, on which the statistics are simulated.

Units are standard deviations of a good run, except for the ceiling.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
"""A function that draws returns of a shape."""

FAILURE = 10.0
"""How far a failure is below a good run, in standard deviations of either."""

CEILING, SHORTFALL = 1000.0, 200.0
"""Highest possible return, and the mean distance from it of the runs that do not reach it."""


class Law(NamedTuple):
    """A distribution of returns and its mean."""

    draw: Draw
    mean: float


def normal(mean: float = 0.0, deviation: float = 1.0) -> Law:
    """Return normal returns."""
    return Law(lambda rng, shape: rng.normal(mean, deviation, shape), mean)


def failing(share: float, mean: float = 0.0) -> Law:
    """Return unit normal returns with a mean, of which a share is lower by FAILURE."""

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return rng.normal(mean, 1.0, shape) - FAILURE * (rng.random(shape) < share)

    return Law(draw, mean - FAILURE * share)


def ceiling(share: float) -> Law:
    """Return returns of which a share is exactly CEILING, and the others are exponentially distributed below it."""

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        below = CEILING - rng.exponential(SHORTFALL, shape)
        return np.where(rng.random(shape) < share, CEILING, below)

    return Law(draw, CEILING - (1 - share) * SHORTFALL)


def lognormal(location: float = 0.0) -> Law:
    """Return lognormal returns with s = 1."""
    return Law(lambda rng, shape: np.exp(rng.normal(location, 1.0, shape)), float(np.exp(location + 0.5)))


def student(degrees: float, mean: float = 0.0) -> Law:
    """Return Student returns."""
    return Law(lambda rng, shape: mean + rng.standard_t(degrees, shape), mean)


def integers(mean: float) -> Law:
    """Return Poisson returns."""
    return Law(lambda rng, shape: rng.poisson(mean, shape).astype(float), mean)


LAWS = {
    "normal": normal(),
    "lognormal, s = 1": lognormal(),
    "50% failures": failing(0.5),
    "30% failures": failing(0.3),
    "10% failures": failing(0.1),
    "80% exactly 1000": ceiling(0.8),
    "Student, 2 degrees": student(2),
    "Student, 3 degrees": student(3),
    "integers": integers(2.0),
}
"""Distributions of one set of runs."""

WELL_BEHAVED = {
    "normal": normal(),
    "uniform": Law(lambda rng, shape: rng.random(shape), 0.5),
    "Student, 5 degrees": student(5),
}
"""Distributions for which no warning is due."""

PAIRS = {
    **{f"normal, {d:g} sd apart": (normal(d), normal()) for d in (0.0, 1.0, 2.0, 2.5, 3.0)},
    "normal, one with 3 times the sd": (normal(2.0, 3.0), normal()),
    "lognormal, s = 1": (lognormal(0.7), lognormal()),
    "50% failures in both": (failing(0.5), failing(0.5)),
    "50% failures around constant runs": (failing(0.5, FAILURE / 2), normal(0.0, 0.3)),
    "30% failures, normal": (failing(0.3, 2.0), normal()),
    "10% failures, normal": (failing(0.1, 3.0), normal()),
    "10% failures in both": (failing(0.1, 1.0), failing(0.1)),
    "80% exactly 1000 in both": (ceiling(0.8), ceiling(0.8)),
    "90% and 60% exactly 1000": (ceiling(0.9), ceiling(0.6)),
    "Student, 2 degrees": (student(2, 1.0), student(2)),
    "integers": (integers(3.0), integers(2.0)),
}
"""Distributions of two sets of runs."""

NULLS = {
    "normal": normal(),
    "10% failures": failing(0.1),
    "50% failures": failing(0.5),
    "80% exactly 1000": ceiling(0.8),
    "integers": integers(2.0),
}
"""Distributions that all agents have in simulations of tests."""


def true_superiority(pair: tuple[Law, Law], rng: np.random.Generator) -> float:
    """Return the probability that a run of the first beats one of the second, with ties as half, to 0.0003."""
    found = []
    for _ in range(8):
        a, b = (law.draw(rng, (400_000,)) for law in pair)
        b.sort()
        ranks = np.searchsorted(b, a, "left") + np.searchsorted(b, a, "right")
        found.append(ranks.mean() / 2 / len(b))
    return float(np.mean(found))
