"""Learning curves: out of a data.json, and onto a figure.

Colours are those of Okabe & Ito (2008), told apart under colour blindness; dashes and markers tell
the lines apart in grey print.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from utils.coverage import missing_runs
from utils.stats import final_performance, rank_settings, step_weighted_curve

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1.5, 1.5, 1.5)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

SIZE = (6.4, 4.4)
"""Width and height, inches: a page's text width."""

DPI = 250
CAPTION_COLUMNS = 120
MOST_MARKERS = 30
"""A line with more points than this goes without markers."""

POINTS = 500
"""Timesteps at which a training curve is drawn, at most."""

FATES = {
    "diverged": "diverged",
    "missing": "missing",
    "nonfinite": "with returns that are not finite",
    "no episode": "without a complete episode",
}
"""Why a run is not in the mean, and how a caption says so."""

STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,
    "pdf.fonttype": 42,
    "svg.hashsalt": "",
}


@dataclass(frozen=True)
class Curve:
    """A run's returns over training.  timesteps, returns: (T,)."""

    timesteps: np.ndarray
    returns: np.ndarray


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    run: its index, key and status; nothing for a missing one.  fate: why it is not averaged, a key of FATES; "" if
    it is.
    """

    number: int
    run: dict[str, Any]
    curve: Curve
    fate: str


@dataclass(frozen=True)
class Experiment:
    """A data.json, seen as learning curves.  training: of training episodes instead of evaluations."""

    path: Path
    tree: dict[str, Any]
    training: bool

    @property
    def environment(self) -> dict[str, Any]:
        """The protocol."""
        return self.tree["experiment"]["environment"]

    @property
    def agent_name(self) -> str:
        """The agent, as its configuration names it."""
        return self.tree["experiment"]["agent"]["agent_name"]

    @cached_property
    def outcomes(self) -> list[list[Outcome]]:
        """For each setting of the grid, every run that there should be."""
        return [self._setting(setting, missing) for setting, missing in missing_runs(self.tree).items()]

    def _setting(self, setting: int, missing: list[int]) -> list[Outcome]:
        cell = self.tree["experiment_data"].get(str(setting), {"runs": []})
        present = [self._outcome(run) for run in cell["runs"]]
        absent = [Outcome(number, {}, Curve(np.empty(0, int), np.empty(0)), "missing") for number in missing]
        return sorted(present + absent, key=lambda outcome: outcome.number)

    def _outcome(self, run: dict[str, Any]) -> Outcome:
        total = self.environment["total_timesteps"]
        curve = training_curve(run, total) if self.training else evaluation_curve(run)
        finite = np.isfinite(curve.returns)
        if run["status"] == "diverged":
            fate = "diverged"
        else:
            fate = "no episode" if not len(finite) else "" if finite.all() else "nonfinite"
        named = {name: run.get(name) for name in ("index", "key", "status")}
        return Outcome(run["run_number"], named, Curve(curve.timesteps[finite], curve.returns[finite]), fate)

    def best(self) -> int:
        """The setting of highest mean final performance; one with a failed run comes after all without."""
        performance = [
            [np.nan if outcome.fate else final_performance(outcome.curve.returns) for outcome in outcomes]
            for outcomes in self.outcomes
        ]
        return int(rank_settings(np.array(performance))[0])


def evaluation_curve(run: dict[str, Any]) -> Curve:
    """Mean return of each evaluation; NaN for one with a return that is not finite."""
    means = [np.mean(np.array(returns, float)) if returns else np.nan for returns in run["eval_episode_rewards"]]
    return Curve(np.array(run["timesteps_at_eval"], int), np.array(means, float))


def training_curve(run: dict[str, Any], total_timesteps: int) -> Curve:
    """Step-weighted return of the complete training episodes: what the run's end cut off has none yet."""
    complete = len(run["train_episode_steps"]) - (not run.get("last_episode_complete", True))
    steps = np.array(run["train_episode_steps"][:complete], int)
    returns = np.array(run["train_episode_rewards"][:complete], float)
    grid = np.unique(np.linspace(1, total_timesteps, POINTS).astype(int))
    grid = grid[grid <= steps.sum()]
    return Curve(grid, step_weighted_curve(returns, steps, grid))


