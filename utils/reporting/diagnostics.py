"""Diagnostics over training: a small chart for each quantity, with a line for each setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from utils.analysis.diagnostics import (
    TITLES,
    Line,
    is_logarithmic,
    order_quantities,
    setting_diagnostics,
    shown_together,
)
from utils.analysis.setting_choice import SettingChoice
from utils.core.errors import BadInput
from utils.reporting.line_styles import LineStyle
from utils.reporting.svg_chart import ChartFrame, fit_scale, thinned_indices
from utils.results.diagnostics import warning_signs

WIDTH, HEIGHT = 420, 220
"""Size of a chart, pixels."""

LEFT, RIGHT, TOP, BOTTOM = 64, 16, 10, 46
"""Margins, pixels."""

MAX_LINES, MAX_POINTS = 12, 100
"""Largest numbers of settings and of points in a line that are drawn."""


@dataclass(frozen=True)
class DiagnosticLine:
    """A setting's line, with its band from the smallest to the largest run, as SVG paths."""

    label: str
    color: str
    dashes: str
    mean: str
    band: str


@dataclass(frozen=True)
class DiagnosticPanel:
    """The chart of one quantity."""

    title: str
    frame: ChartFrame
    lines: list[DiagnosticLine]


@dataclass(frozen=True)
class DiagnosticCharts:
    """The charts of settings on one axis.

    labels: of the lines, with their styles.  note: "" or what is wrong.
    signs: for each setting that has a run with warning signs, a line that describes the run with the largest values.
    """

    panels: list[DiagnosticPanel]
    labels: list[tuple[str, LineStyle]]
    note: str
    signs: list[str] = field(default_factory=list)


def diagnostic_panels(choices: Sequence[SettingChoice], styles: Sequence[LineStyle]) -> DiagnosticCharts:
    """Return the charts of some settings' diagnostics; none, with a note, if their arrays cannot be read.

    styles: of each setting.
    """
    chosen = choices[:MAX_LINES]
    try:
        lines = [setting_diagnostics(choice) for choice in chosen]
    except BadInput as error:
        return DiagnosticCharts([], [], str(error))
    labels = [(choice.label, style) for choice, style in zip(chosen, styles, strict=False)]
    note = f"The first {len(chosen)} of {len(choices)} settings are drawn." if len(choices) > len(chosen) else ""
    return draw_diagnostics(lines, labels, note)


def draw_diagnostics(lines: Sequence[Line], labels: Sequence[tuple[str, LineStyle]], note: str) -> DiagnosticCharts:
    """Return the charts of lines with these labels, one for each quantity."""
    panels = [_panel(name, lines, labels) for name in order_quantities(lines)]
    return DiagnosticCharts(panels, list(labels), note, _signs(lines, labels))


def _signs(lines: Sequence[Line], labels: Sequence[tuple[str, LineStyle]]) -> list[str]:
    found = [warning_signs({name: one.high for name, one in line.items()}) for line in lines]
    return [f"{label}: in a run, {'; '.join(signs)}" for signs, (label, _) in zip(found, labels, strict=True) if signs]


def _panel(name: str, lines: Sequence[Line], labels: Sequence[tuple[str, LineStyle]]) -> DiagnosticPanel:
    shown = [line[name] for line in lines if name in line]
    logarithmic = is_logarithmic(shown_together(lines, name))
    to_axis = np.log10 if logarithmic else np.asarray
    title = TITLES.get(name, name) + (", log10" if logarithmic else "")
    x = fit_scale(np.concatenate([one.timesteps for one in shown]), LEFT, WIDTH - RIGHT)
    y = fit_scale(to_axis(np.concatenate([[*one.low, *one.high] for one in shown])), HEIGHT - BOTTOM, TOP)
    frame = ChartFrame(WIDTH, HEIGHT, x, y, "Training timesteps", "")
    drawn = []
    for line, (label, style) in zip(lines, labels, strict=True):
        if name in line:
            one = line[name]
            points = thinned_indices(len(one.timesteps), MAX_POINTS)
            timesteps, mean, low, high = (
                values[points] for values in (one.timesteps, to_axis(one.mean), to_axis(one.low), to_axis(one.high))
            )
            band = frame.area(timesteps, low, high)
            drawn.append(DiagnosticLine(label, *style, frame.path(timesteps, mean), band))
    return DiagnosticPanel(title, frame, drawn)
