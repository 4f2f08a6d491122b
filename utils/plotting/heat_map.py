"""Heat maps: performance over the values of two hyperparameters, with all others at their best in each cell."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from utils.analysis.combined_results import CombinedResults
from utils.analysis.mean_curve import FigureOptions
from utils.analysis.number_format import format_number, performance_label, sort_values
from utils.core.errors import BadInput
from utils.plot_utils import COLOR_MAP, Plot, add_panels, count_panel_rows, group_digits, label_ticks, new_figure
from utils.plotting.grid_caption import describe_grid, grid_sidecar_entry, select_keys

PANEL_HEIGHT = 2.8
"""Height of a panel, inches."""

PANEL_WIDTHS = (4.3, 1.7)
"""Width of the only panel in a row, and of one of two, inches."""

CHARACTERS_PER_INCH, UNLIMITED = 12, 10**9
"""Characters of tick labels that fit an inch below the panel, and at its side, where each label has its own line."""

MIN_FONT_SIZE = 4.5
"""Smallest font size of a cell's number, points; cells that need a smaller one have only a colour."""

MAX_PANELS = 6
"""Largest number of panels, one for each pair of hyperparameters."""

MARKS = (
    "Each cell: the best setting with its two values, all other hyperparameters tuned for them; the number "
    "is the setting's mean over runs. Cross: a run of every such setting cannot be averaged, so there is no mean. "
    "Empty: no setting of the grid has both values. No interval is drawn."
)
"""The marks in the caption."""


@dataclass(frozen=True)
class HeatMap:
    """The content of a panel: the best setting for each pair of values of two hyperparameters.

    values: the V values of the first key and the W values of the second.
    settings: (V, W), -1 in empty cells.  means: (V, W), mean performance of the settings.
    """

    keys: tuple[str, str]
    values: tuple[list[Any], list[Any]]
    settings: np.ndarray
    means: np.ndarray


def make_plot(experiments: Sequence[CombinedResults], options: FigureOptions) -> Plot:
    """Return a figure with a panel for each pair of hyperparameters that vary, to be drawn.  Raises BadInput."""
    if len(experiments) > 1:
        raise BadInput(f"--data: found {len(experiments)} experiments; allowed with --kind heat-map: one")
    [experiment] = experiments
    pairs = list(combinations(select_keys(experiments, options.keys), 2))
    if not 0 < len(pairs) <= MAX_PANELS:
        names = ", ".join(experiment.varied)
        raise BadInput(
            f"--key: found {len(pairs)} pairs of hyperparameters; allowed: 1 to {MAX_PANELS}, from --key given twice "
            f"or more for {experiment.path}: {names}"
        )
    maps = [heat_map(experiment, pair) for pair in pairs]
    entries = [
        {"keys": each.keys, "values": each.values, "settings": each.settings, "mean": each.means} for each in maps
    ]
    sidecar = {"interval": None, "experiments": [grid_sidecar_entry(experiment) | {"heat_maps": entries}]}
    return Plot("heat-map", sidecar, lambda: draw_heat_maps(experiment, maps, options.title))


def heat_map(experiment: CombinedResults, keys: tuple[str, str]) -> HeatMap:
    """Return the best setting for each pair of values of two hyperparameters."""
    rows, columns = (sort_values(experiment.varied[key]) for key in keys)
    settings = np.full((len(rows), len(columns)), -1)
    for row, column in np.ndindex(settings.shape):
        wanted = dict(zip(keys, (rows[row], columns[column]), strict=True))
        among = [
            number
            for number, params in enumerate(experiment.settings)
            if all(params[key] == value for key, value in wanted.items())
        ]
        if among:
            settings[row, column] = experiment.best_setting(among)
    means = np.append(experiment.performance.mean(1), np.nan)[settings]  # Index -1 is the NaN.
    return HeatMap(keys, (rows, columns), settings, means)


def draw_heat_maps(experiment: CombinedResults, maps: Sequence[HeatMap], title: str | None) -> Figure:
    """Draw the figure, all panels with the same scale of colours."""
    rows = count_panel_rows(len(maps))
    figure = new_figure([MARKS, describe_grid(experiment, experiment.agent_name)], 0.5 + PANEL_HEIGHT * rows)
    every = np.concatenate([each.means.ravel() for each in maps])
    low, high = (np.nanmin(every), np.nanmax(every)) if np.isfinite(every).any() else (0.0, 1.0)
    panels = add_panels(figure, len(maps))
    for axes, each in zip(panels, maps, strict=True):
        image = axes.imshow(each.means, cmap=COLOR_MAP, vmin=low, vmax=high, aspect="auto", origin="lower")
        _label_panel(axes, each, image, PANEL_WIDTHS[min(len(maps), 2) - 1])
    bar = figure.colorbar(image, ax=panels, aspect=20 * rows)
    bar.set_label(textwrap.fill(performance_label(experiment.training), 24), fontsize=9)
    group_digits(bar.ax.yaxis)
    own = f"{experiment.environment['env_name']}, {experiment.agent_name}"
    figure.suptitle(own if title is None else title, x=0.01, ha="left", weight="bold", fontsize=12)
    return figure


def _label_panel(axes: Any, each: HeatMap, image: Any, width: float) -> None:
    """Label the axes with values and, if it is legible, each cell with its number.  width: panel width, inches."""
    axes.grid(visible=False)
    for axis, key, values in zip((axes.yaxis, axes.xaxis), each.keys, each.values, strict=True):
        axis.set_label_text(key)
        label_ticks(axis, values, round(width * CHARACTERS_PER_INCH) if axis is axes.xaxis else UNLIMITED)
    texts = [
        ["\N{MULTIPLICATION SIGN}" if np.isnan(mean) else format_number(mean) for mean in row] for row in each.means
    ]
    longest = max(len(text) for row in texts for text in row)
    size = min(8.0, 72 * width / each.means.shape[1] / (0.75 * longest))
    for (row, column), mean in np.ndenumerate(each.means):
        if each.settings[row, column] >= 0 and size >= MIN_FONT_SIZE:
            text = texts[row][column]
            color = "black" if np.isnan(mean) or _is_light(image.to_rgba(mean)) else "white"
            axes.text(column, row, text, ha="center", va="center", fontsize=size, color=color)


def _is_light(rgba: Sequence[float]) -> bool:
    """Return whether black is more legible on a colour than white: relative luminance (WCAG 2) above 0.179."""
    linear = [((part + 0.055) / 1.055) ** 2.4 if part > 0.04045 else part / 12.92 for part in rgba[:3]]
    return bool(np.dot(linear, (0.2126, 0.7152, 0.0722)) > 0.179)