@dataclass(frozen=True)
class Line:
    """What one experiment shows.

    mean: over runs.  band: low and high, each of the mean's shape, or None.  runs: those in the
    mean.  excluded: those that are not, drawn as far as they got.
    """

    label: str
    mean: Curve
    band: tuple[np.ndarray, np.ndarray] | None
    runs: Sequence[Curve]
    excluded: Sequence[Curve]


def formats() -> list[str]:
    """The endings that a figure's name may have."""
    return sorted(Figure().canvas.get_supported_filetypes())


def render(figure_format: str, lines: Sequence[Line], labels: dict[str, str], caption: Sequence[str]) -> bytes:
    """The figure's file.

    figure_format: one of `formats()`.  labels: "title" and "ylabel".  caption: its paragraphs.
    """
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure = draw(lines, labels, caption)
        figure.savefig(buffer, format=figure_format, dpi=DPI)
    return buffer.getvalue()


def draw(lines: Sequence[Line], labels: dict[str, str], caption: Sequence[str]) -> Figure:
    """As `render`, without a file."""
    wrapped = [textwrap.fill(paragraph, CAPTION_COLUMNS) for paragraph in caption]
    rows = sum(text.count("\n") + 1 for text in wrapped)
    figure = Figure(figsize=(SIZE[0], SIZE[1] + 0.13 * rows), layout="constrained")
    axes = figure.subplots()
    for line, color, dashes, marker in zip(lines, cycle(OKABE_ITO), cycle(DASHES), cycle(MARKERS), strict=False):
        _draw_runs(axes, line, color)
        _draw_mean(axes, line, {"color": color, "linestyle": dashes, "marker": marker})
    axes.set_title(labels["title"], loc="left")
    axes.set_xlabel("Training timesteps")
    axes.set_ylabel(labels["ylabel"])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: thousands(value)))
    axes.margins(x=0.01)
    axes.legend(loc="best", fontsize=9)
    figure.supxlabel("\n".join(wrapped), x=0.01, ha="left", fontsize=7, color="#444444", linespacing=1.35)
    return figure


def _draw_runs(axes: Any, line: Line, color: str) -> None:
    """Single runs: thin, and a cross where an excluded one ends."""
    thin = {"color": color, "linewidth": 0.7, "zorder": 2}
    if len(line.runs) > 1:
        for run in line.runs:
            axes.plot(run.timesteps, run.returns, alpha=0.35, **thin)
    for run in line.excluded:
        axes.plot(run.timesteps, run.returns, alpha=0.6, linestyle=":", **thin)
        axes.plot(run.timesteps[-1:], run.returns[-1:], "x", alpha=0.8, markersize=5, **thin)


def _draw_mean(axes: Any, line: Line, look: dict[str, Any]) -> None:
    """The mean and its band."""
    timesteps = line.mean.timesteps
    if line.band is not None:
        axes.fill_between(timesteps, *line.band, color=look["color"], alpha=0.22, linewidth=0, zorder=1)
    if len(timesteps) > MOST_MARKERS:
        look = look | {"marker": None}
    shape = {"linewidth": 1.8, "markersize": 5, "markeredgecolor": "white", "markeredgewidth": 0.6}
    axes.plot(timesteps, line.mean.returns, zorder=3, label=line.label, **shape, **look)


def thousands(value: float) -> str:
    """-12500.0 -> "−12,500"; up to 3 decimals where they are needed."""
    text = f"{value:,.3f}".rstrip("0").rstrip(".")
    return ("0" if text == "-0" else text).replace("-", "\N{MINUS SIGN}")
