"""Learning curves: mean over runs, its band, and the single runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from utils.analysis.combined_results import CombinedResults, share_axis
from utils.analysis.mean_curve import BOOTSTRAP, COVERAGE, RESAMPLES, Line, Options, interval, line
from utils.analysis.number_format import return_label
from utils.analysis.setting_choice import choose
from utils.plot_utils import Plot, framed, group_digits, head, look

MOST_MARKERS = 30
"""A line with more points than this goes without markers."""

MOST_RUNS = 50
"""Single runs of a line that are drawn."""

INK = 4.0
"""Opacities of a line's single runs, added up, at most; each has no more than RUN_OPACITY."""

RUN_OPACITY = 0.35

BANDS = {
    "bootstrap": f"{{percent}} {BOOTSTRAP} confidence interval of the mean over runs ({RESAMPLES:,} resamples)",
    "tolerance": f"holds {COVERAGE:.0%} of all runs there could be, at each timestep with {{percent}} confidence "
    "(distribution-free tolerance interval)",
}
"""What a caption says of them."""


def make(experiments: Sequence[CombinedResults], options: Options) -> Plot:
    """The learning curves of some experiments on one axis.  Raises BadInput."""
    share_axis(experiments)
    lines = [line(choice, options) for choice in choose(experiments, options.setting, options.by)]
    facts = {
        "smoothed_over_timesteps": options.smooth,
        "interval": interval(options),
        "experiments": [each.record() for each in lines],
    }
    labels = {"title": experiments[0].environment["env_name"], "ylabel": return_label(experiments, options.smooth)}
    return Plot("", facts, lambda: draw(lines, labels, caption(lines, options)))


def caption(lines: Sequence[Line], options: Options) -> list[str]:
    """What the marks mean, then a paragraph a line."""
    several = any(len(each.runs) > 1 for each in lines)
    parts = ["Line: mean over runs" if several else "Line: one run"]
    if any(each.band for each in lines):
        parts.append(f"band: {BANDS[options.band].format(percent=options.percent)}")
    if several:
        most = max(len(each.runs) for each in lines)
        parts.append("thin lines: single runs" + (f", the first {MOST_RUNS}" if most > MOST_RUNS else ""))
    if any(each.excluded for each in lines):
        parts.append("dotted, to a cross: runs not averaged")
    return ["; ".join(parts) + ".", *(each.describe(options) for each in lines)]


def draw(lines: Sequence[Line], labels: dict[str, str], caption: Sequence[str]) -> Figure:
    """The figure.  labels: "title" and "ylabel".  caption: its paragraphs."""
    figure = framed(caption)
    axes = figure.subplots()
    for number, each in enumerate(lines):
        _draw_runs(axes, each, look(number)["color"])
        _draw_mean(axes, each, look(number))
    axes.set_xlabel("Training timesteps")
    axes.set_ylabel(labels["ylabel"])
    group_digits(axes.xaxis, axes.yaxis)
    axes.margins(x=0.01)
    head(figure, axes, labels["title"])
    return figure


def _draw_runs(axes: Any, line: Line, color: str) -> None:
    """Single runs: thin, and a cross where an excluded one ends."""
    thin = {"color": color, "linewidth": 0.7, "zorder": 2}
    if len(line.runs) > 1:
        shown = line.runs[:MOST_RUNS]
        for run in shown:
            axes.plot(run.timesteps, run.returns, alpha=min(RUN_OPACITY, INK / len(shown)), **thin)
    for run in line.excluded[:MOST_RUNS]:
        axes.plot(run.timesteps, run.returns, alpha=0.6, linestyle=":", **thin)
        axes.plot(run.timesteps[-1:], run.returns[-1:], "x", alpha=0.8, markersize=5, **thin)


def _draw_mean(axes: Any, line: Line, style: dict[str, Any]) -> None:
    """The mean and its band."""
    timesteps = line.mean.timesteps
    if line.band is not None:
        axes.fill_between(timesteps, *line.band, color=style["color"], alpha=0.22, linewidth=0, zorder=1)
    if len(timesteps) > MOST_MARKERS:
        style = style | {"marker": None}
    shape = {"linewidth": 1.8, "markersize": 5, "markeredgecolor": "white", "markeredgewidth": 0.6}
    axes.plot(timesteps, line.mean.returns, zorder=3, label=line.choice.label, **shape, **style)
