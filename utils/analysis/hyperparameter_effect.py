"""What one hyperparameter does to performance in one experiment.

After Patterson et al. (JMLR 2024), in two ways: the best over the other hyperparameters, which says what a
value can reach, and the slice at the optimum, which says what changing this one alone costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from utils.analysis.combined_results import CombinedResults
from utils.analysis.mean_curve import setting_interval
from utils.stats.settings import Sensitivity, sensitivity

WAYS = {"best": "best over the others", "slice": "slice at the best of all"}
"""Either way to see a hyperparameter, and how a legend says it."""


@dataclass(frozen=True)
class Effect:
    """What a hyperparameter does in one experiment."""

    experiment: CombinedResults
    key: str
    confidence: float

    @cached_property
    def found(self) -> Sensitivity:
        """In both ways."""
        return sensitivity(self.experiment.performance, self.experiment.settings, self.key)

    def settings(self, way: str) -> list[int]:
        """The setting that stands for each value; -1 where there is none."""
        return [int(setting) for setting in getattr(self.found, way)]

    def means(self, way: str) -> np.ndarray:
        """(V,) NaN where a run failed."""
        return getattr(self.found, f"{way}_performance")

    def intervals(self, way: str) -> list[tuple[float, float] | None]:
        """Of each mean."""
        return [
            None if setting < 0 else setting_interval(self.experiment, setting, self.confidence)
            for setting in self.settings(way)
        ]

    def record(self) -> dict[str, Any]:
        """What the sidecar says of it."""
        return {"values": self.found.values} | {
            way: {"settings": self.settings(way), "mean": self.means(way), "interval": self.intervals(way)}
            for way in WAYS
        }
