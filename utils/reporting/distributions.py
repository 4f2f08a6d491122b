"""Distributions of return in a report: a dot for each run's final performance, a row for each setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from utils.analysis.mean_curve import dot_levels, setting_interval
from utils.analysis.number_format import between, brief, performance_label
from utils.analysis.setting_choice import Choice, fates
from utils.reporting.svg_chart import ChartFrame, color, spanning, thinned

WIDTH, ROW, TOP, BOTTOM, SIDE = 860, 74, 8, 46, 20
"""Pixels; ROW and SIDE are a row's height and the margin at either side."""

MOST_ROWS = 12
MOST_DOTS = 200
"""In a row: every so-manieth by size."""


@dataclass(frozen=True)
class Dot:
    """A run.  title: what it says when pointed at."""

    x: float
    y: float
    title: str


@dataclass(frozen=True)
class Row:
    """A setting: its runs, their quartiles and mean in pixels, and the same in words."""

    label: str
    color: str
    y: float
    dots: list[Dot]
    quartiles: tuple[float, float, float]
    mean: float
    interval: tuple[float, float] | None
    words: list[str]


@dataclass(frozen=True)
class DistributionChart:
    """A chart."""

    frame: ChartFrame
    rows: list[Row]
    notes: list[str]

    @property
    def cells(self) -> list[list[str]]:
        """A table of the same."""
        return [[row.label, *row.words] for row in self.rows]


def distribution_chart(choices: Sequence[Choice], confidence: float) -> DistributionChart:
    """The final performance of the choices' runs."""
    shown = choices[:MOST_ROWS]
    finite = [_finite(choice) for choice in shown]
    height = TOP + ROW * len(shown) + BOTTOM
    x = spanning(np.concatenate(finite), SIDE, WIDTH - SIDE)
    y = spanning(np.zeros(1), height - BOTTOM, TOP)
    frame = ChartFrame(WIDTH, height, x, y, performance_label(shown[0].experiment.training), "")
    rows = [_row(number, choice, frame, confidence) for number, choice in enumerate(shown)]
    notes = [f"The first {MOST_ROWS} of {len(choices)} settings are drawn."] if len(choices) > MOST_ROWS else []
    if any(len(runs) > MOST_DOTS for runs in finite):
        notes.append(f"Of each setting {MOST_DOTS} runs are drawn, evenly by rank.")
    return DistributionChart(frame, rows, notes)


def _finite(choice: Choice) -> np.ndarray:
    runs = choice.experiment.performance[choice.setting]
    return runs[~np.isnan(runs)]


def _row(number: int, choice: Choice, frame: ChartFrame, confidence: float) -> Row:
    middle = TOP + ROW * number + 44
    runs = _finite(choice)
    numbers = [outcome.number for outcome in choice.outcomes if not outcome.fate]
    order = np.argsort(runs, kind="stable")[thinned(len(runs), MOST_DOTS)]
    heights = middle - 22 * dot_levels(runs[order])
    dots = [
        Dot(round(float(frame.x(runs[k])), 1), round(float(y), 1), f"run {numbers[k]}: {brief(float(runs[k]))}")
        for k, y in zip(order, heights, strict=True)
    ]
    quartiles = np.quantile(runs, [0.25, 0.5, 0.75])
    interval = setting_interval(choice.experiment, choice.setting, confidence)
    low, median, high = (float(each) for each in frame.x(quartiles))
    return Row(
        choice.label,
        color(number),
        middle,
        dots,
        (low, median, high),
        float(frame.x(runs.mean())),
        interval and (float(frame.x(interval[0])), float(frame.x(interval[1]))),
        _words(choice, runs, quartiles, interval),
    )


def _words(choice: Choice, runs: np.ndarray, quartiles: np.ndarray, interval: tuple[float, float] | None) -> list[str]:
    """n, failures, mean, interval, minimum, quartiles, maximum."""
    band = between(interval)
    numbers = [runs.min(), *quartiles, runs.max()]
    return [
        str(len(runs)),
        fates(choice.outcomes),
        brief(float(runs.mean())),
        band,
        *(brief(float(v)) for v in numbers),
    ]
