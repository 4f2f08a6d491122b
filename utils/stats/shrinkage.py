"""The probability that each of several true means is the highest, by empirical Bayes.

How much the true means differ, and how much the variances do, is learned from the upper half of the found means: a
grid's bad settings say little about its good ones.
"""

from __future__ import annotations

import numpy as np

from utils.stats.intervals import BLOCK

ROUNDING = 1e-12
"""Relative difference up to which two means are equal: the order of summation changes a mean by less."""

DRAWS = 4000
"""Number of resamples. The standard error of a probability is then at most 0.8%."""

NOISE, LEAST_SPREAD = 2.25, 1.0
"""Factor of the variances of the means, and smallest variance of true means as a fraction of the median one of those.

Win probabilities are calibrated by them: docs/statistics.md has the table. Without NOISE they are too high, since the
runs of the best of many settings were favourable, and returns are skewed.
"""

SMALLEST_VARIANCE = 1e-6
"""Smallest variance of a mean, as a fraction of the largest."""

MOST_DEGREES = 50.0
"""Largest number of degrees of freedom of the common variance."""

BISECTIONS = 60
"""Number of halvings by which an equation is solved, to rounding."""


def win_probabilities(
    means: np.ndarray,
    variances: np.ndarray,
    errors: np.ndarray,
    limits: np.ndarray,
    degrees: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the probability that each of S true means is the highest.

    means, variances: (S,), found means and the variances of their errors.  degrees: degrees of freedom of a variance.
    errors: (S, B), resampled errors of the means, which have these variances.
    limits: (S,), the highest that each mean can be: that of a setting's best run.
    A found mean above the middle is shrunk toward it, as if true means were normal around it; one below it stays. To it
    is added a resampled error and, for the part of its variance that is the common one, Student's t. Means that are
    equal to rounding share a win.
    Returns (S,), which sums to 1.
    """
    middle = float(np.median(means))
    above = means >= middle
    learned = above if len(means) > 2 else np.full(len(means), True)
    own, shared, total_degrees = pool_variances(variances, degrees, learned)
    pooled = NOISE * (own * variances + shared)
    least = LEAST_SPREAD * float(np.median(pooled[learned]))
    spread = max(spread_of_means(means[learned] - middle, pooled[learned]), least)
    trust = np.divide(spread, spread + pooled, out=np.ones_like(pooled), where=(pooled > 0) & above)
    noise = np.sqrt(own) * errors + np.sqrt(shared) * rng.standard_t(total_degrees, errors.shape)
    centers = middle + trust * (means - middle)
    drawn = np.minimum(centers[:, None] + np.sqrt(NOISE * trust)[:, None] * noise, limits[:, None])
    return count_wins(drawn) / errors.shape[1]


def resample_errors(samples: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return resampled errors of the means of S sets of n samples, with the variances that are estimated of them.

    samples: (S, n), n >= 2.  Returns (S, draws): resampled means minus the mean, times sqrt(n / (n - 1)).
    """
    n = samples.shape[1]
    errors = np.empty((len(samples), draws))
    block = max(1, BLOCK // n)
    for own, drawn in zip(samples, errors, strict=True):
        centered = own - own.mean()
        for start in range(0, draws, block):
            part = drawn[start : start + block]
            part[:] = centered[rng.integers(n, size=(len(part), n))].mean(1)
    return errors * np.sqrt(n / (n - 1))


def pool_variances(variances: np.ndarray, degrees: int, learned: np.ndarray) -> tuple[float, float, float]:
    """Return how each variance is averaged with the common one: its weight, and what the common one contributes.

    The common variance counts as many degrees of freedom as the variances are alike (Smyth 2004, Statistical
    Applications in Genetics and Molecular Biology 3(1), section 6.2).
    variances: (S,), with `degrees` degrees of freedom each.  learned: (S,) bool, those that it is learned from.
    Returns the weight, the contribution, and the degrees of freedom of an average.
    """
    from scipy.special import polygamma, psi

    if not variances.max() > 0:
        return 1.0, 0.0, float(degrees)
    logs = np.log(np.maximum(variances, SMALLEST_VARIANCE * variances.max()))[learned]
    excess = (logs.var(ddof=1) if len(logs) > 1 else 0.0) - polygamma(1, degrees / 2)
    common = min(2 * _inverse_trigamma(excess), MOST_DEGREES) if excess > 0 else MOST_DEGREES
    bias = psi(degrees / 2) - np.log(degrees / 2) - psi(common / 2) + np.log(common / 2)
    total = degrees + common
    return degrees / total, float(common * np.exp(logs.mean() - bias) / total), total


def spread_of_means(distances: np.ndarray, variances: np.ndarray) -> float:
    """Return the variance t of true means: the one for which the mean of distance^2 / (t + variance) is 1, at least 0.

    distances: (k,), of found means from their centre.  variances: (k,), of their errors (Paule & Mandel 1982).
    """
    squares = distances**2
    low, high = 0.0, float(squares.max())
    if high == 0:
        return 0.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if np.mean(squares / (middle + variances)) > 1:
            low = middle
        else:
            high = middle
    return low


def count_wins(means: np.ndarray) -> np.ndarray:
    """Return how often each row has the highest mean; means that are equal to rounding share the win.

    means: (S, B).  Returns (S,), which sums to B.
    """
    best = np.isclose(means, means.max(0), rtol=ROUNDING, atol=0.0)
    return (best / best.sum(0)).sum(1)


def _inverse_trigamma(value: float) -> float:
    """Return x with trigamma(x) = value, in [1e-3, 1e4]."""
    from scipy.special import polygamma

    low, high = 1e-3, 1e4
    for _ in range(BISECTIONS):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if polygamma(1, middle) > value else (low, middle)
    return low
