"""Learning curves: the mean over runs, its band, and the single runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from utils.analysis.combined_results import CombinedResults, check_same_returns
from utils.analysis.line_style import MAX_RUNS_PER_LINE, X_MARGIN, run_opacity
from utils.analysis.mean_curve import (
    INTERVAL_NAME,
    TOLERANCE_COVERAGE,
    FigureOptions,
    MeanCurve,
    mean_curve,
)
from utils.analysis.number_format import return_label
from utils.analysis.setting_choice import choose_settings
from utils.plot_utils import BAND_STYLE, Plot, add_title_and_legend, group_digits, line_style, new_figure

MAX_POINTS_WITH_MARKERS = 30
"""Largest number of points of a line with markers."""

BANDS = {
    "confidence": f"{{percent}} {INTERVAL_NAME} confidence interval of the mean over runs",
    "tolerance": f"range that holds {TOLERANCE_COVERAGE:.0%} of all possible runs at each timestep, with {{percent}} "
    "confidence (distribution-free tolerance interval)",
}
"""Descriptions of bands in a caption."""


def make_plot(experiments: Sequence[CombinedResults], options: FigureOptions) -> Plot:
    """Return the learning curves of experiments on one axis, to be drawn.  Raises BadInput if they cannot be drawn."""
    check_same_returns(experiments)
    lines = [
        mean_curve(choice, options)
        for choice in choose_settings(experiments, options.setting, options.by, options.labels)
    ]
    sidecar = {
        "smoothed_over_timesteps": options.smooth,
        "interval": options.band_entry,
        "experiments": [line.sidecar_entry() for line in lines],
    }
    title = experiments[0].environment["env_name"] if options.title is None else options.title
    labels = {"title": title, "ylabel": return_label(experiments, options.smooth)}
    return Plot("", sidecar, lambda: draw_curves(lines, labels, caption_paragraphs(lines, options)))


def caption_paragraphs(lines: Sequence[MeanCurve], options: FigureOptions) -> list[str]:
    """Return the caption: a paragraph on the marks, then one for each line."""
    several = any(len(line.runs) > 1 for line in lines)
    parts = ["Line: mean over runs" if several else "Line: one run"]
    if any(line.band for line in lines):
        parts.append(f"band: {BANDS[options.band].format(percent=options.percent)}")
    if several:
        most = max(len(line.runs) for line in lines)
        parts.append("thin lines: single runs" + f", the first {MAX_RUNS_PER_LINE}" * (most > MAX_RUNS_PER_LINE))
    if any(line.excluded for line in lines):
        parts.append("dotted lines with a cross at the end: runs that are not averaged")
    return ["; ".join(parts) + ".", *(line.describe(options) for line in lines)]


def draw_curves(lines: Sequence[MeanCurve], labels: dict[str, str], caption: Sequence[str]) -> Figure:
    """Draw the figure.  labels: "title" and "ylabel".  caption: paragraphs."""
    figure = new_figure(caption)
    axes = figure.subplots()
    for number, line in enumerate(lines):
        _draw_runs(axes, line, line_style(number)["color"])
        _draw_mean(axes, line, line_style(number))
    axes.set_xlabel("Training timesteps")
    axes.set_ylabel(labels["ylabel"])
    group_digits(axes.xaxis, axes.yaxis)
    axes.margins(x=X_MARGIN)
    add_title_and_legend(figure, axes, labels["title"])
    return figure


def _draw_runs(axes: Any, line: MeanCurve, color: str) -> None:
    """Draw single runs: thin lines, and a cross where an excluded run ends."""
    thin = {"color": color, "linewidth": 0.7, "zorder": 2}
    if len(line.runs) > 1:
        shown = line.runs[:MAX_RUNS_PER_LINE]
        for run in shown:
            axes.plot(run.timesteps, run.returns, alpha=run_opacity(len(shown)), **thin)
    for run in line.excluded[:MAX_RUNS_PER_LINE]:
        axes.plot(run.timesteps, run.returns, alpha=0.6, linestyle=":", **thin)
        axes.plot(run.timesteps[-1:], run.returns[-1:], "x", alpha=0.8, markersize=5, **thin)


def _draw_mean(axes: Any, line: MeanCurve, style: dict[str, Any]) -> None:
    """Draw the mean and its band."""
    timesteps = line.mean.timesteps
    if line.band is not None:
        axes.fill_between(timesteps, *line.band, color=style["color"], zorder=1, **BAND_STYLE)
    if len(timesteps) > MAX_POINTS_WITH_MARKERS:
        style = style | {"marker": None}
    shape = {"linewidth": 1.8, "markersize": 5, "markeredgecolor": "white", "markeredgewidth": 0.6}
    axes.plot(timesteps, line.mean.returns, zorder=3, label=line.choice.label, **shape, **style)
