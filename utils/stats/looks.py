"""Looks at the runs after each group of them, and the interval of a mean that holds at all looks together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from utils.stats.intervals import MIN_SAMPLES, mean_interval
from utils.stats.multiplicity import simultaneous_confidence


@dataclass(frozen=True)
class Looks:
    """When runs are looked at: after every group of runs of each agent.

    group: number of runs in a group, >= 2.  most: largest number of runs of an agent, a multiple of group.
    Raises ValueError for others.
    """

    group: int
    most: int

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.group < MIN_SAMPLES:
            raise ValueError(f"group: found {self.group}; allowed: {MIN_SAMPLES} or more")
        if self.most < self.group:
            raise ValueError(f"most: found {self.most}; allowed: at least the group of {self.group}")
        if self.most % self.group:
            raise ValueError(f"most: found {self.most}; allowed: a multiple of the group of {self.group}")

    @property
    def count(self) -> int:
        """Largest number of looks."""
        return self.most // self.group


class ShortInterval(NamedTuple):
    """The mean of runs where a rule stops adding them, and its interval.

    look: number of the look, from 1.  reached: whether the interval is short enough.
    """

    look: int
    mean: float
    low: float
    high: float
    reached: bool


def find_short_interval(runs: np.ndarray, looks: Looks, half_width: float, confidence: float = 0.95) -> ShortInterval:
    """Return the first look at which the interval reaches at most half_width to either side, or else the last look.

    runs: (k * group,), of the first k groups, in their order, NaN for a failed run.  half_width: > 0, in their unit.
    Raises ValueError for an argument out of range, and for a number of runs that is not that of a look.
    """
    if not 0 < half_width < float("inf"):
        raise ValueError(f"half_width: found {half_width}; allowed: a number above 0")
    if len(runs) not in range(looks.group, looks.most + 1, looks.group):
        raise ValueError(f"found {len(runs)} runs; allowed: groups of {looks.group}, up to {looks.most}")
    for look in range(1, len(runs) // looks.group + 1):
        own = runs[: look * looks.group]
        low, high = map(float, sequential_interval(own, looks.count, confidence))
        mean = float(without_failures(own).mean())
        reached = max(high - mean, mean - low) <= half_width
        if reached:
            break
    return ShortInterval(look, mean, low, high, reached)


def sequential_interval(runs: np.ndarray, looks: int, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return the interval of the mean over axis 0 at one of several looks, for any rule that stops at one of them.

    It is `mean_interval` at 1 - (1 - confidence) / looks: the intervals of all looks hold together (Bonferroni). With
    the nominal level at each look, runs would tend to stop when they happen to vary little.
    runs: (n, ...), NaN for a failed run, which counts as the worst of the others.
    How often it holds the mean where the rule stops, nominally 95% (simulated; docs/statistics.md has the table):
    99% or more for normal runs, 95% for lognormal ones, 87% to 90% where one run in ten fails, and 82% to 85% where 80%
    of the runs are exactly the highest.
    Returns low and high, each (...).  Raises ValueError for n < 2 or an argument out of range.
    """
    return mean_interval(without_failures(runs, (0,)), simultaneous_confidence(confidence, looks))


def without_failures(runs: np.ndarray, axes: tuple[int, ...] | None = None) -> np.ndarray:
    """Return runs with NaN replaced by the lowest number along some axes, all by default; 0 if there is none."""
    lowest = np.min(np.where(np.isnan(runs), np.inf, runs), axis=axes, keepdims=True)
    return np.where(np.isnan(runs), np.where(np.isinf(lowest), 0.0, lowest), runs)
