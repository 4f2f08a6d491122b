"""The line of a setting in a figure or a report: the mean over its runs, and the band around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

import numpy as np

from utils.analysis.combined_results import CombinedResults, Curve, smooth_curve
from utils.analysis.setting_choice import SettingChoice
from utils.core.errors import BadInput
from utils.stats.intervals import MIN_SAMPLES, mean_interval, tolerance_interval

RESAMPLES = 10_000
"""Number of bootstrap resamples, of the statistics that are bootstrapped."""

INTERVAL_NAME = "skewness-corrected Student"
"""Name of `utils.stats.intervals.mean_interval` in captions."""

RESAMPLING_SEED = 0
"""Seed of every resampling."""

TOLERANCE_COVERAGE = 0.9
"""Fraction of all possible runs that a tolerance band holds."""

DOT_BINS = 60
"""Number of bins of a row of dots; dots in the same bin are stacked."""

MIN_DOT_LEVELS = 6
"""Smallest number of levels into which the height of a row of dots is divided."""

Band = tuple[np.ndarray, np.ndarray]
"""Low and high at each timestep, (T,) each."""


@dataclass(frozen=True)
class FigureOptions:
    """Options of a figure.

    setting: the setting to show; None: the best.  by: a hyperparameter; the best setting for each value is shown.
    keys: hyperparameters to show.  confidence: confidence level of intervals.
    band: "confidence", "tolerance" or "none".
    smooth: timesteps over which each run's returns are averaged; None: no smoothing.
    labels: labels of the lines, in their order; (): made from the data.  title: None: made from the data.
    no_caption: whether to leave the caption out.
    """

    setting: int | None = None
    by: str | None = None
    keys: tuple[str, ...] = ()
    confidence: float = 0.95
    band: str = "confidence"
    smooth: int | None = None
    labels: tuple[str, ...] = ()
    title: str | None = None
    no_caption: bool = False

    @property
    def percent(self) -> str:
        """The confidence in a caption."""
        return f"{100 * self.confidence:g}%"

    @property
    def interval_entry(self) -> dict[str, Any]:
        """The interval of a mean in a sidecar."""
        return {
            "kind": f"{INTERVAL_NAME} interval of the mean",
            "confidence": self.confidence,
        }

    @property
    def band_entry(self) -> dict[str, Any] | None:
        """The band in a sidecar."""
        if self.band == "none":
            return None
        if self.band == "tolerance":
            kind = "tolerance, distribution-free"
            return {"kind": kind, "confidence": self.confidence, "coverage": TOLERANCE_COVERAGE}
        return self.interval_entry


@dataclass(frozen=True)
class MeanCurve:
    """The mean curve of a setting and the runs behind it.

    mean: mean over runs.  band: low and high at each point of the mean, or None.  runs: curves of the averaged runs.
    excluded: curves of the other runs, up to where each run ended.
    """

    choice: SettingChoice
    mean: Curve
    band: Band | None
    runs: Sequence[Curve]
    excluded: Sequence[Curve]

    def describe(self, options: FigureOptions) -> str:
        """Return the line's paragraph in a caption."""
        text = self.choice.describe(interval=options.band == "confidence")
        if any(run.timesteps[-1] > self.mean.timesteps[-1] for run in self.runs):
            text += " The mean ends where the first run ends."
        return text

    def sidecar_entry(self) -> dict[str, Any]:
        """Return the line's entry in a sidecar."""
        return self.choice.sidecar_entry() | {
            "timesteps": self.mean.timesteps,
            "mean": self.mean.returns,
            "interval": self.band and {"low": self.band[0], "high": self.band[1]},
        }


def resampling_rng() -> np.random.Generator:
    """Return the generator of a resampling, always with the same seed: the same data give the same interval."""
    return np.random.Generator(np.random.PCG64(RESAMPLING_SEED))


def mean_curve(choice: SettingChoice, options: FigureOptions) -> MeanCurve:
    """Return the mean curve of a setting.

    Raises BadInput if its runs have no timestep in common, or are too few for a tolerance band.
    """
    window = options.smooth
    runs, excluded = (
        [smooth_curve(run, window) if window else run for run in runs] for runs in (choice.runs, choice.excluded)
    )
    try:
        mean, band = mean_and_band(runs, options)
    except ValueError as error:
        raise BadInput(f"--band: {options.band}: {choice.label}: {error}") from error
    if not len(mean.timesteps):
        raise BadInput(
            f"{choice.experiment.path}: setting {choice.setting}: found no timestep that all its runs have in their "
            "curves; allowed: runs of one protocol"
        )
    return MeanCurve(choice, mean, band, runs, excluded)


def mean_and_band(runs: Sequence[Curve], options: FigureOptions) -> tuple[Curve, Band | None]:
    """Return the mean over runs and its band, at the timesteps that all runs have.

    The band is None if the runs are too few for an interval.  Raises ValueError if they are too few for a tolerance
    band.
    """
    timesteps = reduce(np.intersect1d, [run.timesteps for run in runs])
    returns = np.stack([run.returns[np.isin(run.timesteps, timesteps)] for run in runs])  # (n, T)
    return Curve(timesteps, returns.mean(0)), return_band(returns, options)


def return_band(returns: np.ndarray, options: FigureOptions) -> Band | None:
    """Return the band's low and high at each timestep.  returns: (n, T)."""
    if options.band == "tolerance":
        return tolerance_interval(returns, TOLERANCE_COVERAGE, options.confidence)
    if options.band == "none" or len(returns) < MIN_SAMPLES:
        return None
    return mean_interval(returns, options.confidence)


@lru_cache(maxsize=4096)
def setting_interval(experiment: CombinedResults, setting: int, confidence: float) -> tuple[float, float] | None:
    """Return the interval of a setting's mean performance; None if a run failed or there are too few. Cached."""
    runs = experiment.performance[setting]
    if len(runs) < MIN_SAMPLES or np.isnan(runs).any():
        return None
    low, high = mean_interval(runs, confidence)
    return float(low), float(high)


def dot_levels(values: np.ndarray) -> np.ndarray:
    """Return the height of each dot of a row, in [0, 1], so that none hides another; 0 for the first in its bin.

    values: (n,) sorted, n >= 1.
    """
    spread = np.ptp(values) or 1.0
    bins = ((values - values[0]) / spread * (DOT_BINS - 1)).astype(int)
    level = np.arange(len(bins)) - np.searchsorted(bins, bins)
    return level / max(level.max(), MIN_DOT_LEVELS)
