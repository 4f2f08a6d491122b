"""Comparison of two sets of runs, such as those of two agents.

Tests of the means (Welch 1947) and of the ranks (Mann & Whitney 1947). Their p values do not measure the size of an
effect, so the probability of superiority is reported too: that a run of one set beats a run of the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from utils.stats.intervals import MIN_SAMPLES, check_fraction

MIN_WELCH_RUNS = 5
"""Smallest number of runs of either set for Welch's test.

With three runs of each of six agents that all fail half of the time, one of Holm's adjusted p values is below 0.05 in
25% of experiments (simulated): three failures and three good runs look like two constants. From five runs on, it is 5%.
"""

MOST_EXACT_RUNS = 8
"""Largest number of runs of the smaller set for an exact p value of the ranks."""

PRIOR_RUNS = 1.0
"""Number of runs that the variance expected of exponential runs counts as, next to the variance that is estimated."""

BISECTIONS = 50
"""Number of halvings by which a bound of an interval is found, to rounding."""


@dataclass(frozen=True)
class PairComparison:
    """Comparison of runs a with runs b.

    difference: mean of a - mean of b; NaN if a run of either failed.
    welch_p: two-sided p value; NaN if a run of either failed, if neither set varies, or for fewer than 5 runs.
    mann_whitney_p: two-sided p value; exact for small samples without ties, otherwise from the normal approximation.
    superiority: P(a > b) + P(a = b) / 2, the effect size: 1/2 if neither is better, 1 if every run of a beats every
    run of b.
    superiority_interval: its interval, see `superiority_interval`.
    """

    difference: float
    welch_p: float
    mann_whitney_p: float
    superiority: float
    superiority_interval: tuple[float, float]


class Superiority(NamedTuple):
    """The probability of superiority of n runs over m runs.

    probability: (...).  variance: (...), Brunner and Munzel's estimate of its variance.  degrees: (...), degrees of
    freedom of the variance, by Satterthwaite; NaN where the variance is 0.
    """

    probability: np.ndarray
    variance: np.ndarray
    degrees: np.ndarray


def compare_pair(a: np.ndarray, b: np.ndarray, confidence: float = 0.95) -> PairComparison:
    """Return a comparison of two sets of independent runs.

    a, b: (n,) and (m,), n, m >= 2, one number per run, NaN where it diverged or is missing. For ranks, such a run is
    below every finite one and tied with other failures.
    confidence: confidence level of the interval, in (0, 1).
    Raises ValueError for too few runs or an argument out of range.
    """
    low_a, low_b = (np.where(np.isnan(runs), -np.inf, runs) for runs in (a, b))
    low, high = superiority_interval(a, b, confidence)
    return PairComparison(
        float(np.mean(a) - np.mean(b)),
        _welch_p_value(a, b),
        _mann_whitney_p_value(low_a, low_b),
        float(superiority(a, b).probability),
        (float(low), float(high)),
    )


def superiority(a: np.ndarray, b: np.ndarray) -> Superiority:
    """Return the probability that a run of a beats a run of b, with ties counted as half, and its variance.

    a, b: (..., n) and (..., m), n, m >= 2, NaN for a failed run, which ranks below all others and ties with failures.
    The variance and its degrees of freedom are those of Brunner & Munzel (2000, Biometrical Journal 42(1)).
    Raises ValueError for too few runs.
    """
    for name, runs in (("a", a), ("b", b)):
        if runs.shape[-1] < MIN_SAMPLES:
            raise ValueError(f"{name}: found {runs.shape[-1]} runs; a comparison needs at least {MIN_SAMPLES}")
    low_a, low_b = (np.where(np.isnan(runs), -np.inf, runs) for runs in (a, b))
    n, m = low_a.shape[-1], low_b.shape[-1]
    greater, equal = (compare(low_a[..., :, None], low_b[..., None, :]) for compare in (np.greater, np.equal))
    beats = greater + 0.5 * equal  # (..., n, m)
    of_a, of_b = beats.mean(-1).var(-1, ddof=1) / n, beats.mean(-2).var(-1, ddof=1) / m
    variance = of_a + of_b
    divisor = of_a**2 / (n - 1) + of_b**2 / (m - 1)
    degrees = np.divide(variance**2, divisor, out=np.full(np.shape(variance), np.nan), where=divisor > 0)
    return Superiority(beats.mean((-2, -1)), variance, degrees)


def superiority_interval(a: np.ndarray, b: np.ndarray, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return the interval of the probability of superiority.  It is never of width 0.

    A probability p is in it if |found - p| <= t sqrt(V(p)) for one of two V and t:
    1. V of exponential runs with probability p, and Student's t with n + m - 2 degrees of freedom: method 5 of Newcombe
       (2006, Statistics in Medicine 25), which is Wilson's interval for this probability;
    2. p (1 - p) / e, where e is the effective number of pairs that Brunner and Munzel's variance corresponds to, and
       Student's t with their degrees of freedom. With few runs, e is drawn to that of 1. (`PRIOR_RUNS`).
    The first is too narrow where one set varies far more than the other, the second where few pairs are lost.
    a, b: (..., n) and (..., m), as for `superiority`.  confidence: in (0, 1).
    What a nominal 95% interval holds (simulated; docs/statistics.md has the table): 93% to 100% from 3 runs on.
    Returns low and high, each (...).  Raises ValueError for too few runs or an argument out of range.
    """
    from scipy.special import stdtrit

    check_fraction("confidence", confidence)
    found, n, m = superiority(a, b), a.shape[-1], b.shape[-1]
    level = (1 + confidence) / 2
    degrees = np.where(np.isnan(found.degrees), n + m - 2, found.degrees)
    newcombe = _newcombe_interval(found.probability, n, m, float(stdtrit(n + m - 2, level)))
    wilson = _wilson_interval(found.probability, _effective_pairs(found, n, m), stdtrit(degrees, level))
    low, high = np.minimum(newcombe[0], wilson[0]), np.maximum(newcombe[1], wilson[1])
    return np.maximum(low, 0.0), np.minimum(high, 1.0)


