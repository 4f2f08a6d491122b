"""Statistics across environments, on scores that are comparable between them.

Interquartile mean, optimality gap, probability of improvement, performance profile and stratified bootstrap follow
Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (NeurIPS 2021; library rliable).
Normalisation and the choice of one setting for
all environments follow Patterson et al., "The Cross-environment Hyperparameter Setting Benchmark for Reinforcement
Learning" (CHS; arXiv 2407.18840).
A run that diverged or is missing (NaN) always counts as worse than all other runs; it is never left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from utils.stats.intervals import BLOCK, MIN_SAMPLES, check_fraction, expanded_tail, mean_interval
from utils.stats.pairs import superiority, superiority_interval
from utils.stats.shrinkage import DRAWS, resample_errors, win_probabilities

DIGITS = 12
"""Decimal digits of a mean in [0, 1] that do not depend on the order of summation."""


def iqm(scores: np.ndarray) -> np.ndarray:
    """Return the interquartile mean: the mean over the runs of all environments without the lowest and highest quarter.

    scores: (..., E, N), E environments of N runs each.  A quarter is rounded down, as in `scipy.stats.trim_mean`.
    Returns (...), -inf if more runs failed than the lowest quarter holds.
    """
    pooled = np.sort(_rank_failures_lowest(scores).reshape(*np.shape(scores)[:-2], -1), axis=-1)
    cut = pooled.shape[-1] // 4
    return pooled[..., cut : pooled.shape[-1] - cut].mean(-1)


def optimality_gap(scores: np.ndarray, target: float = 1.0) -> np.ndarray:
    """Return how far the scores are below the target on average; a score above it counts as the target.

    scores: (..., E, N); a failed run has the score 0, the lowest normalised score.  Returns (...).
    """
    return target - np.minimum(np.nan_to_num(scores, nan=0.0), target).mean((-2, -1))


def optimality_gap_interval(
    scores: np.ndarray, target: float = 1.0, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Return the interval of `optimality_gap`, from the intervals of the environments' means (`mean_of_intervals`).

    scores: (E, N), N >= 2.  What a nominal 95% interval holds (simulated; docs/statistics.md has the table): 92% to
    100% from 5 runs on.  Raises ValueError for an argument out of range.
    """
    capped = np.minimum(np.nan_to_num(scores, nan=0.0), target)
    low, high = mean_of_intervals(capped.mean(1), *mean_interval(capped.T, confidence))
    return target - high, target - low


def improvement_probability(a: Sequence[np.ndarray], b: Sequence[np.ndarray]) -> float:
    """Return the probability that a run of a beats a run of b in the same environment, averaged over environments.

    a, b: E arrays each, the runs' performances in each environment, (N,), NaN for a failed run; ties count as half.
    """
    return float(np.mean([superiority(x, y).probability for x, y in zip(a, b, strict=True)]))


def improvement_interval(
    a: Sequence[np.ndarray], b: Sequence[np.ndarray], confidence: float = 0.95
) -> tuple[float, float]:
    """Return the interval of `improvement_probability`, from each environment's (`mean_of_intervals`).

    What a nominal 95% interval holds (simulated; docs/statistics.md has the table): 94% to 98% from 3 runs on.
    """
    pairs = list(zip(a, b, strict=True))
    found = np.array([superiority(x, y).probability for x, y in pairs])
    bounds = np.array([superiority_interval(x, y, confidence) for x, y in pairs])  # (E, 2)
    low, high = mean_of_intervals(found, bounds[:, 0], bounds[:, 1])
    return float(low), float(high)


