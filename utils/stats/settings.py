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

from utils.stats.intervals import MIN_SAMPLES
from utils.stats.shrinkage import DRAWS, resample_errors, win_probabilities


def win_probability(performance: np.ndarray, rng: np.random.Generator, draws: int = DRAWS) -> np.ndarray:
    """Return the probability that each setting has the highest mean of all.

    performance: (S, N), one number per setting and run, NaN where the run diverged or is missing.
    Only settings with the fewest failures can win, as only those can be ranked first. `utils.stats.shrinkage` has the
    method. Settings that are equal in every run share their wins.
    Returns (S,), which sums to 1.  Raises ValueError if several settings could win and have fewer than two finite
    runs each.
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
    errors = resample_errors(whole, draws, rng)
    found = win_probabilities(whole.mean(1), whole.var(1, ddof=1) / n, errors, whole.max(1), n - 1, rng)
    _, group, size = np.unique(whole, axis=0, return_inverse=True, return_counts=True)
    wins[rivals] = (np.bincount(group, found) / size)[group]
    return wins


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
