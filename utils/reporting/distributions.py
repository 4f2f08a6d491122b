"""Distributions of return: a dot for each run's final performance, a row for each setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from utils.analysis.mean_curve import dot_levels, setting_interval
from utils.analysis.number_format import format_interval, format_number, performance_label
from utils.analysis.setting_choice import SettingChoice, describe_exclusions
from utils.reporting.line_styles import LineStyle
from utils.reporting.svg_chart import ChartFrame, fit_scale, thinned_indices

WIDTH, ROW_HEIGHT, TOP, BOTTOM, SIDE = 860, 74, 8, 46, 20
"""Width, height of a row, and margins, pixels."""

MAX_ROWS = 12
"""Largest number of settings drawn."""

MAX_DOTS = 200
"""Largest number of runs drawn in a row; of more runs, evenly spaced ranks are drawn."""


@dataclass(frozen=True)
class RunDot:
    """A run's dot.  x, y: pixels.  title: its tooltip."""

    x: float
    y: float
    title: str


@dataclass(frozen=True)
class DistributionRow:
    """A setting's row: runs, quartiles and mean in pixels, and the same as cells of a table."""

    label: str
    color: str
    y: float
    dots: list[RunDot]
    quartiles: tuple[float, float, float]
    mean: float
    interval: tuple[float, float] | None
    cells: list[str]


@dataclass(frozen=True)
class DistributionChart:
    """A chart of distributions.  notes: what it leaves out."""

    frame: ChartFrame
    rows: list[DistributionRow]
    notes: list[str]

    @property
    def cells(self) -> list[list[str]]:
        """The chart as rows of a table."""
        return [[row.label, *row.cells] for row in self.rows]


def distribution_chart(
    choices: Sequence[SettingChoice], confidence: float, styles: Sequence[LineStyle]
) -> DistributionChart:
    """Return the chart of some settings' final performance.  confidence: confidence level of the intervals.

    styles: of each setting.
    """
    drawn = choices[:MAX_ROWS]
    finite = [_finite_performance(choice) for choice in drawn]
    height = TOP + ROW_HEIGHT * len(drawn) + BOTTOM
    x = fit_scale(np.concatenate(finite), SIDE, WIDTH - SIDE)
    y = fit_scale(np.zeros(1), height - BOTTOM, TOP)
    frame = ChartFrame(WIDTH, height, x, y, performance_label(drawn[0].experiment.training), "")
    rows = [
        _row(number, choice, frame, confidence, style)
        for number, (choice, style) in enumerate(zip(drawn, styles, strict=False))
    ]
    notes = [f"The first {MAX_ROWS} of {len(choices)} settings are drawn."] if len(choices) > MAX_ROWS else []
    if any(len(runs) > MAX_DOTS for runs in finite):
        notes.append(f"At most {MAX_DOTS} runs of each setting are drawn, at evenly spaced ranks.")
    return DistributionChart(frame, rows, notes)


def _finite_performance(choice: SettingChoice) -> np.ndarray:
    return choice.performance[~np.isnan(choice.performance)]


def _row(number: int, choice: SettingChoice, frame: ChartFrame, confidence: float, style: LineStyle) -> DistributionRow:
    middle = TOP + ROW_HEIGHT * number + 44
    runs = _finite_performance(choice)
    quartiles = np.quantile(runs, [0.25, 0.5, 0.75])
    interval = setting_interval(choice.experiment, choice.setting, confidence)
    low, median, high = (float(each) for each in frame.x(quartiles))
    return DistributionRow(
        choice.label,
        style.color,
        middle,
        _dots(choice, runs, middle, frame),
        (low, median, high),
        float(frame.x(runs.mean())),
        interval and (float(frame.x(interval[0])), float(frame.x(interval[1]))),
        _cells(choice, runs, quartiles, interval),
    )


def _dots(choice: SettingChoice, runs: np.ndarray, middle: float, frame: ChartFrame) -> list[RunDot]:
    """Return the dots of a row, from the lowest.  runs: (n,) performance.  middle: the row's position, pixels."""
    numbers = [outcome.number for outcome in choice.outcomes if not outcome.exclusion]
    order = np.argsort(runs, kind="stable")[thinned_indices(len(runs), MAX_DOTS)]
    heights = middle - 22 * dot_levels(runs[order])
    return [
        RunDot(
            round(float(frame.x(runs[k])), 1), round(float(y), 1), f"run {numbers[k]}: {format_number(float(runs[k]))}"
        )
        for k, y in zip(order, heights, strict=True)
    ]


def _cells(
    choice: SettingChoice, runs: np.ndarray, quartiles: np.ndarray, interval: tuple[float, float] | None
) -> list[str]:
    """Return n, failures, mean, interval, minimum, quartiles and maximum."""
    return [
        str(len(runs)),
        describe_exclusions(choice.outcomes),
        format_number(float(runs.mean())),
        format_interval(interval),
        *(format_number(float(value)) for value in (runs.min(), *quartiles, runs.max())),
    ]
