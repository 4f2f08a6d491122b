"""Sensitivity: a small chart and a table for each hyperparameter that a grid varies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from utils.analysis.combined_results import CombinedResults
from utils.analysis.hyperparameter_effect import WAYS, HyperparameterEffect
from utils.analysis.line_style import SIDE_STEP, SLICE_DASHES
from utils.analysis.number_format import (
    NO_VALUE,
    format_estimate,
    format_number,
    short_value_name,
    sort_values,
    value_name,
)
from utils.reporting.line_styles import dash_array
from utils.reporting.svg_chart import ChartFrame, Scale, Tick, fit_scale

WIDTH, HEIGHT = 410, 250
"""Size of a panel, pixels."""

LEFT, RIGHT, TOP, BOTTOM = 70, 16, 10, 46
"""Margins, pixels."""

MAX_TICK_CHARACTERS, SLANTED_HEIGHT = 46, 40
"""Characters of tick labels that fit in one row, and the extra height of slanted labels, pixels."""

MAX_VALUES = 40
"""Largest number of values of a hyperparameter that are shown."""

WAY_STYLES = {"best": ("#333", "#333", ""), "slice": ("#777", "#fff", dash_array(SLICE_DASHES))}
"""Colour of lines, colour that fills markers, and dashes of each way to measure an effect; no agent's colour."""


@dataclass(frozen=True)
class MeanMark:
    """A mean in a panel.  x, y: position, pixels.  interval: low and high, pixels, or None.  title: its tooltip."""

    x: float
    y: float
    interval: tuple[float, float] | None
    title: str


@dataclass(frozen=True)
class SensitivityPanel:
    """The panel of a hyperparameter.

    paths, marks: line and means for each way to measure an effect.
    failed: for each way, positions of settings with a run that cannot be averaged, pixels.
    rows: for each value, the value, then setting and mean with its interval in each way.
    """

    key: str
    frame: ChartFrame
    ticks: list[Tick]
    paths: dict[str, str]
    marks: dict[str, list[MeanMark]]
    failed: dict[str, list[float]]
    rows: list[list[str]]
    note: str


def sensitivity_panels(experiment: CombinedResults, confidence: float) -> list[SensitivityPanel]:
    """Return a panel for each hyperparameter that varies, on the same scale of performance; [] if there is no run."""
    if not experiment.performance.size:
        return []
    effects = [HyperparameterEffect(experiment, key, confidence) for key in experiment.varied]
    bounds = [bound for e in effects for way in WAYS for found in e.intervals(way) if found for bound in found]
    means = [e.means(way) for e in effects for way in WAYS]
    y = fit_scale(np.concatenate([bounds, *means]), HEIGHT - BOTTOM, TOP, 0.1)
    return [_panel(effect, y) for effect in effects]


def _panel(effect: HyperparameterEffect, y: Scale) -> SensitivityPanel:
    count = min(len(effect.values), MAX_VALUES)
    x = Scale(-0.5, count - 0.5, LEFT, WIDTH - RIGHT)
    order = [effect.values.index(value) for value in sort_values(effect.values)][:count]
    names = [value_name(effect.values[number]) for number in order]
    texts = [short_value_name(effect.values[number]) for number in order]
    slanted = sum(map(len, texts)) + count > MAX_TICK_CHARACTERS
    frame = ChartFrame(WIDTH, HEIGHT + SLANTED_HEIGHT * slanted, x, y, effect.key, "Performance", slanted)
    return SensitivityPanel(
        effect.key,
        frame,
        [Tick(float(x(k)), text) for k, text in enumerate(texts)],
        {way: _path(frame, effect.means(way)[order], SIDE_STEP[way]) for way in WAYS},
        {way: _marks(effect, way, order, frame) for way in WAYS},
        {way: _failed(effect, way, order, frame) for way in WAYS},
        [[name, *_cells(effect, number)] for name, number in zip(names, order, strict=True)],
        f"The first {count} of {len(effect.values)} values." if count < len(effect.values) else "",
    )


def _path(frame: ChartFrame, means: np.ndarray, side_step: float) -> str:
    """Return the line through the means, with gaps where there is no mean."""
    present = np.flatnonzero(np.isfinite(means))
    pieces = np.split(present, np.flatnonzero(np.diff(present) > 1) + 1)
    return "".join(frame.path(piece + side_step, means[piece]) for piece in pieces if len(piece))


def _marks(effect: HyperparameterEffect, way: str, order: list[int], frame: ChartFrame) -> list[MeanMark]:
    """Return the marks of the means.  order: numbers of the values from left to right."""
    marks = []
    for k, number in enumerate(order):
        mean, interval = float(effect.means(way)[number]), effect.intervals(way)[number]
        if np.isnan(mean):
            continue
        bounds = interval and (float(frame.y(interval[0])), float(frame.y(interval[1])))
        title = f"{effect.key} {value_name(effect.values[number])}, {WAYS[way]}: {format_number(mean)}"
        title += f", setting {effect.settings(way)[number]}"
        marks.append(MeanMark(float(frame.x(k + SIDE_STEP[way])), float(frame.y(mean)), bounds, title))
    return marks


def _failed(effect: HyperparameterEffect, way: str, order: list[int], frame: ChartFrame) -> list[float]:
    """Return the positions of the crosses: of settings that the grid has, and that have no mean."""
    settings, means = effect.settings(way), effect.means(way)
    failed = [k for k, number in enumerate(order) if settings[number] >= 0 and np.isnan(means[number])]
    return [float(frame.x(k + SIDE_STEP[way])) for k in failed]


def _cells(effect: HyperparameterEffect, number: int) -> list[str]:
    """Return a value's setting, and mean with its interval, in each way."""
    cells = []
    for way in WAYS:
        setting, mean = effect.settings(way)[number], float(effect.means(way)[number])
        if setting < 0:
            cells += [NO_VALUE, "not in the grid"]
        elif np.isnan(mean):
            cells += [str(setting), "a run failed"]
        else:
            cells += [str(setting), format_estimate(mean, effect.intervals(way)[number])]
    return cells