def mean_of_intervals(found: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the interval of a mean of E independent estimates, from the interval of each.

    The distances from the estimates to their bounds add up in squares, on either side (Zou & Donner 2008, Statistics in
    Medicine 27).  found, low, high: (E, ...).  Returns low and high, each (...).
    """
    mean, count = found.mean(0), len(found)
    below, above = (np.sqrt(np.sum((found - bound) ** 2, axis=0)) / count for bound in (low, high))
    return mean - below, mean + above


def performance_profile(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return, for each threshold, the fraction of the runs of all environments with a score above it.

    scores: (..., E, N).  thresholds: (T,).  Returns (..., T), in [0, 1], never increasing along T.
    """
    ranked = _rank_failures_lowest(scores)
    return np.stack([np.mean(ranked > threshold, axis=(-2, -1)) for threshold in thresholds], axis=-1)


def stratified_interval(
    statistic: Callable[[np.ndarray], np.ndarray],
    scores: np.ndarray,
    confidence: float = 0.95,
    resamples: int = 10_000,
    *,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the expanded-percentile bootstrap interval of a statistic, resampling the runs within each environment.

    statistic: maps (B, E, N) to (B, ...), such as `iqm`, or `performance_profile` with fixed thresholds.
    scores: (E, N), N >= 2.  confidence: in (0, 1).
    What a nominal 95% interval holds (simulated; docs/statistics.md has the table): for the interquartile mean, 95% to
    98% from 5 runs on.
    Returns low and high, each (...); -inf where the statistic is -inf.  Raises ValueError for an argument out of range.
    """
    environments, n = scores.shape
    if n < MIN_SAMPLES:
        raise ValueError(f"found {n} runs per environment; a bootstrap interval needs at least {MIN_SAMPLES}")
    check_fraction("confidence", confidence)
    block = max(1, BLOCK // scores.size)
    drawn = []
    for start in range(0, resamples, block):
        runs = rng.integers(n, size=(min(block, resamples - start), environments, n))
        drawn.append(statistic(scores[np.arange(environments)[:, None], runs]))
    tail = expanded_tail(n, confidence)
    # No interpolation: between -inf and a number it would give NaN.
    low, high = np.quantile(np.concatenate(drawn), [tail, 1 - tail], axis=0, method="inverted_cdf")
    return low, high


def chs_normalise(performance: np.ndarray) -> np.ndarray:
    """Return each run's normalized rank: the fraction of all runs in its environment that are worse.

    performance: (E, S, N), the S settings of all compared agents, concatenated.
    Returns (E, S, N), in [0, 1); 0 for a run that failed. Only the order of performances within an environment
    matters, so the scale of its rewards does not weight an environment.
    """
    pools = _rank_failures_lowest(performance).reshape(len(performance), -1)
    worse = [np.searchsorted(np.sort(pool), pool, side="left") for pool in pools]
    return (np.array(worse) / pools.shape[1]).reshape(performance.shape)


def chs_ranking(normalised: np.ndarray) -> np.ndarray:
    """Return the settings from best to worst by mean normalised performance over environments and runs.

    normalised: (E, S, N), one agent's part of the result of `chs_normalise`.
    Ties, to rounding, go to the lower number.
    Returns (S,) int64; the first is the agent's setting for all environments, to be evaluated on fresh seeds.
    """
    return np.argsort(-normalised.mean((0, 2)).round(DIGITS), kind="stable")


def chs_win_probability(normalised: np.ndarray, rng: np.random.Generator, draws: int = DRAWS) -> np.ndarray:
    """Return the probability that each setting has the highest mean score of all.

    normalised: (E, S, N), N >= 2. The variance of a setting's mean is that of the runs within each environment.
    Returns (S,), which sums to 1.  Raises ValueError for too few runs.
    """
    environments, _, n = normalised.shape
    if n < MIN_SAMPLES:
        raise ValueError(f"found {n} runs per setting; a win probability needs at least {MIN_SAMPLES}")
    variances = normalised.var(2, ddof=1).sum(0) / (n * environments**2)
    errors = np.mean([resample_errors(runs, draws, rng) for runs in normalised], axis=0)
    limits = normalised.max(2).mean(0)
    return win_probabilities(normalised.mean((0, 2)), variances, errors, limits, environments * (n - 1), rng)


def _rank_failures_lowest(scores: np.ndarray) -> np.ndarray:
    """Return the scores with NaN replaced by -inf."""
    return np.where(np.isnan(scores), -np.inf, scores)
