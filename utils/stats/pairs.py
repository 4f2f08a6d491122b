"""Comparison of two sets of runs, such as those of two agents.

Tests of the means (Welch 1947) and of the ranks (Mann & Whitney 1947). Their p values do not measure the size of an
effect, so the probability of superiority is reported too: that a run of one set beats a run of the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from utils.stats.intervals import BLOCK, MIN_SAMPLES, check_fraction


@dataclass(frozen=True)
class PairComparison:
    """Comparison of runs a with runs b.

    difference: mean of a - mean of b; NaN if a run of either failed.
    welch_p: two-sided p value; NaN if a run of either failed, or if neither set varies.
    mann_whitney_p: two-sided p value; exact for small samples without ties, otherwise from the normal approximation.
    superiority: P(a > b) + P(a = b) / 2, the effect size: 1/2 if neither is better, 1 if every run of a beats every
    run of b.
    superiority_interval: percentile-bootstrap interval of superiority.
    """

    difference: float
    welch_p: float
    mann_whitney_p: float
    superiority: float
    superiority_interval: tuple[float, float]


def compare_pair(
    a: np.ndarray, b: np.ndarray, confidence: float = 0.95, resamples: int = 10_000, *, rng: np.random.Generator
) -> PairComparison:
    """Return a comparison of two sets of independent runs.

    a, b: (n,) and (m,), n, m >= 2, one number per run, NaN where it diverged or is missing. For ranks, such a run is
    below every finite one and tied with other failures.
    confidence: confidence level of the interval, in (0, 1).
    Raises ValueError for too few runs or an argument out of range.
    """
    for name, runs in (("a", a), ("b", b)):
        if len(runs) < MIN_SAMPLES:
            raise ValueError(f"{name}: found {len(runs)} runs; a comparison needs at least {MIN_SAMPLES}")
    check_fraction("confidence", confidence)
    low_a, low_b = (np.where(np.isnan(runs), -np.inf, runs) for runs in (a, b))
    beats = (low_a[:, None] > low_b) + 0.5 * (low_a[:, None] == low_b)  # (n, m)
    return PairComparison(
        float(np.mean(a) - np.mean(b)),
        _welch_p_value(a, b),
        _mann_whitney_p_value(low_a, low_b),
        float(beats.mean()),
        _superiority_interval(beats, confidence, resamples, rng),
    )


def _welch_p_value(a: np.ndarray, b: np.ndarray) -> float:
    """Return the p value of equal means; NaN where it is not defined."""
    from scipy.stats import ttest_ind_from_stats

    moments = [(float(np.mean(runs)), float(np.std(runs, ddof=1)), len(runs)) for runs in (a, b)]
    if np.isnan([moments[0][0], moments[1][0]]).any() or np.ptp(a) == np.ptp(b) == 0:
        return float("nan")
    return float(ttest_ind_from_stats(*moments[0], *moments[1], equal_var=False).pvalue)


def _mann_whitney_p_value(a: np.ndarray, b: np.ndarray) -> float:
    """Return the p value of equal distributions; 1 if all runs are equal."""
    from scipy.stats import mannwhitneyu

    if (np.concatenate([a, b]) == a[0]).all():
        return 1.0
    return float(mannwhitneyu(a, b).pvalue)


def _superiority_interval(
    beats: np.ndarray, confidence: float, resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the bootstrap interval of superiority; the runs of both sets are resampled.

    beats: (n, m), 1 where run n of a beats run m of b, 0.5 where they are equal.
    """
    n, m = beats.shape
    drawn = np.empty(resamples)
    block = max(1, BLOCK // (n + m))
    for start in range(0, resamples, block):
        part = drawn[start : start + block]
        times_a = rng.multinomial(n, np.full(n, 1 / n), size=len(part))  # (block, n)
        times_b = rng.multinomial(m, np.full(m, 1 / m), size=len(part))  # (block, m)
        part[:] = np.einsum("rm,rm->r", times_a @ beats, times_b) / (n * m)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
