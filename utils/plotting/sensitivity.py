"""Sensitivity curves: performance over the values of each hyperparameter, one panel each."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from utils.analysis.combined_results import CombinedResults, share_axis
from utils.analysis.hyperparameter_effect import WAYS, Effect
from utils.analysis.mean_curve import BOOTSTRAP, RESAMPLES, Options
from utils.analysis.number_format import ordered, performance_label, value_name
from utils.plot_utils import LONGEST_OF_TWO, Plot, framed, group_digits, look, name_ticks, panel_rows, panels
from utils.plotting.grid_caption import chosen_keys, describe, names, record

PANEL_HEIGHT = 2.3
"""Inches."""

PANEL_ROOM = 34
"""Characters side by side below a panel."""

ASIDE = {"best": -0.05, "slice": 0.05}
"""How far from its value a mark stands, so that neither way hides the other."""

LOOKS: dict[str, dict[str, Any]] = {
    "best": {"linestyle": "-"},
    "slice": {"linestyle": (0, (4, 1.5)), "markerfacecolor": "white"},
}

MARKS = (
    "Filled, solid: for each value the best setting over all other hyperparameters; dots: its runs. Hollow, dashed: "
    "the setting that is otherwise as the best of all. Markers: mean over runs; bars: {percent} "
    f"{BOOTSTRAP} confidence interval ({RESAMPLES:,} resamples). Cross at the foot: a run of the "
    "setting cannot be averaged, so it has no mean."
)
"""What the caption says of them."""


def make(experiments: Sequence[CombinedResults], options: Options) -> Plot:
    """A panel for each hyperparameter that varies, all experiments in it.  Raises BadInput."""
    share_axis(experiments)
    keys = chosen_keys(experiments, options.keys)
    effects = {
        key: [Effect(each, key, options.confidence) for each in experiments if key in each.varied] for key in keys
    }
    facts = {
        "interval": options.bootstrap,
        "experiments": [
            record(each)
            | {"sensitivity": {key: e.record() for key in keys for e in effects[key] if e.experiment is each}}
            for each in experiments
        ],
    }
    return Plot("sensitivity", facts, lambda: draw(experiments, effects, options))


def draw(experiments: Sequence[CombinedResults], effects: dict[str, list[Effect]], options: Options) -> Figure:
    """The figure."""
    height = 0.8 + PANEL_HEIGHT * panel_rows(len(effects))
    called = names(experiments)
    paragraphs = [describe(experiment, name) for experiment, name in called.items()]
    figure = framed([MARKS.format(percent=options.percent), *paragraphs], height)
    for axes, (key, found) in zip(panels(figure, len(effects), sharey=True), effects.items(), strict=True):
        _draw_panel(axes, key, found, called)
    _draw_head(figure, experiments[0])
    return figure


def _draw_head(figure: Figure, experiment: CombinedResults) -> None:
    """Title and legend above all panels, and the label of their vertical axes."""
    label = textwrap.fill(performance_label(experiment.training), 24)
    figure.supylabel(label, fontsize=10, multialignment="center")
    entries = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in figure.axes]
    by_name = {name: handle for pairs in entries for handle, name in pairs}
    columns = 2 if max(map(len, by_name)) <= LONGEST_OF_TWO else 1
    figure.legend(
        list(by_name.values()), list(by_name), title=experiment.environment["env_name"], alignment="left",
        title_fontproperties={"weight": "bold", "size": 12}, loc="outside upper left", ncols=columns, fontsize=9,
        handlelength=3.2, frameon=False,
    )  # fmt: skip


def _draw_panel(axes: Any, key: str, effects: Sequence[Effect], called: dict[CombinedResults, str]) -> None:
    """One hyperparameter.  called: the experiments of the figure, in order, and their names."""
    values = _values(effects)
    places = {name: place for place, name in enumerate(values)}
    for effect in effects:
        number = list(called).index(effect.experiment)
        for way, name in WAYS.items():
            label = name if len(called) == 1 else called[effect.experiment] if way == "best" else ""
            _draw_way(axes, effect, way, places, look(number) | LOOKS[way] | {"label": label})
    name_ticks(axes.xaxis, list(values.values()), PANEL_ROOM)
    axes.set_xlabel(key)
    axes.set_xlim(-0.4, len(places) - 0.6)
    group_digits(axes.yaxis)


def _values(effects: Sequence[Effect]) -> dict[str, Any]:
    """The values by name, in the order in which they stand on the axis."""
    return {value_name(value): value for value in ordered([v for effect in effects for v in effect.found.values])}


def _draw_way(axes: Any, effect: Effect, way: str, places: dict[str, int], style: dict[str, Any]) -> None:
    """Means with their intervals; for the best, single runs behind them."""
    x = np.array([places[value_name(value)] for value in effect.found.values]) + ASIDE[way]
    order, means = np.argsort(x), effect.means(way)
    axes.plot(x[order], means[order], linewidth=1.5, markersize=5, zorder=3, **style)
    for place, setting, mean, interval in zip(x, effect.settings(way), means, effect.intervals(way), strict=True):
        if interval is not None:
            axes.vlines(place, *interval, color=style["color"], linewidth=1.5, zorder=2)
        if setting >= 0 and np.isnan(mean):
            axes.plot(place, 0.03, "x", color=style["color"], transform=axes.get_xaxis_transform(), zorder=3)
        if way == "best":
            runs = effect.experiment.performance[setting]
            axes.plot(np.full(len(runs), place), runs, ".", color=style["color"], alpha=0.3, markersize=4, zorder=1)
