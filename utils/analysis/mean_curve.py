"""A line of a figure or a report: the mean over the runs of a choice, and its band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

import numpy as np

from utils.analysis.combined_results import CombinedResults, Curve, smoothed
from utils.analysis.setting_choice import Choice
from utils.core.errors import BadInput
from utils.stats.intervals import MIN_SAMPLES, bootstrap_interval, tolerance_interval

RESAMPLES = 10_000

BOOTSTRAP = "expanded-percentile bootstrap"
"""What captions call `stats.bootstrap_interval`."""

SEED = 0

COVERAGE = 0.9
"""The share of runs that a tolerance band is to hold."""

DOT_BINS = 60
"""Of a row of dots: those that fall into one are stacked."""

FEWEST_LEVELS = 6
"""A row of less stands as high as one of these."""

Band = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Options:
    """How a figure is drawn.

    setting: instead of the best.  by: a hyperparameter; the best setting for each of its values is shown.
    keys: hyperparameters to show.  confidence: of intervals.  band: "bootstrap", "tolerance" or "none".
    smooth: timesteps over which each run's returns are averaged; None: not at all.
    """

    setting: int | None = None
    by: str | None = None
    keys: tuple[str, ...] = ()
    confidence: float = 0.95
    band: str = "bootstrap"
    smooth: int | None = None

    @property
    def percent(self) -> str:
        """The confidence, as a caption says it."""
        return f"{100 * self.confidence:g}%"

    @property
    def bootstrap(self) -> dict[str, Any]:
        """The interval of a mean, as a sidecar says it."""
        return {
            "kind": f"{BOOTSTRAP} of the mean",
            "confidence": self.confidence,
            "resamples": RESAMPLES,
        }


@dataclass(frozen=True)
class Line:
    """What is drawn of one choice.

    mean: over runs.  band: low and high, each of the mean's shape, or None.  runs: those in the
    mean.  excluded: those that are not, drawn as far as they got.
    """

    choice: Choice
    mean: Curve
    band: Band | None
    runs: Sequence[Curve]
    excluded: Sequence[Curve]

    def describe(self, options: Options) -> str:
        """Its paragraph of the caption."""
        text = self.choice.describe(interval=options.band == "bootstrap")
        if any(run.timesteps[-1] > self.mean.timesteps[-1] for run in self.runs):
            text += " The mean ends where the first run ends."
        return text

    def record(self) -> dict[str, Any]:
        """What the sidecar says of it."""
        return self.choice.record() | {
            "timesteps": self.mean.timesteps,
            "mean": self.mean.returns,
            "interval": self.band and {"low": self.band[0], "high": self.band[1]},
        }


def answer_rng() -> np.random.Generator:
    """For every resampling: the same data give the same answer."""
    return np.random.Generator(np.random.PCG64(SEED))


def interval(options: Options) -> dict[str, Any] | None:
    """The band's kind, as a sidecar says it."""
    if options.band == "none":
        return None
    if options.band == "tolerance":
        return {"kind": "tolerance, distribution-free", "confidence": options.confidence, "coverage": COVERAGE}
    return options.bootstrap


def line(choice: Choice, options: Options) -> Line:
    """Summarise the runs of a choice.

    Raises BadInput if they have no timestep in common, or are too few for a tolerance band.
    """
    window = options.smooth
    runs, excluded = (
        [smoothed(run, window) if window else run for run in runs] for runs in (choice.runs, choice.excluded)
    )
    try:
        mean, band = summarise(runs, options)
    except ValueError as error:
        raise BadInput(f"--band: {options.band}: {choice.label}: {error}") from error
    if not len(mean.timesteps):
        raise BadInput(
            f"{choice.experiment.path}: setting {choice.setting}: found no timestep that all its runs have in their "
            "curves; allowed: runs of one protocol"
        )
    return Line(choice, mean, band, runs, excluded)


def summarise(runs: Sequence[Curve], options: Options) -> tuple[Curve, Band | None]:
    """The mean over runs, and its band, at the timesteps that all runs have.

    Raises ValueError if the runs are too few for a tolerance band; of too few for an interval the band is None.
    """
    timesteps = reduce(np.intersect1d, [run.timesteps for run in runs])
    returns = np.stack([run.returns[np.isin(run.timesteps, timesteps)] for run in runs])  # (n, T)
    return Curve(timesteps, returns.mean(0)), band(returns, options)


def band(returns: np.ndarray, options: Options) -> Band | None:
    """Low and high at each timestep.  returns: (n, T)."""
    if options.band == "tolerance":
        return tolerance_interval(returns, COVERAGE, options.confidence)
    if options.band == "none" or len(returns) < MIN_SAMPLES:
        return None
    return bootstrap_interval(returns, options.confidence, RESAMPLES, rng=answer_rng())


@lru_cache(maxsize=4096)
def setting_interval(experiment: CombinedResults, setting: int, confidence: float) -> tuple[float, float] | None:
    """Of the mean performance of a setting's runs; None if one failed or they are too few. Worked out once."""
    runs = experiment.performance[setting]
    if len(runs) < MIN_SAMPLES or np.isnan(runs).any():
        return None
    low, high = bootstrap_interval(runs, confidence, RESAMPLES, rng=answer_rng())
    return float(low), float(high)


def dot_levels(values: np.ndarray) -> np.ndarray:
    """How high to draw each of a row of dots so that none hides another, in [0, 1]; 0 for the first in its bin.

    values: (n,) sorted, n >= 1.
    """
    spread = np.ptp(values) or 1.0
    bins = ((values - values[0]) / spread * (DOT_BINS - 1)).astype(int)
    level = np.arange(len(bins)) - np.searchsorted(bins, bins)
    return level / max(level.max(), FEWEST_LEVELS)
