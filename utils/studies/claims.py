"""Tests of claims: a statistic, its 95% interval and p value, and whether the claim was re-obtained.

- better: difference of the mean performances of the arms' best settings on fresh seeds, by Welch's test.
- less_sensitive: how much performance is lost by leaving one hyperparameter to chance. For each of its values the best
  setting's mean performance is taken; the loss is their maximum minus their mean. The statistic is b's loss minus a's,
  on the seeds for choosing, which all settings share: it is tested by the jackknife over these seeds.
- better_on_average: difference of the mean performances over all settings of the grids, tested in the same way. This is
  Student's paired test of the seeds.

A run that diverged counts as the worst performance of any run of both arms in that environment. A claim is re-obtained,
or contradicted, if its p value is at most 0.05 after Holm's adjustment for all claims of the study in all environments,
those whose runs are missing included. So the probability that any outcome of a study is wrong is at most 5%. The
intervals are each claim's own, without an adjustment.

Runs that do not vary have no standard error. There, and with few runs, the p value of `better` is at least the smallest
of a permutation test, 2 / C(n + m, n), and that of the others, where no seed differs, 2^(1 - n), the smallest of a test
of the signs of n seeds. Such a difference has no interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import comb, nan

import numpy as np

from utils.core.grid import Grid
from utils.stats.looks import without_failures
from utils.stats.multiplicity import holm_adjust
from utils.stats.pairs import student_p_value, welch_error
from utils.studies.choice import ArmInEnvironment
from utils.studies.study import Claim, Study

CONFIDENCE = 0.95
"""Confidence of the intervals; 1 - CONFIDENCE is the family-wise error of a study's outcomes."""

ROUNDING = 16 * float(np.finfo(float).eps)
"""Relative error of sums over seeds, above which seeds differ."""

Measure = Callable[[np.ndarray], np.ndarray]
"""A number (B,) of an arm's mean performances (settings, B), over B sets of seeds."""


@dataclass(frozen=True)
class ClaimStatistic:
    """A statistic, above 0 as claimed, its interval, NaN if there is none, and the p value of 0, two-sided."""

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
        found = jackknife_test(first, second, *measures, -1.0 if claim.kind == "less_sensitive" else 1.0)
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
    """Return mean a - mean b, tested by Welch (1947); without an interval if no run of either differs.

    a, b: (n,) and (m,), n, m >= 2.  The p value is at least 2 / C(n + m, n): three runs that fail and three that do not
    may happen to look like two constants.
    """
    smallest = 2 / comb(len(a) + len(b), len(a))
    if np.ptp(a) == np.ptp(b) == 0:
        return _without_interval(float(a[0] - b[0]), smallest)
    found = _student_test(float(a.mean() - b.mean()), *welch_error(a, b))
    return replace(found, p=max(found.p, smallest))


def jackknife_test(a: np.ndarray, b: np.ndarray, measure_a: Measure, measure_b: Measure, sign: float) -> ClaimStatistic:
    """Return sign (measure_a - measure_b), tested by the jackknife over the seeds that all settings share (Tukey 1958).

    a, b: (settings, seeds).  The n statistics t_i without one seed each have the mean m. The standard error is
    sqrt((n - 1) / n sum (t_i - m)^2), and the statistic over it is compared with Student's distribution of n - 1
    degrees of freedom. It is not corrected for its bias, which would make it vary more than its standard error says.
    """
    seeds = a.shape[1]

    def statistics(weights: np.ndarray) -> np.ndarray:
        return sign * (measure_a(a @ weights) - measure_b(b @ weights))

    value = float(statistics(np.full((seeds, 1), 1 / seeds))[0])
    if seeds == 1:
        return ClaimStatistic(value, float("-inf"), float("inf"), 1.0)
    without_one = statistics((1 - np.eye(seeds)) / (seeds - 1))
    error = float(np.sqrt((seeds - 1) * without_one.var()))
    rounding = ROUNDING * float(max(np.abs(a).max(), np.abs(b).max()))
    if error > rounding:
        return _student_test(value, error, seeds - 1)
    return _without_interval(value if abs(value) > rounding else 0.0, 2.0 ** (1 - seeds))


def _without_interval(value: float, p: float) -> ClaimStatistic:
    """Return a statistic of runs that do not vary.  p: p value of a value other than 0."""
    return ClaimStatistic(value, nan, nan, p if value else 1.0)


def _student_test(value: float, error: float, degrees: float) -> ClaimStatistic:
    """Test a statistic whose quotient by its standard error, above 0, has Student's distribution."""
    from scipy.special import stdtrit

    half_width = float(stdtrit(degrees, (1 + CONFIDENCE) / 2)) * error
    return ClaimStatistic(value, value - half_width, value + half_width, student_p_value(value, error, degrees))


def _without_failures(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both with NaN replaced by the worst finite performance of either; 0 if there is none."""
    joined = without_failures(np.concatenate((a.ravel(), b.ravel())))
    return joined[: a.size].reshape(a.shape), joined[a.size :].reshape(b.shape)
