"""Distributions of return: each run's final performance as a dot, with quartiles and the mean's interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from utils.analysis.combined_results import CombinedResults, share_axis
from utils.analysis.mean_curve import BOOTSTRAP, RESAMPLES, Options, dot_levels, setting_interval
from utils.analysis.number_format import performance_label
from utils.analysis.setting_choice import Choice, choose
from utils.plot_utils import Plot, framed, group_digits, look

ROW_HEIGHT = 0.75
"""Inches."""

MARKS = (
    "Dot: a run. Box: quartiles, its stroke the median. Diamond: mean over runs; bar: {percent} "
    f"{BOOTSTRAP} confidence interval of the mean ({RESAMPLES:,} resamples), drawn where "
    "every run can be averaged."
)


def make(experiments: Sequence[CombinedResults], options: Options) -> Plot:
    """A row for each experiment, or each value of --by.  Raises BadInput."""
    share_axis(experiments)
    choices = choose(experiments, options.setting, options.by)
    facts = {
        "interval": options.bootstrap,
        "experiments": [
            choice.record()
            | {
                "performance": choice.experiment.performance[choice.setting],
                "interval": setting_interval(choice.experiment, choice.setting, options.confidence),
            }
            for choice in choices
        ],
    }
    return Plot("distribution", facts, lambda: draw(choices, options))


def draw(choices: Sequence[Choice], options: Options) -> Figure:
    """The figure."""
    paragraphs = [MARKS.format(percent=options.percent), *(choice.describe(interval=True) for choice in choices)]
    figure = framed(paragraphs, 1.0 + ROW_HEIGHT * len(choices))
    axes = figure.subplots()
    for row, choice in enumerate(choices):
        _draw_row(axes, row, choice, options)
    axes.set_ylim(len(choices) - 0.45, -0.65)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_title(choices[0].experiment.environment["env_name"], loc="left")
    axes.set_xlabel(performance_label(choices[0].experiment.training))
    group_digits(axes.xaxis)
    return figure


def _draw_row(axes: Any, row: int, choice: Choice, options: Options) -> None:
    """Dots above, the summary below them, the label above all."""
    runs = choice.experiment.performance[choice.setting]
    finite = np.sort(runs[~np.isnan(runs)])
    color = look(row)["color"]
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
