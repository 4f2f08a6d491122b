"""Tests of claims: a statistic, its 95% interval and p value, and whether the claim was re-obtained.

- better: difference of the mean performances of the arms' best settings on fresh seeds, by Welch's test.
- less_sensitive: how much performance is lost by leaving one hyperparameter to chance. For each of its values the best
  setting's mean performance is taken; the loss is their maximum minus their mean. The statistic is b's loss minus a's,
  on the seeds for choosing, which all settings share: it is tested by resampling these seeds.
- better_on_average: difference of the mean performances over all settings of the grids, resampled in the same way.

A run that diverged counts as the worst performance of any run of both arms in that environment. A claim is re-obtained,
or contradicted, if its p value is at most 0.05 after Holm's adjustment for all claims of the study in all environments,
those whose runs are missing included. So the probability that any outcome of a study is wrong is at most 5%. The
intervals are each claim's own, without an adjustment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from utils.core.grid import Grid
from utils.stats.intervals import expanded_tail
from utils.stats.looks import without_failures
from utils.stats.multiplicity import holm_adjust
from utils.studies.choice import ArmInEnvironment
from utils.studies.study import Claim, Study

CONFIDENCE = 0.95
"""Confidence of the intervals; 1 - CONFIDENCE is the family-wise error of a study's outcomes."""

RESAMPLES = 10_000
"""Number of resamples of seeds."""

BLOCK = 2**21
"""Largest number of performances that are averaged at once: 16 MiB."""

Measure = Callable[[np.ndarray], np.ndarray]
"""A number (B,) of an arm's mean performances (settings, B)."""


@dataclass(frozen=True)
class ClaimStatistic:
    """A statistic, above 0 as claimed, its interval, and the p value of 0, two-sided."""

    value: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Verdict:
    """A claim in an environment.  n: runs behind it.  adjusted_p: the p value, adjusted for all claims of the study."""

    claim: Claim
    environment: str
    found: ClaimStatistic
    n: str
    adjusted_p: float

    @property
    def outcome(self) -> str:
        """Whether the claim holds: "re-obtained", "contradicted" or "open"."""
        if self.adjusted_p > 1 - CONFIDENCE:
            return "open"
        return "re-obtained" if self.found.value > 0 else "contradicted"


def adjust(verdicts: Sequence[Verdict], claims: int) -> list[Verdict]:
    """Return verdicts with p values adjusted for a number of claims, counted in every environment."""
    p_values = [one.found.p for one in verdicts] + [1.0] * (claims - len(verdicts))
    adjusted = holm_adjust(np.array(p_values))
    return [replace(one, adjusted_p=float(p)) for one, p in zip(verdicts, adjusted[: len(verdicts)], strict=True)]


def judge(study: Study, claim: Claim, a: ArmInEnvironment, b: ArmInEnvironment) -> Verdict | None:
    """Return the verdict on one claim alone in the environment of both arms; None while runs for it are missing."""
    if claim.kind == "better":
        if min(len(a.reporting), len(b.reporting)) < study.reporting_runs:
            return None
        first, second = _without_failures(a.performance, b.performance)
        found, n = welch_test(first, second), f"{len(first)} + {len(second)} runs"
    elif a.choosing is None or b.choosing is None:
        return None
    else:
        first, second = _without_failures(a.choosing, b.choosing)
        measures = _measure(study, claim, claim.a), _measure(study, claim, claim.b)
        found = resampled_test(first, second, *measures, -1.0 if claim.kind == "less_sensitive" else 1.0)
        n = f"{first.size} + {second.size} runs of {study.choosing_runs} seeds"
    return Verdict(claim, a.environment, found, n, found.p)


def _measure(study: Study, claim: Claim, arm: str) -> Measure:
    """Return the number of an arm's mean performances that a claim over whole grids compares."""
    if claim.kind == "better_on_average":
        return lambda means: means.mean(0)
    assert claim.to is not None
    grid = Grid(study.grid(arm))
    values = [str(grid.setting(number)[claim.to]) for number in range(len(grid))]
    return lambda means: loss_by_chance(means, values)


def loss_by_chance(means: np.ndarray, values: list[str]) -> np.ndarray:
    """Return the maximum minus the mean, over a hyperparameter's values, of the best mean performance with the value.

    means: (settings, ...).  values: the hyperparameter's value in each setting.  Returns (...).
    """
    own = np.array(values)
    best = np.stack([means[own == value].max(0) for value in dict.fromkeys(values)])
    return best.max(0) - best.mean(0)


def welch_test(a: np.ndarray, b: np.ndarray) -> ClaimStatistic:
    """Return mean a - mean b, tested by Welch (1947); an interval of width 0 if no run of either differs."""
    from scipy.stats import ttest_ind

    difference = float(a.mean() - b.mean())
    if np.ptp(a) == np.ptp(b) == 0:
        return ClaimStatistic(difference, difference, difference, float(difference == 0))
    found = ttest_ind(a, b, equal_var=False)
    interval = found.confidence_interval(CONFIDENCE)
    return ClaimStatistic(difference, float(interval.low), float(interval.high), float(found.pvalue))


def resampled_test(a: np.ndarray, b: np.ndarray, measure_a: Measure, measure_b: Measure, sign: float) -> ClaimStatistic:
    """Return sign (measure_a - measure_b), tested by resampling the seeds that all settings share.

    a, b: (settings, seeds).  The interval is the expanded-percentile one (`expanded_tail`), and the p value is 1 minus
    the highest confidence at which it does not contain 0.
    """
    seeds = a.shape[1]
    value = float((sign * (measure_a(a.mean(1)[:, None]) - measure_b(b.mean(1)[:, None])))[0])
    if seeds == 1:
        return ClaimStatistic(value, float("-inf"), float("inf"), 1.0)
    rng = np.random.Generator(np.random.PCG64(0))
    weights = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES).T / seeds  # (seeds, resamples)
    block = max(1, BLOCK // (len(a) + len(b)))
    parts = [weights[:, start : start + block] for start in range(0, RESAMPLES, block)]
    drawn = np.concatenate([sign * (measure_a(a @ part) - measure_b(b @ part)) for part in parts])
    tail = expanded_tail(seeds, CONFIDENCE)
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return ClaimStatistic(value, float(low), float(high), _p_value(drawn, seeds))


def _p_value(drawn: np.ndarray, seeds: int) -> float:
    """Return the two-sided p value that belongs to the expanded-percentile interval of resampled statistics.

    The fraction of them on the far side of 0 is the tail of the interval that ends at 0; at least one is counted.
    """
    from scipy.special import ndtri, stdtr

    beyond = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    fraction = min((beyond + 1) / (len(drawn) + 1), 0.5)
    return float(2 * stdtr(seeds - 1, ndtri(fraction) * np.sqrt((seeds - 1) / seeds)))


def _without_failures(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both with NaN replaced by the worst finite performance of either; 0 if there is none."""
    joined = without_failures(np.concatenate((a.ravel(), b.ravel())))
    return joined[: a.size].reshape(a.shape), joined[a.size :].reshape(b.shape)
