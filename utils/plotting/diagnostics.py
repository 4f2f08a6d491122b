"""Diagnostics over training: a panel for each quantity, with a line and a band for each setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from utils.analysis.combined_results import CombinedResults, check_same_returns
from utils.analysis.diagnostics import (
    EXTREMES,
    TITLES,
    Line,
    is_logarithmic,
    order_quantities,
    setting_diagnostics,
    shown_together,
)
from utils.analysis.mean_curve import FigureOptions
from utils.analysis.setting_choice import SettingChoice, choose_in_experiment, label_choices
from utils.core.errors import BadInput
from utils.plot_utils import BAND_STYLE, Plot, group_digits, line_style, new_figure

COLUMNS, PANEL_HEIGHT = 3, 1.5
"""Panels in a row, and their height in inches."""

MARKS = (
    "Each value is a mean over the updates of a window of training. Line: mean over the runs that are still training, "
    "diverged ones included; band: from the smallest to the largest of them. Dotted: the smallest and the largest "
    "element of any update in the window, averaged over runs."
)
"""First paragraph of the caption."""


def make_plot(experiments: Sequence[CombinedResults], options: FigureOptions) -> Plot:
    """Return the diagnostics of experiments, to be drawn.  Raises BadInput if there are none, or none are chosen."""
    check_same_returns(experiments)
    chosen = [one for each in experiments for one in choose_in_experiment(each, options.setting, options.by)]
    choices = label_choices(chosen, options.labels)
    for choice in choices:
        if str(choice.setting) not in choice.experiment.tree["experiment_data"]:
            raise BadInput(f"{choice.experiment.path}: setting {choice.setting} has no run")
    lines = {choice: setting_diagnostics(choice) for choice in choices}
    quantities = order_quantities(lines.values())
    if not quantities:
        raise BadInput(
            f"{experiments[0].path}: found no diagnostics; allowed: results of this version, of agents that learn, "
            "with a diagnostics_interval_timesteps other than 0"
        )
    sidecar = {"experiments": [choice.sidecar_entry() | {"diagnostics": _entry(lines[choice])} for choice in choices]}
    title = experiments[0].environment["env_name"] if options.title is None else options.title
    return Plot("diagnostics", sidecar, lambda: draw_diagnostics(lines, quantities, title))


def _entry(line: Line) -> dict[str, Any]:
    return {
        name: {"timesteps": one.timesteps, "mean": one.mean, "low": one.low, "high": one.high}
        for name, one in line.items()
    }


def draw_diagnostics(lines: Mapping[SettingChoice, Line], quantities: Sequence[str], title: str) -> Figure:
    """Draw the figure.  quantities: a panel for each."""
    paragraphs = [MARKS, *(choice.describe(interval=False) for choice in lines)]
    rows = -(-len(quantities) // COLUMNS)
    figure = new_figure(paragraphs, 0.6 + 0.2 * len(lines) + PANEL_HEIGHT * rows)
    panels = figure.subplots(rows, COLUMNS, sharex=True, squeeze=False).ravel()
    for unused in panels[len(quantities) :]:
        unused.set_visible(False)
    for axes, name in zip(panels, quantities, strict=False):
        _draw_panel(axes, name, list(lines.values()))
    for axes in panels[max(0, len(quantities) - COLUMNS) : len(quantities)]:
        axes.set_xlabel("Training timesteps", fontsize=8)
        axes.tick_params(labelbottom=True)
    _add_legend(figure, [choice.label for choice in lines], title)
    return figure


def _draw_panel(axes: Any, name: str, lines: Sequence[Line]) -> None:
    """Draw one quantity of every line that has it."""
    for number, line in enumerate(lines):
        if name not in line:
            continue
        style = line_style(number) | {"marker": None}
        one = line[name]
        axes.fill_between(one.timesteps, one.low, one.high, color=style["color"], **BAND_STYLE)
        axes.plot(one.timesteps, one.mean, linewidth=1.2, **style)
        for extreme in (line[name + ending] for ending in EXTREMES if name + ending in line):
            axes.plot(extreme.timesteps, extreme.mean, color=style["color"], linewidth=0.7, linestyle=":")
    axes.set_title(TITLES.get(name, name), loc="left", fontsize=8, weight="normal")
    axes.tick_params(labelsize=7)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    if is_logarithmic(shown_together(lines, name)):
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
    group_digits(axes.xaxis, axes.yaxis)


def _add_legend(figure: Figure, labels: Sequence[str], title: str) -> None:
    """Put the title and a line for each setting above the panels."""
    shapes = [figure.axes[0].plot([], [], **{**line_style(i), "marker": None})[0] for i in range(len(labels))]
    figure.legend(
        shapes, labels, loc="outside upper left", fontsize=8, frameon=False, handlelength=3.2, title=title,
        title_fontproperties={"weight": "bold", "size": 12}, alignment="left", borderaxespad=0.2,
    )  # fmt: skip
