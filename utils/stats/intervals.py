"""Confidence intervals, tolerance intervals and sample sizes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

BLOCK = 2**22
"""Approximate number of float64 values that a bootstrap holds in memory at once: 32 MiB."""

MIN_SAMPLES = 2
"""Smallest number of samples for an interval: a single sample has no variation."""

ROUNDING = 1e-14
"""Standard deviation, as a fraction of the mean, up to which samples do not differ."""

SMALLEST_SKEWNESS = 1e-6
"""Skewness / sqrt(n) up to which Hall's transformation is the identity, to rounding."""


def mean_interval(samples: np.ndarray, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return the skewness-corrected Student interval of the mean over axis 0.

    The bounds are mean + d s / sqrt(n), with s the standard deviation. On either side, d is Student's quantile or the
    one that Hall's transformation gives for the samples' skewness, whichever lies further out (`skewed_quantiles`).
    samples: (n, ...), finite.  confidence: in (0, 1).
    What a nominal 95% interval holds, in % (simulated; docs/statistics.md has more rows and columns):
                                n = 2    3    5   10   20   30   50
        normal                     95   96   96   95   95   95   95
        lognormal, s = 1           90   87   87   90   92   93   95
        10% failures               91   90   81   73   86   95   98
        80% exactly the highest    35   45   64   82   94   97   98
    Where a rare kind of run decides the mean, few runs cannot tell; `utils.stats.sample_warnings` warns where the runs
    show it.
    Returns low and high, each (...).  Raises ValueError for n < 2 or an argument out of range.
    """
    n = len(samples)
    if n < MIN_SAMPLES:
        raise ValueError(f"found {n} samples; the interval of a mean needs at least {MIN_SAMPLES}")
    check_fraction("confidence", confidence)
    check_finite(samples)
    mean, (deviation, skewness) = np.mean(samples, axis=0), _deviation_and_skewness(samples)
    below, above = skewed_quantiles(skewness, n, confidence)
    error = deviation / math.sqrt(n)
    return mean - below * error, mean + above * error


def _deviation_and_skewness(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the standard deviation over axis 0, and the third central moment over its cube; 0 if samples are equal."""
    mean, deviation = np.mean(samples, axis=0), np.std(samples, axis=0, ddof=1)
    varies = deviation > ROUNDING * np.abs(mean)
    scale = np.where(varies, deviation, 1.0)
    return deviation, np.where(varies, np.mean(((samples - mean) / scale) ** 3, axis=0), 0.0)


def skewed_quantiles(skewness: np.ndarray, n: int, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return how far the interval of a mean reaches below and above it, in standard errors.

    With t = (sample mean - mean) / standard error and a = skewness / sqrt(n), t + a t^2 / 3 + a^2 t^3 / 27 + a / 6 has
    less skewness than t (Hall 1992, JRSS B 54(1)); it is compared with Student's quantiles, and solved for t. As the
    skewness is estimated, neither side is shorter than Student's.
    skewness: (...), third central moment over the cube of the standard deviation.  n: 2 or more.
    """
    from scipy.special import stdtrit

    quantile = float(stdtrit(n - 1, (1 + confidence) / 2))
    a = np.asarray(skewness, float) / math.sqrt(n)
    skewed = np.abs(a) > SMALLEST_SKEWNESS
    divisor = np.where(skewed, a, 1.0)

    def solve(q: float) -> np.ndarray:
        return np.where(skewed, 3 / divisor * (np.cbrt(1 + divisor * (q - divisor / 6)) - 1), q)

    return np.maximum(quantile, solve(quantile)), np.maximum(quantile, -solve(-quantile))


def expanded_tail(n: int, confidence: float) -> float:
    """Return the fraction of resampled means of n samples to leave below a bootstrap interval, and above it.

    It is Phi(-sqrt(n / (n - 1)) t), where t is Student's quantile for n - 1 degrees of freedom. The usual fraction,
    (1 - confidence) / 2, makes an interval too narrow for two reasons: resampling estimates a variance with divisor n
    instead of n - 1, and ignores that it is an estimate (Hesterberg 2015, The American Statistician 69(4)).
    n: 2 or more.  confidence: in (0, 1).
    """
    from scipy.special import ndtr, stdtrit

    return float(ndtr(-math.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 + confidence) / 2)))


def check_fraction(name: str, value: float) -> None:
    """Raise ValueError unless the value is in (0, 1)."""
    if not 0 < value < 1:
        raise ValueError(f"{name}: found {value}; allowed: above 0 and below 1")


def check_finite(samples: np.ndarray) -> None:
    """Raise ValueError if a sample is not finite."""
    if not np.isfinite(samples).all():
        raise ValueError("samples: found a number that is not finite")


def tolerance_interval(
    samples: np.ndarray, coverage: float = 0.9, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Return bounds that contain a fraction `coverage` of all possible runs, with at least the given confidence.

    samples: (n, ...), finite, n runs.  coverage, confidence: in (0, 1).
    The interval is distribution-free; each number along the trailing axes has its own.
    Returns low and high, each (...).  Raises ValueError for n < `fewest_runs` or an argument out of range.
    """
    low, high = tolerance_ranks(len(samples), coverage, confidence)
    check_finite(samples)
    ordered = np.sort(samples, axis=0)
    return ordered[low - 1], ordered[high - 1]


def tolerance_ranks(n: int, coverage: float = 0.9, confidence: float = 0.95) -> tuple[int, int]:
    """Return the ranks among n runs, the lowest being 1, that bound the narrowest two-sided tolerance interval.

    The fraction of the distribution between ranks l and u is Beta(u - l, n - u + l + 1) distributed; it exceeds the
    coverage as often as Binomial(n, coverage) is below u - l (Wilks 1941). Equally many runs lie outside on both
    sides, or one more at the top, so that bad runs are not left out.
    Raises ValueError, naming the number of runs needed, if n is too small; also for an argument out of range.
    """
    from scipy.stats import binom

    needed = fewest_runs(coverage, confidence)
    if n < needed:
        raise ValueError(
            f"found {n} runs; a tolerance interval of coverage {coverage} and confidence {confidence} "
            f"needs at least {needed}"
        )
    span = int(binom.ppf(confidence, n, coverage)) + 1
    low = 1 + (n - 1 - span) // 2
    return low, low + span


def fewest_runs(coverage: float = 0.9, confidence: float = 0.95) -> int:
    """Return the smallest number of runs for a two-sided, distribution-free tolerance interval: 46 by default.

    The lowest and highest of n runs contain a fraction c with probability 1 - n c^(n-1) + (n-1) c^n.
    Raises ValueError for an argument out of range.
    """
    check_fraction("coverage", coverage)
    check_fraction("confidence", confidence)
    return _first_integer(MIN_SAMPLES, lambda n: 1 - n * coverage ** (n - 1) + (n - 1) * coverage**n >= confidence)


def seeds_needed(samples: np.ndarray, half_width: float, confidence: float = 0.95) -> int:
    """Return the number of additional runs for which the longer side of `mean_interval` has the given length.

    samples: (n,), finite, n >= 2, existing runs. Further runs are assumed to have their standard deviation and
    skewness, so the answer is rough when n is small.  half_width: > 0, in the samples' unit.
    Returns 0 if there are enough runs already.  Raises ValueError for an argument out of range.
    """
    n = len(samples)
    if n < MIN_SAMPLES:
        raise ValueError(f"found {n} samples; a standard deviation needs at least {MIN_SAMPLES}")
    if not half_width > 0:
        raise ValueError(f"half_width: found {half_width}; allowed: above 0")
    check_fraction("confidence", confidence)
    check_finite(samples)
    deviation, skewness = _deviation_and_skewness(samples)

    def is_reached(runs: int) -> bool:
        longer = np.maximum(*skewed_quantiles(skewness, runs, confidence))
        return bool(longer * deviation <= half_width * math.sqrt(runs))

    return max(0, _first_integer(MIN_SAMPLES, is_reached) - n)


def _first_integer(start: int, holds: Callable[[int], bool]) -> int:
    """Return the smallest integer >= start for which a monotone condition holds."""
    below, high = start - 1, start
    while not holds(high):
        below, high = high, 2 * high
    while high - below > 1:
        middle = (below + high) // 2
        below, high = (below, middle) if holds(middle) else (middle, high)
    return high
