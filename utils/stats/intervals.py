"""Intervals and sample sizes: arrays in, numbers out."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

BLOCK = 2**22
"""Bootstrap means held at once, about: 32 MiB."""


MIN_SAMPLES = 2
"""Samples below which a bootstrap says nothing: every resample of one is that one."""


FEW_SAMPLES = 5
"""Samples below which a bootstrap is clearly too narrow, as no resample goes beyond them: a nominal 95% interval of
normal data holds the true mean in 50% of cases for n = 2, 75% for 3, 92% for 5, 94% for 10 (simulated)."""


def bootstrap_interval(
    samples: np.ndarray, confidence: float = 0.95, resamples: int = 10_000, *, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Expanded-percentile bootstrap confidence interval of the mean over axis 0.

    samples: (n, ...), finite.  confidence: in (0, 1).  Whole samples are resampled: what stands in
    the trailing axes, say the points of a run's curve, stays together. The bounds are percentiles of the resampled
    means, further out the fewer samples there are (`expanded_tail`).
    Returns low and high, each (...).  Raises ValueError for n < 2 or what is out of range.
    """
    n = len(samples)
    if n < MIN_SAMPLES:
        raise ValueError(f"found {n} samples; a bootstrap interval needs at least {MIN_SAMPLES}")
    check_share("confidence", confidence)
    check_finite(samples)
    times_drawn = rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(float)  # (resamples, n)
    flat = np.reshape(samples, (n, -1))
    bounds = np.empty((2, flat.shape[1]))
    tail = expanded_tail(n, confidence)
    width = max(1, BLOCK // resamples)
    for start in range(0, flat.shape[1], width):
        part = slice(start, start + width)
        bounds[:, part] = np.quantile(times_drawn @ flat[:, part] / n, [tail, 1 - tail], axis=0)
    low, high = bounds.reshape(2, *samples.shape[1:])
    return low, high


def expanded_tail(n: int, confidence: float) -> float:
    """The share of the resampled means of n samples that lies below their interval, and above it.

    Phi(-sqrt(n / (n - 1)) t), t being Student's quantile for n - 1 degrees of freedom. The plain share,
    (1 - confidence) / 2, makes an interval too narrow: resampled means spread as if the variance were divided by n
    instead of n - 1, and as if it were known (Hesterberg 2015, The American Statistician 69(4)).
    n: 2 or more.  confidence: in (0, 1).
    """
    from scipy.special import ndtr, stdtrit

    return float(ndtr(-math.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 + confidence) / 2)))


def check_share(name: str, value: float) -> None:
    """Raises ValueError unless the value is in (0, 1)."""
    if not 0 < value < 1:
        raise ValueError(f"{name}: found {value}; allowed: above 0 and below 1")


def check_finite(samples: np.ndarray) -> None:
    """Raises ValueError if one is not."""
    if not np.isfinite(samples).all():
        raise ValueError("samples: found a number that is not finite")


def tolerance_interval(
    samples: np.ndarray, coverage: float = 0.9, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Bounds that, with the stated confidence or more, hold the stated share of all runs there could be.

    samples: (n, ...), finite, n runs.  coverage, confidence: in (0, 1).  Whatever the distribution, of each number
    in the trailing axes by itself.
    Returns low and high, each (...).  Raises ValueError for n < `fewest_runs`, or what is out of range.
    """
    low, high = tolerance_ranks(len(samples), coverage, confidence)
    check_finite(samples)
    ordered = np.sort(samples, axis=0)
    return ordered[low - 1], ordered[high - 1]


def tolerance_ranks(n: int, coverage: float = 0.9, confidence: float = 0.95) -> tuple[int, int]:
    """Which of n runs, the lowest being 1, bound the narrowest two-sided tolerance interval, in its number of runs.

    The share of the distribution between runs l and u is Beta(u - l, n - u + l + 1), which exceeds the coverage as
    often as Binomial(n, coverage) is below u - l (Wilks 1941). Outside are as many runs on either side, or one more
    at the top: of what may go wrong nothing is hidden.
    Raises ValueError for too small an n, naming the number it takes, or for what is out of range.
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
    """The runs that a two-sided, distribution-free tolerance interval takes: 46 unless told otherwise.

    That the lowest and the highest of n hold the coverage has probability 1 - n c^(n-1) + (n-1) c^n.
    """
    check_share("coverage", coverage)
    check_share("confidence", confidence)
    return _smallest(MIN_SAMPLES, lambda n: 1 - n * coverage ** (n - 1) + (n - 1) * coverage**n >= confidence)


def seeds_needed(samples: np.ndarray, half_width: float, confidence: float = 0.95) -> int:
    """How many runs more make a Student interval of the mean as narrow as `half_width` to either side.

    samples: (n,), finite, n >= 2, the runs there are; their standard deviation is taken for that of runs to come, so
    of few runs the answer is rough.  half_width: > 0, in the samples' unit.  0 if there are enough already.
    Raises ValueError for what is out of range.
    """
    from scipy.special import stdtrit

    n = len(samples)
    if n < MIN_SAMPLES:
        raise ValueError(f"found {n} samples; a standard deviation needs at least {MIN_SAMPLES}")
    if not half_width > 0:
        raise ValueError(f"half_width: found {half_width}; allowed: above 0")
    check_share("confidence", confidence)
    check_finite(samples)
    deviation, level = float(np.std(samples, ddof=1)), (1 + confidence) / 2
    wanted = _smallest(MIN_SAMPLES, lambda m: stdtrit(m - 1, level) * deviation <= half_width * m**0.5)
    return max(0, wanted - n)


def _smallest(start: int, holds: Callable[[int], bool]) -> int:
    """The smallest integer from `start` on at which a condition holds that holds ever after."""
    below, high = start - 1, start
    while not holds(high):
        below, high = high, 2 * high
    while high - below > 1:
        middle = (below + high) // 2
        below, high = (below, middle) if holds(middle) else (middle, high)
    return high