def exponential_variance(p: np.ndarray, n: float, m: float) -> np.ndarray:
    """Return the variance of the found probability of superiority, p for exponential runs (Hanley & McNeil 1982)."""
    return p * (1 - p) * (1 + (n - 1) * (1 - p) / (2 - p) + (m - 1) * p / (1 + p)) / (n * m)


def _effective_pairs(found: Superiority, n: int, m: int) -> np.ndarray:
    """Return the number e for which p (1 - p) / e is the variance, after adding what is expected before the runs."""
    fewer = min(n, m)
    shrunk = (found.probability * fewer + 0.5 * PRIOR_RUNS) / (fewer + PRIOR_RUNS)
    expected = exponential_variance(shrunk, n, m) / (shrunk * (1 - shrunk))
    weight = 4 * fewer * found.probability * (1 - found.probability)
    inverse = (4 * fewer * found.variance + PRIOR_RUNS * expected) / (weight + PRIOR_RUNS)
    return 1 / np.minimum(inverse, 1 / fewer)  # No distribution has a larger variance (van Dantzig 1951).


def _wilson_interval(p: np.ndarray, pairs: np.ndarray, quantile: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the roots x of (p - x)^2 = quantile^2 x (1 - x) / pairs (Wilson 1927)."""
    c = quantile**2 / pairs
    middle, half = (p + c / 2) / (1 + c), np.sqrt(c * (p * (1 - p) + c / 4)) / (1 + c)
    return middle - half, middle + half


def _newcombe_interval(p: np.ndarray, n: int, m: int, quantile: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the roots x of |p - x| = quantile sqrt(V(x)), with both numbers of runs in V replaced by their mean."""
    size = (n + m) / 2

    def outside(x: np.ndarray) -> np.ndarray:
        return np.abs(p - x) > quantile * np.sqrt(exponential_variance(x, size, size) * size**2 / (n * m))

    def bound(far: float) -> np.ndarray:
        near, end = np.array(p, float), np.full(np.shape(p), far)
        for _ in range(BISECTIONS):
            middle = (near + end) / 2
            beyond = outside(middle)
            near, end = np.where(beyond, near, middle), np.where(beyond, middle, end)
        return end

    return bound(0.0), bound(1.0)


def _welch_p_value(a: np.ndarray, b: np.ndarray) -> float:
    """Return the p value of equal means; NaN where it is not defined."""
    few = min(len(a), len(b)) < MIN_WELCH_RUNS
    if few or np.isnan([a.sum(), b.sum()]).any() or np.ptp(a) == np.ptp(b) == 0:
        return float("nan")
    return student_p_value(float(np.mean(a) - np.mean(b)), *welch_error(a, b))


def welch_error(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Return the standard error of mean a - mean b, and the degrees of freedom of Welch (1947); one set must vary."""
    squares = np.array([np.var(runs, ddof=1) / len(runs) for runs in (a, b)])
    degrees = squares.sum() ** 2 / np.sum(squares**2 / (len(a) - 1, len(b) - 1))
    return float(np.sqrt(squares.sum())), float(degrees)


def student_p_value(value: float, error: float, degrees: float) -> float:
    """Return the two-sided p value of 0 for a value whose quotient by its standard error has Student's distribution."""
    from scipy.special import stdtr

    return float(2 * stdtr(degrees, -abs(value) / error))


def _mann_whitney_p_value(a: np.ndarray, b: np.ndarray) -> float:
    """Return the p value of equal distributions; 1 if all runs are equal.

    The normal approximation has a correction for continuity and for ties.
    """
    from scipy.special import ndtr

    n, m = len(a), len(b)
    _, ties = np.unique(np.concatenate([a, b]), return_counts=True)
    if len(ties) == 1:
        return 1.0
    if len(ties) == n + m and min(n, m) <= MOST_EXACT_RUNS:
        from scipy.stats import mannwhitneyu

        return float(mannwhitneyu(a, b, method="exact").pvalue)
    wins = np.sum(a[:, None] > b) + 0.5 * np.sum(a[:, None] == b)
    variance = n * m / 12 * (n + m + 1 - np.sum(ties**3 - ties) / ((n + m) * (n + m - 1)))
    return float(min(1.0, 2 * ndtr((0.5 - abs(wins - n * m / 2)) / np.sqrt(variance))))
