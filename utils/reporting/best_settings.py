"""The best settings of a grid, and how certain it is that they are the best."""

from __future__ import annotations

from dataclasses import dataclass

from utils.analysis.mean_curve import setting_interval
from utils.analysis.number_format import NO_VALUE, format_interval, format_number, value_name
from utils.analysis.ranking import SettingRanking
from utils.analysis.setting_choice import describe_exclusions
from utils.stats.intervals import MIN_SAMPLES
from utils.stats.sample_warnings import join_warnings

MAX_BEST_SETTINGS = 15
"""Largest number of settings listed."""


@dataclass(frozen=True)
class BestSettings:
    """A table of the best settings.

    keys: hyperparameters that vary.  rows: for each setting, its number, its values, and the results of its runs.
    best: number of the best setting.  parameters: all its hyperparameters, defaults included, with their values.
    """

    keys: list[str]
    rows: list[list[str]]
    notes: list[str]
    best: int
    parameters: list[tuple[str, str]]


def list_best_settings(ranking: SettingRanking, confidence: float) -> BestSettings:
    """Return the settings with the highest performance.  confidence: confidence level of intervals."""
    settings = len(ranking.performance)
    rows = [_row(ranking, setting, confidence) for setting in ranking.ranked[:MAX_BEST_SETTINGS]]
    notes = []
    if settings > 1 and ranking.win_probabilities is None:
        notes.append(f"No win probability: it needs at least {MIN_SAMPLES} runs of each setting.")
    if ranking.win_probabilities is not None and (equal := ranking.describe_equal_settings()):
        notes.append(f"{equal[0].upper()}{equal[1:]}.")
    if settings > MAX_BEST_SETTINGS:
        notes.append(f"The best {MAX_BEST_SETTINGS} of {settings} settings.")
    if settings > 1:
        notes.append(
            "Selected and reported on the same seeds, the best setting looks better than it is: run it on fresh seeds."
            + _expected_on_other_seeds(ranking)
        )
    if warnings := ranking.warnings(ranking.best):
        notes.append(f"Setting {ranking.best}: {join_warnings(warnings)}")
    return BestSettings(list(ranking.experiment.varied), rows, notes, ranking.best, _parameters(ranking))


def _parameters(ranking: SettingRanking) -> list[tuple[str, str]]:
    """Return the best setting's hyperparameters as its results hold them; those of the grid if it has no result."""
    experiment, best = ranking.experiment, ranking.best
    cell = experiment.tree["experiment_data"].get(str(best), {"agent_params": experiment.settings[best]})
    return [(key, value_name(value)) for key, value in cell["agent_params"].items()]


def _expected_on_other_seeds(ranking: SettingRanking) -> str:
    """Return what mean to expect on other seeds; "" if that is not known."""
    if ranking.selected is None:
        return ""
    mean, low, high = ranking.selected
    return (
        f" Expect a mean of {format_number(mean)} there, with a 95% interval of {format_interval((low, high))}: of the "
        "settings chosen on resampled runs, judged on the runs that were left out."
    )


def _row(ranking: SettingRanking, setting: int, confidence: float) -> list[str]:
    """Return setting, its values, mean, interval, kinds of warnings, averaged runs, failures and win probability."""
    experiment, wins = ranking.experiment, ranking.win_probabilities
    finite = ranking.finite_performance(setting)
    return [
        str(setting),
        *(value_name(experiment.settings[setting][key]) for key in experiment.varied),
        format_number(float(finite.mean())) if len(finite) else NO_VALUE,
        format_interval(setting_interval(experiment, setting, confidence)),
        ", ".join(each.kind for each in ranking.warnings(setting)) or NO_VALUE,
        f"{len(finite)} of {len(experiment.outcomes[setting])}",
        describe_exclusions(experiment.outcomes[setting]),
        NO_VALUE if wins is None or len(wins) == 1 else f"{wins[setting]:.3f}",
    ]
