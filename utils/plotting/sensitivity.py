"""Sensitivity curves: performance over the values of each hyperparameter, one panel each."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from utils.analysis.combined_results import CombinedResults, check_same_returns
from utils.analysis.hyperparameter_effect import WAYS, HyperparameterEffect
from utils.analysis.line_style import SIDE_STEP, SLICE_DASHES
from utils.analysis.mean_curve import INTERVAL_NAME, FigureOptions
from utils.analysis.number_format import performance_label, sort_values, value_name
from utils.plot_utils import (
    MAX_HALF_WIDTH_LABEL,
    Plot,
    add_panels,
    count_panel_rows,
    dash_style,
    group_digits,
    label_ticks,
    line_style,
    new_figure,
)
from utils.plotting.grid_caption import describe_grid, experiment_names, grid_sidecar_entry, select_keys

PANEL_HEIGHT = 2.3
"""Height of a panel, inches."""

MAX_PANEL_TICK_CHARACTERS = 34
"""Characters of tick labels that fit below a panel in one row."""

WAY_STYLES: dict[str, dict[str, Any]] = {
    "best": {"linestyle": "-"},
    "slice": {"linestyle": dash_style(SLICE_DASHES), "markerfacecolor": "white"},
}
"""Style of the line and markers of each way to measure an effect."""

MARKS = (
    "Filled markers, solid line: for each value, the best setting over all other hyperparameters; dots: its runs. "
    "Hollow markers, dashed line: the setting with this value and otherwise the values of the overall best. Markers: "
    f"mean over runs; bars: {{percent}} {INTERVAL_NAME} confidence interval. Cross at the bottom: a run of the setting "
    "cannot be averaged, so there is no mean."
)
"""The marks in the caption."""


def make_plot(experiments: Sequence[CombinedResults], options: FigureOptions) -> Plot:
    """Return a figure with a panel for each hyperparameter that varies, to be drawn.  Raises BadInput."""
    check_same_returns(experiments)
    keys = select_keys(experiments, options.keys)
    effects = {
        key: [HyperparameterEffect(each, key, options.confidence) for each in experiments if key in each.varied]
        for key in keys
    }
    sidecar = {
        "interval": options.interval_entry,
        "experiments": [
            grid_sidecar_entry(each) | {"sensitivity": _effect_entries(each, effects)} for each in experiments
        ],
    }
    return Plot("sensitivity", sidecar, lambda: draw_sensitivity(experiments, effects, options))


def _effect_entries(
    experiment: CombinedResults, effects: dict[str, list[HyperparameterEffect]]
) -> dict[str, dict[str, Any]]:
    """Return the entries of an experiment's effects in the sidecar, by hyperparameter."""
    return {
        key: effect.sidecar_entry()
        for key, found in effects.items()
        for effect in found
        if effect.experiment is experiment
    }


def draw_sensitivity(
    experiments: Sequence[CombinedResults], effects: dict[str, list[HyperparameterEffect]], options: FigureOptions
) -> Figure:
    """Draw the figure.  effects: those of each hyperparameter, one per experiment."""
    height = 0.8 + PANEL_HEIGHT * count_panel_rows(len(effects))
    names = experiment_names(experiments)
    paragraphs = [describe_grid(experiment, name) for experiment, name in names.items()]
    figure = new_figure([MARKS.format(percent=options.percent), *paragraphs], height)
    for axes, (key, found) in zip(add_panels(figure, len(effects), sharey=True), effects.items(), strict=True):
        _draw_panel(axes, key, found, names)
    title = experiments[0].environment["env_name"] if options.title is None else options.title
    _add_title_and_legend(figure, experiments[0], title)
    return figure


def _add_title_and_legend(figure: Figure, experiment: CombinedResults, title: str) -> None:
    """Put title and legend above all panels, and one label next to their vertical axes."""
    label = textwrap.fill(performance_label(experiment.training), 24)
    figure.supylabel(label, fontsize=10, multialignment="center")
    entries = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in figure.axes]
    by_name = {name: handle for pairs in entries for handle, name in pairs}
    columns = 2 if max(map(len, by_name)) <= MAX_HALF_WIDTH_LABEL else 1
    figure.legend(
        list(by_name.values()), list(by_name), title=title, alignment="left",
        title_fontproperties={"weight": "bold", "size": 12}, loc="outside upper left", ncols=columns, fontsize=9,
        handlelength=3.2, frameon=False,
    )  # fmt: skip


def _draw_panel(
    axes: Any, key: str, effects: Sequence[HyperparameterEffect], names: dict[CombinedResults, str]
) -> None:
    """Draw the panel of one hyperparameter.  names: name of each experiment, in the figure's order."""
    values = sort_values([value for effect in effects for value in effect.values])
    by_name = {value_name(value): value for value in values}
    positions = {name: position for position, name in enumerate(by_name)}
    for effect in effects:
        number = list(names).index(effect.experiment)
        for way, way_name in WAYS.items():
            label = way_name if len(names) == 1 else names[effect.experiment] if way == "best" else ""
            _draw_way(axes, effect, way, positions, line_style(number) | WAY_STYLES[way] | {"label": label})
    label_ticks(axes.xaxis, list(by_name.values()), MAX_PANEL_TICK_CHARACTERS)
    axes.set_xlabel(key)
    axes.set_xlim(-0.4, len(positions) - 0.6)
    group_digits(axes.yaxis)


def _draw_way(
    axes: Any, effect: HyperparameterEffect, way: str, positions: dict[str, int], style: dict[str, Any]
) -> None:
    """Draw means with their intervals and, for the best settings, single runs behind them.

    positions: position on the axis of each value, by its name.
    """
    x = np.array([positions[value_name(value)] for value in effect.values]) + SIDE_STEP[way]
    order, means = np.argsort(x), effect.means(way)
    axes.plot(x[order], means[order], linewidth=1.5, markersize=5, zorder=3, **style)
    for position, setting, mean, interval in zip(x, effect.settings(way), means, effect.intervals(way), strict=True):
        if interval is not None:
            axes.vlines(position, *interval, color=style["color"], linewidth=1.5, zorder=2)
        if setting >= 0 and np.isnan(mean):
            axes.plot(position, 0.03, "x", color=style["color"], transform=axes.get_xaxis_transform(), zorder=3)
        if way == "best":
            runs = effect.experiment.performance[setting]
            axes.plot(np.full(len(runs), position), runs, ".", color=style["color"], alpha=0.3, markersize=4, zorder=1)
