"""The best settings of a grid in a report, and how sure it is that they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from utils.analysis.combined_results import CombinedResults
from utils.analysis.mean_curve import RESAMPLES, answer_rng, setting_interval
from utils.analysis.number_format import NOTHING, between, brief, value_name
from utils.analysis.setting_choice import fates
from utils.stats.intervals import FEW_SAMPLES
from utils.stats.settings import rank_settings, win_probability

MOST_ROWS = 15


@dataclass(frozen=True)
class BestSettings:
    """keys: the hyperparameters that vary.  rows: a setting's number, its values, and what its runs did."""

    keys: list[str]
    rows: list[list[str]]
    notes: list[str]


def best_settings(experiment: CombinedResults, confidence: float) -> BestSettings:
    """The settings of highest performance."""
    settings, runs = experiment.performance.shape
    order = [int(setting) for setting in rank_settings(experiment.performance)[:MOST_ROWS]]
    wins, reason = _wins(experiment.performance)
    rows = [_row(experiment, setting, wins, confidence) for setting in order]
    notes = [reason] if reason else []
    if settings > MOST_ROWS:
        notes.append(f"The best {MOST_ROWS} of {settings} settings.")
    if settings > 1:
        notes.append("Chosen and reported on the same seeds, the best looks better than it is: run it on fresh ones.")
    if runs < FEW_SAMPLES:
        notes.append(f"Of {runs} runs a setting, intervals are narrower than they state.")
    return BestSettings(list(experiment.varied), rows, notes)


def _wins(performance: np.ndarray) -> tuple[np.ndarray | None, str]:
    """(S,) win probabilities, or why there are none; no reason is needed where there is nothing to win."""
    if len(performance) == 1:
        return None, ""
    try:
        return win_probability(performance, answer_rng(), RESAMPLES), ""
    except ValueError as error:
        return None, f"No win probability: {error}."


def _row(experiment: CombinedResults, setting: int, wins: np.ndarray | None, confidence: float) -> list[str]:
    """Setting, its values, mean, interval, runs, failures, win probability."""
    runs = experiment.performance[setting]
    finite = runs[~np.isnan(runs)]
    mean = brief(float(finite.mean())) if len(finite) else NOTHING
    interval = setting_interval(experiment, setting, confidence)
    return [
        str(setting),
        *(value_name(experiment.settings[setting][key]) for key in experiment.varied),
        mean,
        between(interval),
        f"{len(finite)} of {len(runs)}",
        fates(experiment.outcomes[setting]),
        NOTHING if wins is None else f"{wins[setting]:.3f}",
    ]
