"""Statistics of a grid's settings: which is the best, how sure that is, how much each hyperparameter matters.

Everywhere a run that diverged or is missing counts against its setting, as in `stats.rank_settings`. After Patterson,
Neumann, White & White (JMLR 2024).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from utils.stats.intervals import BLOCK, MIN_SAMPLES

ROUNDING = 1e-12
"""Relative; the order in which equal runs are drawn makes a mean differ by less."""


def win_probability(performance: np.ndarray, rng: np.random.Generator, resamples: int = 10_000) -> np.ndarray:
    """How often each setting would be the best, were its runs drawn again from those there are.

    performance: (S, N), one number a setting and run, NaN where the run diverged or is missing.
    Each setting's runs are resampled by themselves and the highest mean wins; equal ones share the win. Failures are
    not resampled away: only settings with the fewest of them can win, as only those can be ranked first.
    It errs towards doubt: the runs there are vary, and what is drawn from them varies once more.
    Returns (S,), which adds up to 1.  Raises ValueError if several settings could win and have less than two
    finite runs each, of which every resample is the same.
    """
    failed = np.isnan(performance).sum(1)
    rivals = np.flatnonzero(failed == failed.min())
    wins = np.zeros(len(performance))
    if len(rivals) == 1:
        wins[rivals] = 1.0
        return wins
    n = performance.shape[1] - failed.min()
    if n < MIN_SAMPLES:
        raise ValueError(f"found {n} finite runs a setting; a win probability needs at least {MIN_SAMPLES}")
    whole = np.stack([runs[~np.isnan(runs)] for runs in performance[rivals]])  # (rivals, n)
    hopeful = whole.max(1) >= whole.min(1).max()  # Of the others the best mean is below another's worst.
    rivals, whole = rivals[hopeful], whole[hopeful]
    block = max(1, BLOCK // (len(rivals) + n))
    for start in range(0, resamples, block):
        wins[rivals] += _wins(whole, min(block, resamples - start), rng)
    return wins / resamples


def _wins(performance: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Wins of each setting in so many resamples.  performance: (S, n), finite.  Returns (S,)."""
    settings, n = performance.shape
    means = np.empty((settings, resamples))
    for setting, runs in enumerate(performance):
        means[setting] = runs[rng.integers(n, size=(resamples, n))].mean(1)
    return shared_wins(means)


def shared_wins(means: np.ndarray) -> np.ndarray:
    """How often each is the highest; those that are equal to rounding share the win.  means: (S, B).  Returns (S,)."""
    best = np.isclose(means, means.max(0), rtol=ROUNDING, atol=0.0)
    return (best / best.sum(0)).sum(1)


@dataclass(frozen=True)
class Sensitivity:
    """What one hyperparameter does, seen in two ways.

    values: its V values, as the grid lists them.
    best, slice: (V,) int64, the setting that stands for each value. best: the best one that has the value, every other
    hyperparameter at its best for it. slice: the one that has the value and is else as the best of all; -1 where
    the grid lacks it.
    best_performance, slice_performance: (V,), those settings' means over runs; NaN where one of the runs failed.
    """

    values: list[Any]
    best: np.ndarray
    slice: np.ndarray
    best_performance: np.ndarray
    slice_performance: np.ndarray


def sensitivity(performance: np.ndarray, settings_params: Sequence[Mapping[str, Any]], key: str) -> Sensitivity:
    """The performance over the values of the hyperparameter `key`.

    performance: (S, N), NaN where a run diverged or is missing.  settings_params: S settings' hyperparameters.
    Raises ValueError if a setting lacks the key.
    """
    lacking = [number for number, params in enumerate(settings_params) if key not in params]
    if lacking:
        raise ValueError(f"hyperparameter '{key}': setting {lacking[0]} has none")
    ranked = [int(setting) for setting in rank_settings(performance)]
    values = {_name(params[key]): params[key] for params in settings_params}
    optimum = _others(settings_params[ranked[0]], key)
    best, slice_ = dict.fromkeys(values, -1), dict.fromkeys(values, -1)
    for setting in reversed(ranked):  # The best comes last, and stays.
        value = _name(settings_params[setting][key])
        best[value] = setting
        if _others(settings_params[setting], key) == optimum:
            slice_[value] = setting
    rows = [np.array(list(chosen.values())) for chosen in (best, slice_)]
    means = np.append(performance.mean(1), np.nan)  # -1 is the NaN.
    return Sensitivity(list(values.values()), *rows, *(means[row] for row in rows))


def _name(value: Any) -> str:
    """A hyperparameter's value, which may be a list, as a key: 1, 1.0 and true are three."""
    return json.dumps(value, sort_keys=True)


def _others(params: Mapping[str, Any], key: str) -> str:
    """All hyperparameters but one."""
    return _name({name: value for name, value in params.items() if name != key})


def rank_settings(performance: np.ndarray) -> np.ndarray:
    """Settings from best to worst by mean performance over runs.

    performance: (S, N), one number a setting and run, NaN where the run diverged or is missing.
    A setting with such a run stands below every setting without, however well the others did: what
    survived is not what would have come of it. Among those, fewer failures come first.
    Ties go to the lower number.  Returns (S,) int64.
    """
    failed = np.isnan(performance)
    survivors = np.maximum((~failed).sum(1), 1)
    mean = np.where(failed, 0.0, performance).sum(1) / survivors
    return np.lexsort((-mean, failed.sum(1)))
