"""Statistics across environments, in scores that compare between them.

Interquartile mean, performance profile and stratified bootstrap are those of Agarwal et al., "Deep Reinforcement
Learning at the Edge of the Statistical Precipice" (NeurIPS 2021), whose library is rliable. Normalisation and choice
of one setting for all environments are those of Patterson et al., "The Cross-environment Hyperparameter Setting
Benchmark for Reinforcement Learning" (arXiv 2407.18840).
Everywhere a run that diverged or is missing (NaN) is as a run below all others, never one that did not take place.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from utils.stats.intervals import BLOCK, MIN_SAMPLES, check_share
from utils.stats.settings import shared_wins

DIGITS = 12
"""Of a mean in [0, 1], that do not depend on the order in which it is added up."""


def iqm(scores: np.ndarray) -> np.ndarray:
    """Interquartile mean: of the runs of all environments together, without the lowest and highest quarter.

    scores: (..., E, N), E environments of N runs each.  A quarter is rounded down, as by `scipy.stats.trim_mean`.
    Returns (...), -inf where more runs failed than the lowest quarter holds.
    """
    pooled = np.sort(_failures_lowest(scores).reshape(*np.shape(scores)[:-2], -1), axis=-1)
    cut = pooled.shape[-1] // 4
    return pooled[..., cut : pooled.shape[-1] - cut].mean(-1)


def performance_profile(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """At each threshold, the share of all runs of all environments with a score above it.

    scores: (..., E, N).  thresholds: (T,).  Returns (..., T), in [0, 1], never increasing along T.
    """
    pooled = np.sort(_failures_lowest(scores).reshape(*np.shape(scores)[:-2], -1), axis=-1)
    flat = pooled.reshape(-1, pooled.shape[-1])
    up_to = np.stack([np.searchsorted(row, thresholds, side="right") for row in flat])
    return (1 - up_to / pooled.shape[-1]).reshape(*pooled.shape[:-1], len(thresholds))


def stratified_interval(
    statistic: Callable[[np.ndarray], np.ndarray],
    scores: np.ndarray,
    confidence: float = 0.95,
    resamples: int = 10_000,
    *,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile-bootstrap interval of a statistic across environments, each one's runs resampled by themselves.

    statistic: takes (B, E, N) to (B, ...), as `iqm` does, and `performance_profile` for fixed thresholds.
    scores: (E, N), N >= 2.  confidence: in (0, 1).
    Returns low and high, each (...); -inf where a statistic is.  Raises ValueError for what is out of range.
    """
    environments, n = scores.shape
    if n < MIN_SAMPLES:
        raise ValueError(f"found {n} runs an environment; a bootstrap interval needs at least {MIN_SAMPLES}")
    check_share("confidence", confidence)
    block = max(1, BLOCK // scores.size)
    drawn = []
    for start in range(0, resamples, block):
        runs = rng.integers(n, size=(min(block, resamples - start), environments, n))
        drawn.append(statistic(scores[np.arange(environments)[:, None], runs]))
    # Without interpolation, which between -inf and a number is no number.
    low, high = np.quantile(
        np.concatenate(drawn), [(1 - confidence) / 2, (1 + confidence) / 2], axis=0, method="inverted_cdf"
    )
    return low, high


def chs_normalise(performance: np.ndarray) -> np.ndarray:
    """Each run's rank in its environment: the share of all runs there, of every agent and setting, that are worse.

    performance: (E, S, N): the S settings of all agents that are compared, one after the other.
    Returns (E, S, N), in [0, 1); 0 for a run that failed. Only the order of performances within an environment counts,
    so no environment outweighs another by the size of its rewards.
    """
    pools = _failures_lowest(performance).reshape(len(performance), -1)
    worse = [np.searchsorted(np.sort(pool), pool, side="left") for pool in pools]
    return (np.array(worse) / pools.shape[1]).reshape(performance.shape)


def chs_ranking(normalised: np.ndarray) -> np.ndarray:
    """Settings from best to worst over all environments, by mean normalised performance over environments and runs.

    normalised: (E, S, N), of one agent's settings: the part of `chs_normalise`'s answer that is that agent's.
    Ties, to rounding, go to the lower number.
    Returns (S,) int64; the first is the agent's setting for all environments, to be reported on fresh seeds.
    """
    return np.argsort(-normalised.mean((0, 2)).round(DIGITS), kind="stable")


def chs_win_probability(normalised: np.ndarray, rng: np.random.Generator, resamples: int = 10_000) -> np.ndarray:
    """How often each setting would be first in `chs_ranking`, were its runs drawn again from those there are.

    normalised: (E, S, N), N >= 2; each setting's runs are resampled in each environment by themselves. Equal ones share
    the win.  Returns (S,), which adds up to 1.  Raises ValueError for too few runs.
    """
    environments, settings, n = normalised.shape
    if n < MIN_SAMPLES:
        raise ValueError(f"found {n} runs a setting; a win probability needs at least {MIN_SAMPLES}")
    wins = np.zeros(settings)
    block = max(1, BLOCK // (environments * n + settings))
    for start in range(0, resamples, block):
        size = (min(block, resamples - start), environments, n)
        means = np.empty((settings, size[0]))
        for setting in range(settings):
            runs = normalised[np.arange(environments)[:, None], setting, rng.integers(n, size=size)]
            means[setting] = runs.mean((1, 2))
        wins += shared_wins(means)
    return wins / resamples


def _failures_lowest(scores: np.ndarray) -> np.ndarray:
    """NaN as -inf."""
    return np.where(np.isnan(scores), -np.inf, scores)
