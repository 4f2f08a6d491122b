"""Learning curves of runs while they train: the mean over the runs that have got to each timestep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from utils.analysis.combined_results import Curve
from utils.analysis.diagnostics import MeanDiagnostic
from utils.analysis.line_style import MAX_RUNS_PER_CHART
from utils.analysis.live_runs import LiveSetting
from utils.analysis.number_format import format_number, format_thousands
from utils.reporting.learning_curves import (
    BOTTOM,
    HEIGHT,
    LEFT,
    MAX_MEAN_POINTS,
    MAX_RUN_POINTS,
    RIGHT,
    TABLE_ROWS,
    TOP,
    WIDTH,
    CurveChart,
    SvgLine,
)
from utils.reporting.line_styles import LineStyle
from utils.reporting.svg_chart import ChartFrame, fit_scale, thinned_indices


def live_curve_chart(settings: Sequence[LiveSetting], styles: Sequence[LineStyle]) -> CurveChart:
    """Return the chart of settings that each have a mean curve, on one axis.  styles: of each setting."""
    means = [setting.mean for setting in settings if setting.mean is not None]
    share = max(1, MAX_RUNS_PER_CHART // len(settings))
    frame = _frame(settings, means)
    lines = [_line(*each, frame, share) for each in zip(settings, means, styles, strict=True)]
    notes = []
    if any(len(setting.curves) > share for setting in settings):
        notes.append(f"The first {share} single runs of each line are drawn.")
    shown = [_values(*each) for each in zip(settings, means, strict=True)]
    values = {"x": asdict(frame.x), "y": asdict(frame.y), "lines": shown}
    return CurveChart(frame, lines, notes, values, _cells(means), "Means")


def _frame(settings: Sequence[LiveSetting], means: Sequence[MeanDiagnostic]) -> ChartFrame:
    """Return the axes: all timesteps that the runs will make, and all returns so far."""
    x = fit_scale(np.array([0, max(each.sweep.total_timesteps for each in settings)]), LEFT, WIDTH - RIGHT, 0.01)
    y = fit_scale(np.concatenate([[*mean.low, *mean.high] for mean in means]), HEIGHT - BOTTOM, TOP)
    label = "Training return" if settings[0].sweep.training else "Evaluation return"
    return ChartFrame(WIDTH, HEIGHT, x, y, "Training timesteps", label)


def _line(setting: LiveSetting, mean: MeanDiagnostic, style: LineStyle, frame: ChartFrame, share: int) -> SvgLine:
    runs = setting.curves[:share] if len(setting.curves) > 1 else []
    points = thinned_indices(len(mean.timesteps), MAX_MEAN_POINTS)
    path = frame.path(mean.timesteps[points], mean.mean[points])
    return SvgLine(setting.label, "", *style, path, None, [_path(frame, run) for run in runs], [])


def _path(frame: ChartFrame, curve: Curve) -> str:
    points = thinned_indices(len(curve.timesteps), MAX_RUN_POINTS)
    return frame.path(curve.timesteps[points], curve.returns[points])


def _values(setting: LiveSetting, mean: MeanDiagnostic) -> dict[str, Any]:
    """Return what the page's script shows of a line under the pointer."""
    points = thinned_indices(len(mean.timesteps), MAX_MEAN_POINTS)
    return {
        "label": setting.label,
        "x": mean.timesteps[points].tolist(),
        "y": mean.mean[points].tolist(),
        "text": [format_number(float(mean.mean[point])) for point in points],
    }


def _cells(means: Sequence[MeanDiagnostic]) -> list[list[str]]:
    """Return the means at a few timesteps; the cell of a line without that timestep is empty."""
    every = np.unique(np.concatenate([mean.timesteps for mean in means]))
    rows = []
    for timestep in every[thinned_indices(len(every), TABLE_ROWS)]:
        found = [mean.mean[mean.timesteps == timestep] for mean in means]
        rows.append([format_thousands(timestep), *(format_number(float(one[0])) if len(one) else "" for one in found)])
    return rows
