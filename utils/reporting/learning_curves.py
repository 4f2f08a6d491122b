"""Learning curves: one chart for the experiments whose returns mean the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from utils.analysis.combined_results import CombinedResults, Curve
from utils.analysis.line_style import MAX_RUNS_PER_CHART, X_MARGIN, run_opacity
from utils.analysis.mean_curve import FigureOptions, MeanCurve, mean_curve
from utils.analysis.number_format import format_estimate, format_thousands, return_label
from utils.analysis.setting_choice import SettingChoice, choose_in_experiment, make_labels_distinct
from utils.reporting.line_styles import LineStyle
from utils.reporting.svg_chart import ChartFrame, fit_scale, thinned_indices
from utils.stats.settings import rank_settings

WIDTH, HEIGHT = 860, 400
"""Size of the chart, pixels."""

LEFT, RIGHT, TOP, BOTTOM = 84, 32, 12, 50
"""Margins, pixels."""

MAX_LINES = 12
"""Largest number of settings drawn."""

MAX_MEAN_POINTS, MAX_RUN_POINTS = 300, 100
"""Largest numbers of points that are drawn for a mean curve and for a single run."""

RUNNERS_UP = 3
"""Number of settings shown besides the best if only one setting would be shown."""

TABLE_ROWS = 11
"""Largest number of timesteps in the table."""


@dataclass(frozen=True)
class SvgLine:
    """A setting's curve as the template draws it: SVG paths, with their colour and dashes."""

    label: str
    note: str
    color: str
    dashes: str
    mean: str
    band: str | None
    runs: list[str]
    excluded: list[str]

    @property
    def opacity(self) -> float:
        """Opacity of single runs."""
        return run_opacity(len(self.runs))


@dataclass(frozen=True)
class CurveChart:
    """A chart of learning curves.

    notes: what it leaves out.  values: what the page's script shows under the pointer.  cells: rows of a table.
    """

    frame: ChartFrame
    lines: list[SvgLine]
    notes: list[str]
    values: dict[str, Any]
    cells: list[list[str]]
    cells_title: str = "Means and intervals"


def choose_for_report(experiments: Sequence[CombinedResults]) -> list[SettingChoice]:
    """Return the settings that a report compares on one axis: the best of each experiment and policy that has runs.

    If there is only one such setting, the next best settings of its experiment are added.
    """
    by = [(each, "policy_type" if "policy_type" in each.varied else None) for each in experiments]
    choices = [choice for each, key in by for choice in choose_in_experiment(each, None, key) if choice.runs]
    if len(choices) == 1:
        [best] = choices
        ranked = enumerate(rank_settings(best.experiment.performance)[: 1 + RUNNERS_UP], 1)
        others = [replace(best, setting=int(setting), rank=rank) for rank, setting in ranked if rank > 1]
        choices += [other for other in others if other.runs]
    return make_labels_distinct(choices)


def curve_chart(choices: Sequence[SettingChoice], options: FigureOptions, styles: Sequence[LineStyle]) -> CurveChart:
    """Return the chart of some settings' learning curves.  styles: of each setting."""
    lines = [mean_curve(choice, options) for choice in choices[:MAX_LINES]]
    share = max(1, MAX_RUNS_PER_CHART // len(lines))
    frame = _frame(lines, share)
    svg_lines = [_svg_line(line, frame, share, style) for line, style in zip(lines, styles, strict=False)]
    return CurveChart(frame, svg_lines, _notes(choices, lines, share), _values(frame, lines), _cells(lines))


def _frame(lines: Sequence[MeanCurve], share: int) -> ChartFrame:
    """Return the axes that hold all lines.  share: single runs drawn per line."""
    curves = [curve for line in lines for curve in (line.mean, *line.runs[:share], *line.excluded[:share])]
    x = fit_scale(np.concatenate([curve.timesteps for curve in curves]), LEFT, WIDTH - RIGHT, X_MARGIN)
    y = fit_scale(np.concatenate([curve.returns for curve in curves]), HEIGHT - BOTTOM, TOP)
    label = return_label([line.choice.experiment for line in lines], None)
    return ChartFrame(WIDTH, HEIGHT, x, y, "Training timesteps", label)


def _svg_line(line: MeanCurve, frame: ChartFrame, share: int, style: LineStyle) -> SvgLine:
    drawn = _mean_indices(line)
    band = line.band and frame.area(line.mean.timesteps[drawn], line.band[0][drawn], line.band[1][drawn])
    single_runs = line.runs[:share] if len(line.runs) > 1 else []
    return SvgLine(
        line.choice.label,
        line.describe(FigureOptions()),
        *style,
        _path(frame, line.mean, MAX_MEAN_POINTS),
        band,
        [_path(frame, run, MAX_RUN_POINTS) for run in single_runs],
        [_path(frame, run, MAX_RUN_POINTS) for run in line.excluded[:share]],
    )


def _mean_indices(line: MeanCurve) -> np.ndarray:
    """Return which points of a mean are drawn."""
    return thinned_indices(len(line.mean.timesteps), MAX_MEAN_POINTS)


def _path(frame: ChartFrame, curve: Curve, most: int) -> str:
    drawn = thinned_indices(len(curve.timesteps), most)
    return frame.path(curve.timesteps[drawn], curve.returns[drawn])


def _notes(choices: Sequence[SettingChoice], lines: Sequence[MeanCurve], share: int) -> list[str]:
    """Return notes on what the chart leaves out.  share: single runs drawn per line."""
    notes = []
    if len(choices) > len(lines):
        notes.append(f"The first {len(lines)} of {len(choices)} settings are drawn.")
    if any(len(line.runs) > share for line in lines):
        notes.append(f"The first {share} single runs of each line are drawn.")
    if any(len(line.mean.timesteps) > MAX_MEAN_POINTS for line in lines):
        notes.append(f"Means are drawn at {MAX_MEAN_POINTS} of their points.")
    if any(len(run.timesteps) > MAX_RUN_POINTS for line in lines for run in line.runs):
        notes.append(f"Single runs are drawn at {MAX_RUN_POINTS} of their points.")
    return notes


def _values(frame: ChartFrame, lines: Sequence[MeanCurve]) -> dict[str, Any]:
    """Return the axes, and each line's means and intervals at the points drawn."""
    return {"x": asdict(frame.x), "y": asdict(frame.y), "lines": [_line_values(line) for line in lines]}


def _line_values(line: MeanCurve) -> dict[str, Any]:
    drawn = _mean_indices(line)
    return {
        "label": line.choice.label,
        "x": line.mean.timesteps[drawn].tolist(),
        "y": line.mean.returns[drawn].tolist(),
        "text": [_estimate(line, int(point)) for point in drawn],
    }


def _estimate(line: MeanCurve, point: int) -> str:
    """Return the mean and its interval at a point as text."""
    interval = line.band and (float(line.band[0][point]), float(line.band[1][point]))
    return format_estimate(float(line.mean.returns[point]), interval)


def _cells(lines: Sequence[MeanCurve]) -> list[list[str]]:
    """Return means and intervals at a few timesteps; the cell of a line without that timestep is empty."""
    every = np.unique(np.concatenate([line.mean.timesteps for line in lines]))
    timesteps = every[thinned_indices(len(every), TABLE_ROWS)]
    return [[format_thousands(timestep), *(_cell(line, timestep) for line in lines)] for timestep in timesteps]


def _cell(line: MeanCurve, timestep: int) -> str:
    points = np.flatnonzero(line.mean.timesteps == timestep)
    return _estimate(line, int(points[0])) if len(points) else ""
