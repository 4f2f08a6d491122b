"""Statistics of a grid's settings: which is best, how certain that is, and the effect of each hyperparameter.

A run that diverged or is missing always counts against its setting, as in `rank_settings`. After Patterson, Neumann,
White & White (JMLR 2024).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from utils.stats.intervals import BLOCK, MIN_SAMPLES

ROUNDING = 1e-12
"""Relative difference up to which two means are equal: the order of summation changes a mean by less."""


def win_probability(performance: np.ndarray, rng: np.random.Generator, resamples: int = 10_000) -> np.ndarray:
    """Return the bootstrap probability that each setting is the best.

    performance: (S, N), one number per setting and run, NaN where the run diverged or is missing.
    Each setting's runs are resampled independently and the highest mean wins; equal means share the win. Failures are
    not resampled: only settings with the fewest failures can win, as only those can be ranked first.
    The estimate is conservative, since resampling adds variation to runs that already vary.
    Returns (S,), which sums to 1.  Raises ValueError if several settings could win and have fewer than two finite
    runs each, as all resamples are then equal.
    """
    failed = np.isnan(performance).sum(1)
    rivals = np.flatnonzero(failed == failed.min())
    wins = np.zeros(len(performance))
    if len(rivals) == 1:
        wins[rivals] = 1.0
        return wins
    n = performance.shape[1] - failed.min()
    if n < MIN_SAMPLES:
        raise ValueError(f"found {n} finite runs per setting; a win probability needs at least {MIN_SAMPLES}")
    whole = np.stack([runs[~np.isnan(runs)] for runs in performance[rivals]])  # (rivals, n)
    hopeful = whole.max(1) >= whole.min(1).max()  # The best possible mean of the rest is below another's worst.
    rivals, whole = rivals[hopeful], whole[hopeful]
    block = max(1, BLOCK // (len(rivals) + n))
    for start in range(0, resamples, block):
        wins[rivals] += _resampled_wins(whole, min(block, resamples - start), rng)
    return wins / resamples


def _resampled_wins(performance: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Return the number of resamples that each setting wins.  performance: (S, n), finite.  Returns (S,)."""
    settings, n = performance.shape
    means = np.empty((settings, resamples))
    for setting, runs in enumerate(performance):
        means[setting] = runs[rng.integers(n, size=(resamples, n))].mean(1)
    return count_wins(means)


def count_wins(means: np.ndarray) -> np.ndarray:
    """Return how often each row has the highest mean; means that are equal to rounding share the win.

    means: (S, B).  Returns (S,), which sums to B.
    """
    best = np.isclose(means, means.max(0), rtol=ROUNDING, atol=0.0)
    return (best / best.sum(0)).sum(1)


@dataclass(frozen=True)
class Sensitivity:
    """The effect of one hyperparameter on performance, measured in two ways.

    values: its V values, in the grid's order.
    best: (V,) int64, the best setting with each value, all other hyperparameters tuned for that value.
    slice: (V,) int64, the setting with each value and the overall best setting's other values; -1 if not in the grid.
    best_performance, slice_performance: (V,), those settings' means over runs; NaN where a run failed.
    """

    values: list[Any]
    best: np.ndarray
    slice: np.ndarray
    best_performance: np.ndarray
    slice_performance: np.ndarray


def sensitivity(performance: np.ndarray, settings_params: Sequence[Mapping[str, Any]], key: str) -> Sensitivity:
    """Return performance as a function of the hyperparameter `key`.

    performance: (S, N), NaN where a run diverged or is missing.  settings_params: S settings' hyperparameters.
    Raises ValueError if a setting lacks the key.
    """
    lacking = [number for number, params in enumerate(settings_params) if key not in params]
    if lacking:
        raise ValueError(f"hyperparameter '{key}': setting {lacking[0]} has no value; allowed: a key of every setting")
    ranked = [int(setting) for setting in rank_settings(performance)]
    values = {_value_key(params[key]): params[key] for params in settings_params}
    optimum = _other_values_key(settings_params[ranked[0]], key)
    best, slice_ = dict.fromkeys(values, -1), dict.fromkeys(values, -1)
    for setting in reversed(ranked):  # The best setting comes last and overwrites worse ones.
        value = _value_key(settings_params[setting][key])
        best[value] = setting
        if _other_values_key(settings_params[setting], key) == optimum:
            slice_[value] = setting
    rows = [np.array(list(chosen.values())) for chosen in (best, slice_)]
    means = np.append(performance.mean(1), np.nan)  # Index -1 is the NaN.
    return Sensitivity(list(values.values()), *rows, *(means[row] for row in rows))


def _value_key(value: Any) -> str:
    """Return a hashable key of a hyperparameter's value, which may be a list; 1, 1.0 and true have different keys."""
    return json.dumps(value, sort_keys=True)


def _other_values_key(params: Mapping[str, Any], key: str) -> str:
    """Return a hashable key of all hyperparameters except one."""
    return _value_key({name: value for name, value in params.items() if name != key})


def rank_settings(performance: np.ndarray) -> np.ndarray:
    """Return the settings from best to worst by mean performance over runs.

    performance: (S, N), one number per setting and run, NaN where the run diverged or is missing.
    A setting with a failed run ranks below every setting without one, because its surviving runs are a biased sample.
    Among settings with failures, fewer failures come first. Ties go to the lower number.
    Returns (S,) int64.
    """
    failed = np.isnan(performance)
    survivors = np.maximum((~failed).sum(1), 1)
    mean = np.where(failed, 0.0, performance).sum(1) / survivors
    return np.lexsort((-mean, failed.sum(1)))
