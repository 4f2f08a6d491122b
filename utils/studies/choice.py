"""The best setting of each arm in each environment, and the returns that claims and tables are about."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from utils.stats.settings import rank_settings
from utils.studies.run_table import RunRow
from utils.studies.study import Study


@dataclass(frozen=True)
class ArmInEnvironment:
    """What is known of an arm in an environment.

    choosing: performance (settings, choosing runs), NaN where a run diverged; None while runs are missing.
    reporting: rows of the best setting's runs on fresh seeds, in the order of their seeds.
    found: number of runs for choosing that exist.
    """

    environment: str
    arm: str
    choosing: np.ndarray | None
    reporting: tuple[RunRow, ...]
    found: int

    @property
    def best(self) -> int | None:
        """The setting with the best mean performance on the seeds for choosing; None while runs are missing."""
        return None if self.choosing is None else best_setting(self.choosing)

    @property
    def performance(self) -> np.ndarray:
        """Performance of the best setting's runs on fresh seeds, NaN where one diverged."""
        return np.array([row.performance for row in self.reporting])


Known = Mapping[str, Mapping[str, ArmInEnvironment]]
"""What is known of every arm, by environment and arm."""


def best_setting(performance: np.ndarray) -> int:
    """Return the setting with the best mean performance.  performance: (settings, runs), NaN where one diverged."""
    return int(rank_settings(performance)[0])


def survey(study: Study, environment: str, arm: str, settings: int, choosing: Collection[RunRow]) -> ArmInEnvironment:
    """Return what an arm's runs for choosing say of it in an environment; it has no runs on fresh seeds yet.

    settings: number of settings of the arm's grid.
    """
    table = np.full((settings, study.choosing_runs), np.nan)
    for row in choosing:
        table[row.setting, row.run] = row.performance
    return ArmInEnvironment(environment, arm, table if len(choosing) == table.size else None, (), len(choosing))


def is_complete(study: Study, known: Known) -> bool:
    """Return whether every arm has all its runs in every environment."""
    every = [one for arms in known.values() for one in arms.values()]
    return all(one.choosing is not None and len(one.reporting) == study.reporting_runs for one in every)
