"""Sensitivity in a report: a small chart and a table for each hyperparameter that a grid varies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from utils.analysis.combined_results import CombinedResults
from utils.analysis.hyperparameter_effect import WAYS, Effect
from utils.analysis.number_format import NOTHING, brief, ordered, short_name, value_name
from utils.reporting.svg_chart import ChartFrame, Scale, Tick, spanning

WIDTH, HEIGHT = 410, 250
LEFT, RIGHT, TOP, BOTTOM = 70, 16, 10, 46
"""Margins, pixels."""

ROOM, SLANT = 46, 40
"""Characters side by side below a chart; where there are more they are slanted, and take so many pixels more."""

MOST_VALUES = 40
"""Of one hyperparameter."""

ASIDE = {"best": -0.04, "slice": 0.04}
"""How far from its value a mark stands, so that neither way hides the other."""


@dataclass(frozen=True)
class Mark:
    """A mean and its interval, pixels; interval None where there is none."""

    x: float
    y: float
    interval: tuple[float, float] | None
    title: str


@dataclass(frozen=True)
class Panel:
    """A hyperparameter.  paths, marks: of either way.  rows: value, then setting, mean and interval in either way."""

    key: str
    frame: ChartFrame
    ticks: list[Tick]
    paths: dict[str, str]
    marks: dict[str, list[Mark]]
    failed: list[float]
    rows: list[list[str]]
    note: str


def panels(experiment: CombinedResults, confidence: float) -> list[Panel]:
    """One for each hyperparameter that varies, all on one scale of performance; none where there is no run."""
    if not experiment.performance.size:
        return []
    effects = [Effect(experiment, key, confidence) for key in experiment.varied]
    bounds = [bound for e in effects for way in WAYS for found in e.intervals(way) if found for bound in found]
    means = [e.means(way) for e in effects for way in WAYS]
    y = spanning(np.concatenate([bounds, *means]), HEIGHT - BOTTOM, TOP, 0.1)
    return [_panel(effect, y) for effect in effects]


def _panel(effect: Effect, y: Scale) -> Panel:
    count = min(len(effect.found.values), MOST_VALUES)
    x = Scale(-0.5, count - 0.5, LEFT, WIDTH - RIGHT)
    places = [effect.found.values.index(value) for value in ordered(effect.found.values)][:count]
    names = [value_name(effect.found.values[place]) for place in places]
    shown = [short_name(effect.found.values[place]) for place in places]
    slanted = sum(map(len, shown)) + count > ROOM
    frame = ChartFrame(WIDTH, HEIGHT + SLANT * slanted, x, y, effect.key, "Performance", slanted)
    return Panel(
        effect.key,
        frame,
        [Tick(float(x(k)), name) for k, name in enumerate(shown)],
        {way: _path(frame, effect.means(way)[places], ASIDE[way]) for way in WAYS},
        {way: _marks(effect, way, places, frame) for way in WAYS},
        [float(x(k)) for k, place in enumerate(places) if np.isnan(effect.means("best")[place])],
        [[name, *_words(effect, place)] for name, place in zip(names, places, strict=True)],
        f"The first {count} of {len(effect.found.values)} values." if count < len(effect.found.values) else "",
    )


def _path(frame: ChartFrame, means: np.ndarray, aside: float) -> str:
    """Through the means there are, broken where there is none."""
    there = np.flatnonzero(np.isfinite(means))
    pieces = np.split(there, np.flatnonzero(np.diff(there) > 1) + 1)
    return "".join(frame.path(piece + aside, means[piece]) for piece in pieces if len(piece))


def _marks(effect: Effect, way: str, places: list[int], frame: ChartFrame) -> list[Mark]:
    found = []
    for k, place in enumerate(places):
        mean, interval = float(effect.means(way)[place]), effect.intervals(way)[place]
        if np.isnan(mean):
            continue
        bounds = interval and (float(frame.y(interval[0])), float(frame.y(interval[1])))
        title = f"{effect.key} {value_name(effect.found.values[place])}, {WAYS[way]}: {brief(mean)}"
        title += f", setting {effect.settings(way)[place]}"
        found.append(Mark(float(frame.x(k + ASIDE[way])), float(frame.y(mean)), bounds, title))
    return found


def _words(effect: Effect, place: int) -> list[str]:
    """Setting, mean and interval in either way."""
    cells = []
    for way in WAYS:
        setting, mean, interval = effect.settings(way)[place], effect.means(way)[place], effect.intervals(way)[place]
        text = "a run failed" if np.isnan(mean) else brief(float(mean))
        band = f" [{brief(interval[0])}, {brief(interval[1])}]" if interval else ""
        cells += [NOTHING, "not in the grid"] if setting < 0 else [str(setting), text + band]
    return cells
