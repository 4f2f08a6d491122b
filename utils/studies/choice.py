"""The best setting of each arm in each environment, and the returns that claims and tables are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from utils.stats.settings import rank_settings
from utils.studies.run_table import CHOOSING, REPORTING, RunRow
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
        return None if self.choosing is None else int(rank_settings(self.choosing)[0])

    @property
    def performance(self) -> np.ndarray:
        """Performance of the best setting's runs on fresh seeds, NaN where one diverged."""
        return np.array([row.performance for row in self.reporting])


def survey(study: Study, environment: str, arm: str, settings: int, rows: Iterable[RunRow]) -> ArmInEnvironment:
    """Return what a study's rows say of an arm in an environment.  settings: number of settings of the arm's grid."""
    own = [row for row in rows if (row.environment, row.arm) == (environment, arm)]
    choosing = [row for row in own if row.stage == CHOOSING]
    table = np.full((settings, study.choosing_runs), np.nan)
    for row in choosing:
        table[row.setting, row.run] = row.performance
    complete = len(choosing) == table.size
    reporting = sorted((row for row in own if row.stage == REPORTING), key=lambda row: row.run)
    known = ArmInEnvironment(environment, arm, table if complete else None, (), len(choosing))
    return ArmInEnvironment(
        environment, arm, known.choosing, tuple(row for row in reporting if row.setting == known.best), known.found
    )


def is_complete(study: Study, known: Mapping[str, Mapping[str, ArmInEnvironment]]) -> bool:
    """Return whether every arm has all its runs in every environment.  known: by environment and arm."""
    every = [one for arms in known.values() for one in arms.values()]
    return all(one.choosing is not None and len(one.reporting) == study.reporting_runs for one in every)
