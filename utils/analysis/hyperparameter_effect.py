"""The effect of one hyperparameter on performance in one experiment.

After Patterson et al. (JMLR 2024), in two ways: the best over the other hyperparameters shows what a value can reach,
and the slice at the optimum shows what changing only this hyperparameter costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from utils.analysis.combined_results import CombinedResults
from utils.analysis.mean_curve import setting_interval
from utils.stats.settings import Sensitivity, sensitivity

WAYS = {"best": "best over the others", "slice": "slice at the overall best"}
"""The two ways to measure an effect, and their names in a legend."""


@dataclass(frozen=True)
class HyperparameterEffect:
    """The effect of a hyperparameter in one experiment.  confidence: confidence level of the intervals."""

    experiment: CombinedResults
    key: str
    confidence: float

    @cached_property
    def sensitivity(self) -> Sensitivity:
        """Settings and means for each value, in both ways."""
        return sensitivity(self.experiment.performance, self.experiment.settings, self.key)

    @property
    def values(self) -> list[Any]:
        """The hyperparameter's V values, in the grid's order."""
        return self.sensitivity.values

    def settings(self, way: str) -> list[int]:
        """Return the setting that represents each value; -1 if the grid does not have it."""
        return [int(setting) for setting in getattr(self.sensitivity, way)]

    def means(self, way: str) -> np.ndarray:
        """Return each value's mean performance, (V,); NaN where a run failed."""
        return getattr(self.sensitivity, f"{way}_performance")

    def intervals(self, way: str) -> list[tuple[float, float] | None]:
        """Return the interval of each mean; None for a mean without an interval."""
        return [
            None if setting < 0 else setting_interval(self.experiment, setting, self.confidence)
            for setting in self.settings(way)
        ]

    def sidecar_entry(self) -> dict[str, Any]:
        """Return the effect's entry in a sidecar."""
        return {"values": self.values} | {
            way: {"settings": self.settings(way), "mean": self.means(way), "interval": self.intervals(way)}
            for way in WAYS
        }
