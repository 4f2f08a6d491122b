"""Figures of a study: learning curves of the best settings, and how much each value of a hyperparameter allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from utils.core.grid import Grid, value_text
from utils.plot_utils import BAND_STYLE, STYLE, WIDTH, group_digits, line_style
from utils.stats.intervals import mean_interval
from utils.studies.choice import ArmInEnvironment, Known
from utils.studies.study import Study

PANEL_HEIGHT = 3.0
"""Height of a panel, inches."""


def draw_curves(study: Study, known: Known) -> Figure | None:
    """Return the mean learning curves on fresh seeds, a panel per environment; None if no arm has two such runs."""
    panels = {name: _with_reporting(arms) for name, arms in known.items()}
    panels = {name: arms for name, arms in panels.items() if arms}
    if not panels:
        return None
    figure, axes = _new_panels(len(panels))
    for axis, (name, arms) in zip(axes, panels.items(), strict=True):
        for arm, one in arms.items():
            rows = [row for row in one.reporting if row.status == "completed"]
            curves = np.array([row.returns for row in rows])
            style = line_style(list(study.arms).index(arm)) | {"marker": None}
            axis.plot(rows[0].timesteps, curves.mean(0), label=arm, linewidth=1.6, **style)
            low, high = mean_interval(curves)
            axis.fill_between(rows[0].timesteps, low, high, color=style["color"], **BAND_STYLE)
        axis.set_title(name)
        axis.set_xlabel("timesteps")
        axis.set_ylabel("return")
        group_digits(axis.xaxis)
    _add_legend(figure, axes)
    return figure


def _with_reporting(arms: Mapping[str, ArmInEnvironment]) -> dict[str, ArmInEnvironment]:
    """Return the arms with at least two completed runs on fresh seeds."""
    return {arm: one for arm, one in arms.items() if sum(row.status == "completed" for row in one.reporting) > 1}


def draw_sensitivity(study: Study, known: Known, arms: Sequence[str], to: str) -> Figure | None:
    """Return the best mean performance with each value of a hyperparameter; None if no arm's grid is complete."""
    panels = {name: [known[name][arm] for arm in arms if known[name][arm].choosing is not None] for name in known}
    panels = {name: found for name, found in panels.items() if found}
    if not panels:
        return None
    figure, axes = _new_panels(len(panels))
    for axis, (name, found) in zip(axes, panels.items(), strict=True):
        best = {one.arm: best_by_value(study, one, to) for one in found}
        places = {
            value: place for place, value in enumerate(_in_order(value for each in best.values() for value in each))
        }
        for arm, each in best.items():
            style = line_style(list(study.arms).index(arm))
            values = [value for value in places if value in each]
            axis.plot([places[one] for one in values], [each[one] for one in values], label=arm, linewidth=1.6, **style)
        axis.set_xticks(range(len(places)), places)
        axis.set_title(name)
        axis.set_xlabel(to)
        axis.set_ylabel("best return")
    _add_legend(figure, axes)
    return figure


def best_by_value(study: Study, one: ArmInEnvironment, to: str) -> dict[str, float]:
    """Return the best mean performance with each of a hyperparameter's values, by the value's text.

    A setting with a run that diverged does not count; NaN where all settings have one.
    """
    assert one.choosing is not None
    grid = Grid(study.grid(one.arm))
    found: dict[str, float] = {}
    for number, mean in enumerate(one.choosing.mean(1)):
        value = value_text(grid.setting(number)[to])
        found[value] = float(np.fmax(found.get(value, np.nan), mean))
    return found


def _in_order(values: Iterable[str]) -> list[str]:
    """Return values of several arms, each once: numbers first, by their size, then others as they come."""

    def size(value: str) -> float:
        try:
            return float(value)
        except ValueError:
            return float("inf")

    return sorted(dict.fromkeys(values), key=size)


def _new_panels(count: int) -> tuple[Figure, list[Any]]:
    """Return a figure with panels one below the other."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, PANEL_HEIGHT * count + 0.4), layout="constrained")
        axes = figure.subplots(count, 1, squeeze=False)[:, 0]
    return figure, list(axes)


def _add_legend(figure: Figure, axes: Sequence[Any]) -> None:
    """Add one legend for all panels, in as many columns, up to three, as fit."""
    named: dict[str, Any] = {}
    for axis in axes:
        named |= dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    for columns in (3, 2, 1):
        legend = figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=columns, frameon=False)
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()
