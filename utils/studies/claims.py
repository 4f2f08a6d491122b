"""Tests of claims: a statistic, its 95% interval, and whether the claim was re-obtained.

- better: difference of the mean performances of the arms' best settings on fresh seeds, with Welch's interval.
- less_sensitive: how much performance is lost by leaving one hyperparameter to chance. For each of its values the best
  setting's mean performance is taken; the loss is their maximum minus their mean. The statistic is b's loss minus a's,
  on the seeds for choosing, which all settings share: its interval is from resampling these seeds.
- better_on_average: difference of the mean performances over all settings of the grids, resampled in the same way.

A run that diverged counts as the worst performance of any run of both arms in that environment. An interval above 0
confirms a claim, one below 0 contradicts it, and one that contains 0 leaves it open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from utils.core.grid import Grid
from utils.studies.choice import ArmInEnvironment
from utils.studies.study import Claim, Study

CONFIDENCE = 0.95
"""Confidence of the intervals."""

RESAMPLES = 10_000
"""Number of resamples of seeds."""


@dataclass(frozen=True)
class Verdict:
    """A claim in an environment.  statistic: above 0 is as claimed.  low, high: its interval.  n: runs behind it."""

    claim: Claim
    environment: str
    statistic: float
    low: float
    high: float
    n: str

    @property
    def outcome(self) -> str:
        """Whether the claim holds: "re-obtained", "contradicted" or "open"."""
        if self.low > 0:
            return "re-obtained"
        return "contradicted" if self.high < 0 else "open"


def judge(study: Study, claim: Claim, a: ArmInEnvironment, b: ArmInEnvironment) -> Verdict | None:
    """Return the verdict on a claim in the environment of both arms; None while runs for it are missing."""
    if claim.kind == "better":
        if min(len(a.reporting), len(b.reporting)) < study.reporting_runs:
            return None
        first, second = _without_failures(a.performance, b.performance)
        statistic, low, high = welch_interval(first, second)
        return Verdict(claim, a.environment, statistic, low, high, f"{len(first)} + {len(second)} runs")
    if a.choosing is None or b.choosing is None:
        return None
    first, second = _without_failures(a.choosing, b.choosing)
    measure_a, measure_b = _measure(study, claim, claim.a), _measure(study, claim, claim.b)
    sign = -1.0 if claim.kind == "less_sensitive" else 1.0
    statistic, low, high = resampled_interval(
        lambda seeds: sign * (measure_a(first[:, seeds]) - measure_b(second[:, seeds])), study.choosing_runs
    )
    n = f"{first.size} + {second.size} runs of {study.choosing_runs} seeds"
    return Verdict(claim, a.environment, statistic, low, high, n)


def _measure(study: Study, claim: Claim, arm: str) -> Callable[[np.ndarray], float]:
    """Return the function of an arm's performances (settings, runs) that a claim over whole grids compares."""
    if claim.kind == "better_on_average":
        return lambda performance: float(performance.mean())
    assert claim.to is not None
    grid = Grid(study.grid(arm))
    values = [str(grid.setting(number)[claim.to]) for number in range(len(grid))]
    return lambda performance: loss_by_chance(performance.mean(1), values)


def loss_by_chance(means: np.ndarray, values: list[str]) -> float:
    """Return the maximum minus the mean, over a hyperparameter's values, of the best mean performance with the value.

    means: (settings,).  values: the hyperparameter's value in each setting.
    """
    best = [max(mean for mean, own in zip(means, values, strict=True) if own == value) for value in set(values)]
    return float(np.max(best) - np.mean(best))


def welch_interval(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """Return mean a - mean b and its interval (Welch 1947); an interval of width 0 if no run of either differs."""
    from scipy.stats import ttest_ind

    difference = float(a.mean() - b.mean())
    if np.ptp(a) == np.ptp(b) == 0:
        return difference, difference, difference
    interval = ttest_ind(a, b, equal_var=False).confidence_interval(CONFIDENCE)
    return difference, float(interval.low), float(interval.high)


def resampled_interval(statistic: Callable[[np.ndarray], float], seeds: int) -> tuple[float, float, float]:
    """Return a statistic of seeds, given as indices, and its percentile interval from resampling the seeds."""
    rng = np.random.Generator(np.random.PCG64(0))
    found = [statistic(rng.integers(seeds, size=seeds)) for _ in range(RESAMPLES if seeds > 1 else 0)]
    value = statistic(np.arange(seeds))
    if not found:
        return value, float("-inf"), float("inf")
    low, high = np.quantile(found, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return value, float(low), float(high)


def _without_failures(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both with NaN replaced by the worst finite performance of either; 0 if there is none."""
    finite = np.concatenate((a[np.isfinite(a)], b[np.isfinite(b)]))
    worst = finite.min() if len(finite) else 0.0
    return np.where(np.isnan(a), worst, a), np.where(np.isnan(b), worst, b)
