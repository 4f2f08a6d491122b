"""The settings of an experiment from best to worst, and how certain the best is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from utils.analysis.combined_results import CombinedResults
from utils.analysis.mean_curve import resampling_rng
from utils.analysis.setting_choice import count_exclusions
from utils.core.errors import BadInput
from utils.stats.curves import area_under_curve
from utils.stats.intervals import MIN_SAMPLES, mean_interval
from utils.stats.sample_warnings import SampleWarning, join_warnings, sample_warnings
from utils.stats.selection import MIN_RUNS_TO_RESELECT, SelectedMean, selected_mean
from utils.stats.settings import rank_settings, win_probability

MEASURES = {"final": "mean return over the last half of {}", "area": "mean return over {}"}
"""Measures of a run's performance, computed by `final_performance` and `area_under_curve`, and their wording."""

MAX_RANKED_ROWS = 20
"""Largest number of settings in the table."""

MAX_EQUAL_GROUPS = 5
"""Largest number of groups of equal settings in a remark."""

FAILED_WIDTH = 10
"""Width of the column of failed runs, characters."""

MIN_WIN_PROBABILITY = 0.01
"""Smallest win probability of a setting in the table."""


@dataclass(frozen=True)
class SettingRanking:
    """An experiment's settings by performance.  measure: one of MEASURES."""

    experiment: CombinedResults
    measure: str = "final"

    @cached_property
    def performance(self) -> np.ndarray:
        """(S, N), one number per setting and run; NaN where the run is missing or cannot be averaged."""
        if self.measure == "final":
            return self.experiment.performance
        rows = [
            [
                np.nan if each.exclusion else area_under_curve(each.curve.returns, each.curve.timesteps)
                for each in outcomes
            ]
            for outcomes in self.experiment.outcomes
        ]
        return np.array(rows, float).reshape(len(rows), -1)

    def check_has_runs(self) -> None:
        """Check that some setting has a run to rank it by.  Raises BadInput if none has."""
        if np.isnan(self.performance).all():
            raise BadInput(f"{self.experiment.path}: no setting has a run to rank it by; allowed: one or more")

    @cached_property
    def ranked(self) -> list[int]:
        """The settings, the best first."""
        return [int(setting) for setting in rank_settings(self.performance)]

    @property
    def best(self) -> int:
        """The best setting."""
        return self.ranked[0]

    @property
    def experiments(self) -> list[CombinedResults]:
        """The experiment, as a list: rankings across environments have several."""
        return [self.experiment]

    @property
    def default_name(self) -> str:
        """Default name of the best setting's configuration."""
        return f"{self.experiment.path.resolve().parent.name}_best"

    @cached_property
    def win_probabilities(self) -> np.ndarray | None:
        """(S,) probability that each setting is the best; None if there are too few runs."""
        try:
            return win_probability(self.performance, resampling_rng())
        except ValueError:
            return None

    @cached_property
    def selected(self) -> SelectedMean | None:
        """The best setting's mean with the selection taken into account, see `selected_mean`.

        None for one setting, for too few runs, and if every setting has a failed run.
        """
        whole = self.performance[~np.isnan(self.performance).any(1)]
        if len(self.performance) < 2 or not len(whole) or whole.shape[1] < MIN_RUNS_TO_RESELECT:
            return None
        return selected_mean(whole, rng=resampling_rng())

    @property
    def best_performance(self) -> np.ndarray:
        """(n,) performance of the best setting's runs, without failed runs."""
        return self.finite_performance(self.best)

    @property
    def first_fresh_run(self) -> int:
        """The first run number, and so seed, that no setting has used."""
        return 1 + max(outcome.number for outcomes in self.experiment.outcomes for outcome in outcomes)

    def table_lines(self) -> Iterator[str]:
        """Yield the lines of a table of the settings that may be the best."""
        experiment = self.experiment
        measure = MEASURES[self.measure].format("training" if experiment.training else "evaluations")
        protocol = f"{experiment.agent_name} on {experiment.environment['env_name']}"
        count, names = len(self.ranked), "hyperparameters" if experiment.varied else ""
        yield f"{experiment.path}: {protocol}, {count} setting{'' if count == 1 else 's'} by {measure}"
        header = f"{'setting':>8}{'wins':>8}{'mean':>12}{'95% interval of the mean':>28}{'runs':>8}"
        yield f"{header}  {'failed':<{FAILED_WIDTH}}  {names}".rstrip()
        listed = self._listed_settings()
        yield from (self._table_row(setting) for setting in listed)
        yield from self._remarks(listed)

    def _listed_settings(self) -> list[int]:
        """Return the best setting and all that may be the best; all settings if there are no win probabilities."""
        wins = self.win_probabilities
        likely = [s for s in self.ranked[1:] if wins is None or wins[s] >= MIN_WIN_PROBABILITY]
        return [self.best, *likely][:MAX_RANKED_ROWS]

    def _table_row(self, setting: int) -> str:
        runs = self.finite_performance(setting)
        mean = f"{runs.mean():.5g}" if len(runs) else "-"
        interval = "-"
        if len(runs) >= MIN_SAMPLES:
            low, high = mean_interval(runs)
            interval = f"{low:.5g} to {high:.5g}"
        wins = "-" if self.win_probabilities is None else f"{self.win_probabilities[setting]:.2f}"
        failed = ", ".join(count_exclusions(self.experiment.outcomes[setting])) or "-"
        values = self.experiment.describe_setting(setting)
        return (
            f"{setting:>8}{wins:>8}{mean:>12}{interval:>28}{len(runs):>8}  {failed:<{FAILED_WIDTH}}  {values}".rstrip()
        )

    def _remarks(self, listed: list[int]) -> Iterator[str]:
        """Yield remarks on settings that are not listed, on missing win probabilities and on failures."""
        rest = [setting for setting in self.ranked if setting not in listed]
        if rest and self.win_probabilities is not None:
            yield f"{len(rest)} more, with a total win probability of {self.win_probabilities[rest].sum():.2f}"
        elif rest:
            yield f"{len(rest)} more"
        if self.win_probabilities is None:
            yield f"wins: unknown; at least {MIN_SAMPLES} runs of each setting are needed"
        if self.win_probabilities is not None and (equal := self.describe_equal_settings()):
            yield equal
        if np.isnan(self.performance).any(1).all():
            yield "every setting has a failed run; the best has the fewest"
        if self.selected is not None:
            mean, low, high = self.selected
            yield f"the best setting's mean on other seeds: {mean:.5g}, 95% interval {low:.5g} to {high:.5g}"
        if warnings := self.warnings(self.best):
            yield f"setting {self.best}: {join_warnings(warnings)}"

    @cached_property
    def equal_settings(self) -> list[list[int]]:
        """Groups of settings with the same performance in every run, such as settings that are the same runs."""
        groups: dict[bytes, list[int]] = {}
        for setting, runs in enumerate(self.performance):
            if runs.size and not np.isnan(runs).any():
                groups.setdefault(runs.tobytes(), []).append(setting)
        return [settings for settings in groups.values() if len(settings) > 1]

    def describe_equal_settings(self) -> str | None:
        """Return a sentence on settings with the same performance in every run; None if there are none."""
        if not self.equal_settings:
            return None
        names = "; ".join(" and ".join(map(str, group)) for group in self.equal_settings[:MAX_EQUAL_GROUPS])
        more = ", and more" if len(self.equal_settings) > MAX_EQUAL_GROUPS else ""
        return f"equal in every run, so that they share their wins: settings {names}{more}"

    def warnings(self, setting: int) -> list[SampleWarning]:
        """Return why the interval of a setting's mean may hold less than it promises."""
        runs = self.finite_performance(setting)
        return sample_warnings(runs) if len(runs) >= MIN_SAMPLES else []

    def finite_performance(self, setting: int) -> np.ndarray:
        """Return the performance of a setting's runs without failed runs, (n,)."""
        runs = self.performance[setting]
        return runs[~np.isnan(runs)]
