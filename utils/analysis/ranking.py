"""The best setting of an experiment, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from utils.analysis.combined_results import CombinedResults
from utils.analysis.mean_curve import answer_rng
from utils.analysis.setting_choice import tally
from utils.core.errors import BadInput
from utils.stats.curves import area_under_curve
from utils.stats.intervals import MIN_SAMPLES, bootstrap_interval
from utils.stats.settings import rank_settings, win_probability

MEASURES = {"final": "mean return over the last half of {}", "area": "mean return over {}"}
"""What a run's performance is, by name: `stats.final_performance` or `stats.area_under_curve`."""

MOST_ROWS = 20
LEAST_LIKELY = 0.01
"""Settings that win more rarely than this are not listed."""


@dataclass(frozen=True)
class SettingRanking:
    """An experiment's settings by how good they are.  measure: one of MEASURES."""

    experiment: CombinedResults
    measure: str

    @cached_property
    def performance(self) -> np.ndarray:
        """(S, N), one number a setting and run, NaN where the run is missing or cannot be averaged."""
        if self.measure == "final":
            return self.experiment.performance
        rows = [
            [np.nan if each.fate else area_under_curve(each.curve.returns, each.curve.timesteps) for each in outcomes]
            for outcomes in self.experiment.outcomes
        ]
        return np.array(rows, float).reshape(len(rows), -1)

    @cached_property
    def ranked(self) -> list[int]:
        """The settings, the best first.  Raises BadInput if no setting has a run to rank it by."""
        if np.isnan(self.performance).all():
            raise BadInput(f"{self.experiment.path}: no setting has a run to rank it by; allowed: one or more")
        return [int(setting) for setting in rank_settings(self.performance)]

    @property
    def best(self) -> int:
        """The best setting."""
        return self.ranked[0]

    @property
    def experiments(self) -> list[CombinedResults]:
        """Where that is the best setting."""
        return [self.experiment]

    @property
    def default_name(self) -> str:
        """What to call the best setting."""
        return f"{self.experiment.path.resolve().parent.name}_best"

    @cached_property
    def wins(self) -> np.ndarray | None:
        """(S,) `win_probability` of each setting; None where there are too few runs to tell."""
        failed = np.isnan(self.performance).sum(1)
        several = (failed == failed.min()).sum() > 1
        if several and self.performance.shape[1] - failed.min() < MIN_SAMPLES:
            return None
        return win_probability(self.performance, answer_rng())

    @property
    def samples(self) -> np.ndarray:
        """(n,) performance of the best setting's runs, without those that failed."""
        return self._finite(self.best)

    @property
    def first_fresh(self) -> int:
        """The first run number, and so seed, that no setting has used."""
        return 1 + max(outcome.number for outcomes in self.experiment.outcomes for outcome in outcomes)

    def lines(self) -> Iterator[str]:
        """A table of the settings that may be the best."""
        experiment = self.experiment
        what = MEASURES[self.measure].format("training" if experiment.training else "evaluations")
        protocol = f"{experiment.agent_name} on {experiment.environment['env_name']}"
        yield f"{experiment.path}: {protocol}, {_count(len(self.ranked), 'setting')} by {what}"
        yield f"{'setting':>8}{'wins':>8}{'mean':>12}{'95% interval of the mean':>28}{'runs':>8}  failed"
        listed = self._listed()
        yield from (self._row(setting) for setting in listed)
        yield from self._remarks(listed)

    def _listed(self) -> list[int]:
        """The best, and whatever else is likely enough to be; all where nothing is known of that."""
        wins = self.wins
        likely = [s for s in self.ranked[1:] if wins is None or wins[s] >= LEAST_LIKELY]
        return [self.best, *likely][:MOST_ROWS]

    def _row(self, setting: int) -> str:
        runs = self._finite(setting)
        mean = f"{runs.mean():.5g}" if len(runs) else "-"
        interval = "-"
        if len(runs) >= MIN_SAMPLES:
            low, high = bootstrap_interval(runs, rng=answer_rng())
            interval = f"{low:.5g} to {high:.5g}"
        wins = "-" if self.wins is None else f"{self.wins[setting]:.2f}"
        failed = ", ".join(tally(self.experiment.outcomes[setting])) or "-"
        return f"{setting:>8}{wins:>8}{mean:>12}{interval:>28}{len(runs):>8}  {failed}"

    def _remarks(self, listed: list[int]) -> Iterator[str]:
        """What the table does not say by itself."""
        rest = [setting for setting in self.ranked if setting not in listed]
        if rest and self.wins is not None:
            yield f"{len(rest)} more, which together win {self.wins[rest].sum():.2f}"
        elif rest:
            yield f"{len(rest)} more"
        if self.wins is None:
            yield f"wins: not known, as it takes at least {MIN_SAMPLES} runs of each setting"
        if np.isnan(self.performance).any(1).all():
            yield "every setting has a run that failed: the best has the fewest"

    def _finite(self, setting: int) -> np.ndarray:
        runs = self.performance[setting]
        return runs[~np.isnan(runs)]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
