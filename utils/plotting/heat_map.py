"""Heat maps: performance over the values of two hyperparameters, all others at their best for each cell."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from utils.analysis.combined_results import CombinedResults
from utils.analysis.mean_curve import Options
from utils.analysis.number_format import brief, ordered, performance_label
from utils.core.errors import BadInput
from utils.plot_utils import COLOR_MAP, Plot, framed, group_digits, name_ticks, panel_rows, panels
from utils.plotting.grid_caption import chosen_keys, describe, record

PANEL_HEIGHT = 2.8
"""Inches."""

PANEL_WIDTHS = (4.3, 1.7)
"""Of one panel a row, and of two, inches."""

CHARACTERS, UNLIMITED = 12, 10**9
"""Of labels below the panel, an inch; at its side they stand one above the other."""

SMALLEST = 4.5
"""Points of a legible number; where it would have to be smaller, cells have a colour only."""

MOST_PAIRS = 6
"""Panels of a figure."""

MARKS = (
    "Each cell: the best setting that has its two values, all other hyperparameters at their best for them; the number "
    "is the setting's mean over runs. Cross: a run of every such setting cannot be averaged, so it has no mean. "
    "Empty: no setting of the grid has both values. No interval is drawn."
)


@dataclass(frozen=True)
class Cells:
    """One panel.  settings: (V, W), the setting of each cell, -1 where there is none.  means: (V, W) theirs."""

    keys: tuple[str, str]
    values: tuple[list[Any], list[Any]]
    settings: np.ndarray
    means: np.ndarray


def make(experiments: Sequence[CombinedResults], options: Options) -> Plot:
    """A panel for each pair of hyperparameters that vary.  Raises BadInput."""
    if len(experiments) > 1:
        raise BadInput(f"--data: found {len(experiments)} experiments; allowed with --kind heat-map: one")
    [experiment] = experiments
    pairs = list(combinations(chosen_keys(experiments, options.keys), 2))
    if not 0 < len(pairs) <= MOST_PAIRS:
        names = ", ".join(experiment.varied)
        raise BadInput(
            f"--key: found {len(pairs)} pairs of hyperparameters; allowed: 1 to {MOST_PAIRS}, from --key given twice "
            f"or more for {experiment.path}: {names}"
        )
    maps = [cells(experiment, pair) for pair in pairs]
    shown = [{"keys": each.keys, "values": each.values, "settings": each.settings, "mean": each.means} for each in maps]
    facts = {"interval": None, "experiments": [record(experiment) | {"heat_maps": shown}]}
    return Plot("heat-map", facts, lambda: draw(experiment, maps))


def cells(experiment: CombinedResults, keys: tuple[str, str]) -> Cells:
    """The best setting for each pair of values."""
    rows, columns = (ordered(experiment.varied[key]) for key in keys)
    settings = np.full((len(rows), len(columns)), -1)
    for place in np.ndindex(settings.shape):
        wanted = (rows[place[0]], columns[place[1]])
        among = [
            number
            for number, params in enumerate(experiment.settings)
            if all(params[key] == value for key, value in zip(keys, wanted, strict=True))
        ]
        if among:
            settings[place] = experiment.best(among)
    means = np.append(experiment.performance.mean(1), np.nan)[settings]  # -1 is the NaN.
    return Cells(keys, (rows, columns), settings, means)


def draw(experiment: CombinedResults, maps: Sequence[Cells]) -> Figure:
    """The figure; all panels in one scale of colours."""
    figure = framed([MARKS, describe(experiment, experiment.agent_name)], 0.5 + PANEL_HEIGHT * panel_rows(len(maps)))
    every = np.concatenate([each.means.ravel() for each in maps])
    low, high = (np.nanmin(every), np.nanmax(every)) if np.isfinite(every).any() else (0.0, 1.0)
    axes = panels(figure, len(maps))
    for ax, each in zip(axes, maps, strict=True):
        image = ax.imshow(each.means, cmap=COLOR_MAP, vmin=low, vmax=high, aspect="auto", origin="lower")
        _label(ax, each, image, PANEL_WIDTHS[min(len(maps), 2) - 1])
    bar = figure.colorbar(image, ax=axes, aspect=20 * panel_rows(len(maps)))
    bar.set_label(textwrap.fill(performance_label(experiment.training), 24), fontsize=9)
    group_digits(bar.ax.yaxis)
    title = f"{experiment.environment['env_name']}, {experiment.agent_name}"
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=12)
    return figure


def _label(ax: Any, each: Cells, image: Any, width: float) -> None:
    """Values on the axes and, where there is room, a number in each cell.  width: the panel's, inches."""
    ax.grid(visible=False)
    for axis, key, values in zip((ax.yaxis, ax.xaxis), each.keys, each.values, strict=True):
        axis.set_label_text(key)
        name_ticks(axis, values, round(width * CHARACTERS) if axis is ax.xaxis else UNLIMITED)
    texts = [["\N{MULTIPLICATION SIGN}" if np.isnan(mean) else brief(mean) for mean in row] for row in each.means]
    longest = max(len(text) for row in texts for text in row)
    size = min(8.0, 72 * width / each.means.shape[1] / (0.75 * longest))
    for (row, column), mean in np.ndenumerate(each.means):
        if each.settings[row, column] >= 0 and size >= SMALLEST:
            text = texts[row][column]
            color = "black" if np.isnan(mean) or _is_light(image.to_rgba(mean)) else "white"
            ax.text(column, row, text, ha="center", va="center", fontsize=size, color=color)


def _is_light(rgba: Sequence[float]) -> bool:
    """Whether black reads better on a colour than white: its relative luminance (WCAG 2) is above 0.179."""
    linear = [((part + 0.055) / 1.055) ** 2.4 if part > 0.04045 else part / 12.92 for part in rgba[:3]]
    return bool(np.dot(linear, (0.2126, 0.7152, 0.0722)) > 0.179)
