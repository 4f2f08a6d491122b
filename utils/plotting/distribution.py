"""Distributions of return: each run's final performance as a dot, with quartiles and the mean's interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from utils.analysis.combined_results import CombinedResults, check_same_returns
from utils.analysis.mean_curve import INTERVAL_NAME, FigureOptions, dot_levels, setting_interval
from utils.analysis.number_format import performance_label
from utils.analysis.setting_choice import SettingChoice, choose_settings
from utils.plot_utils import Plot, group_digits, line_style, new_figure

ROW_HEIGHT = 0.75
"""Height of a row, inches."""

MARKS = (
    "Dot: a run. Box: quartiles, with a stroke at the median. Diamond: mean over runs. Bar: {percent} "
    f"{INTERVAL_NAME} confidence interval of the mean, drawn if every run can be averaged."
)
"""The marks in the caption."""


def make_plot(experiments: Sequence[CombinedResults], options: FigureOptions) -> Plot:
    """Return a figure with a row for each experiment, or each value of --by, to be drawn.  Raises BadInput."""
    check_same_returns(experiments)
    choices = choose_settings(experiments, options.setting, options.by, options.labels)
    sidecar = {
        "interval": options.interval_entry,
        "experiments": [
            choice.sidecar_entry()
            | {
                "performance": choice.performance,
                "interval": setting_interval(choice.experiment, choice.setting, options.confidence),
            }
            for choice in choices
        ],
    }
    return Plot("distribution", sidecar, lambda: draw_distributions(choices, options))


def draw_distributions(choices: Sequence[SettingChoice], options: FigureOptions) -> Figure:
    """Draw the figure."""
    paragraphs = [MARKS.format(percent=options.percent), *(choice.describe(interval=True) for choice in choices)]
    figure = new_figure(paragraphs, 1.0 + ROW_HEIGHT * len(choices))
    axes = figure.subplots()
    for row, choice in enumerate(choices):
        _draw_row(axes, row, choice, options)
    axes.set_ylim(len(choices) - 0.45, -0.65)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    title = choices[0].experiment.environment["env_name"] if options.title is None else options.title
    axes.set_title(title, loc="left")
    axes.set_xlabel(performance_label(choices[0].experiment.training))
    group_digits(axes.xaxis)
    return figure


def _draw_row(axes: Any, row: int, choice: SettingChoice, options: FigureOptions) -> None:
    """Draw a setting: the label on top, the dots below it, and the summary below the dots."""
    finite = np.sort(choice.performance[~np.isnan(choice.performance)])
    color = line_style(row)["color"]
    axes.plot(finite, row - 0.25 * dot_levels(finite), "o", color=color, alpha=0.6, markersize=4.5, markeredgewidth=0)
    quartiles = np.quantile(finite, [0.25, 0.5, 0.75])
    axes.hlines(row + 0.12, quartiles[0], quartiles[2], color=color, linewidth=7, alpha=0.3)
    axes.vlines(quartiles[1], row + 0.05, row + 0.19, color=color, linewidth=2)
    interval = setting_interval(choice.experiment, choice.setting, options.confidence)
    if interval is not None:
        axes.hlines(row + 0.28, *interval, color="black", linewidth=1.4)
    axes.plot(finite.mean(), row + 0.28, "D", color="black", markersize=4.5)
    axes.text(0.0, row - 0.42, choice.label, transform=axes.get_yaxis_transform(), fontsize=9)
    if row:
        axes.axhline(row - 0.6, color="#999999", linewidth=0.6)
