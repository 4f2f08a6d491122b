"""Learning curves in a report: one chart for the experiments that share an axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from utils.analysis.combined_results import CombinedResults, Curve
from utils.analysis.mean_curve import Line, Options, line
from utils.analysis.number_format import brief, return_label, thousands
from utils.analysis.setting_choice import Choice, candidates, distinct
from utils.reporting.svg_chart import ChartFrame, color, dashes, spanning, thinned
from utils.stats.settings import rank_settings

WIDTH, HEIGHT = 860, 400
LEFT, RIGHT, TOP, BOTTOM = 84, 32, 12, 50
"""Margins, pixels."""

MOST_LINES = 12
MOST_POINTS = 300
"""Of a mean; a single run has at most a third as many."""

MOST_RUNS = 60
"""Single runs in one chart, shared among its lines."""

RUN_OPACITY, INK = 0.5, 4.0
"""Opacity of a single run, and of all of a line's runs added up, at most."""

RUNNERS_UP = 3
"""Shown beside the best setting of an experiment that is alone on its axis."""

TABLE_ROWS = 11


@dataclass(frozen=True)
class Drawn:
    """A line, as the template draws it; paths are SVG's."""

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
        """Of single runs: less of many, so that the mean stands out."""
        return min(RUN_OPACITY, INK / max(1, len(self.runs)))


@dataclass(frozen=True)
class CurveChart:
    """A chart.  values: what the page's script shows on hovering.  cells: a table of the same."""

    frame: ChartFrame
    lines: list[Drawn]
    notes: list[str]
    values: dict[str, Any]
    cells: list[list[str]]


def shown_choices(experiments: Sequence[CombinedResults]) -> list[Choice]:
    """The settings that a report compares on one axis: the best of each experiment and policy, where it has runs.

    Of an experiment that is alone with one such setting, the next best too.
    """
    by = [(each, "policy_type" if "policy_type" in each.varied else None) for each in experiments]
    choices = [choice for each, key in by for choice in candidates(each, None, key) if choice.runs]
    if len(choices) == 1:
        [best] = choices
        ranked = enumerate(rank_settings(best.experiment.performance)[: 1 + RUNNERS_UP], 1)
        others = [replace(best, setting=int(setting), rank=rank) for rank, setting in ranked if rank > 1]
        choices += [other for other in others if other.runs]
    return distinct(choices)


def curve_chart(choices: Sequence[Choice], options: Options) -> CurveChart:
    """The learning curves of some choices on one axis."""
    lines = [line(choice, options) for choice in choices[:MOST_LINES]]
    share = max(1, MOST_RUNS // len(lines))
    frame = _frame(lines, share)
    drawn = [_drawn(number, each, frame, share) for number, each in enumerate(lines)]
    return CurveChart(frame, drawn, _notes(choices, lines, share), _values(frame, lines), _cells(lines))


def _frame(lines: Sequence[Line], share: int) -> ChartFrame:
    curves = [curve for each in lines for curve in (each.mean, *each.runs[:share], *each.excluded[:share])]
    x = spanning(np.concatenate([curve.timesteps for curve in curves]), LEFT, WIDTH - RIGHT, 0.01)
    y = spanning(np.concatenate([curve.returns for curve in curves]), HEIGHT - BOTTOM, TOP)
    label = return_label([each.choice.experiment for each in lines], None)
    return ChartFrame(WIDTH, HEIGHT, x, y, "Training timesteps", label)


def _drawn(number: int, each: Line, frame: ChartFrame, share: int) -> Drawn:
    places = thinned(len(each.mean.timesteps), MOST_POINTS)
    band = each.band and frame.area(each.mean.timesteps[places], each.band[0][places], each.band[1][places])
    single = each.runs[:share] if len(each.runs) > 1 else []
    return Drawn(
        each.choice.label,
        each.describe(Options()),
        color(number),
        dashes(number),
        _path(frame, each.mean, MOST_POINTS),
        band,
        [_path(frame, run, MOST_POINTS // 3) for run in single],
        [_path(frame, run, MOST_POINTS // 3) for run in each.excluded[:share]],
    )


def _path(frame: ChartFrame, curve: Curve, most: int) -> str:
    places = thinned(len(curve.timesteps), most)
    return frame.path(curve.timesteps[places], curve.returns[places])


def _notes(choices: Sequence[Choice], lines: Sequence[Line], share: int) -> list[str]:
    """What the chart leaves out."""
    notes = []
    if len(choices) > len(lines):
        notes.append(f"The first {len(lines)} of {len(choices)} settings are drawn.")
    if any(len(each.runs) > share for each in lines):
        notes.append(f"Of each line the first {share} single runs are drawn.")
    if any(len(each.mean.timesteps) > MOST_POINTS for each in lines):
        notes.append(f"Means are drawn at {MOST_POINTS} of their points.")
    if any(len(run.timesteps) > MOST_POINTS // 3 for each in lines for run in each.runs):
        notes.append(f"Single runs are drawn at {MOST_POINTS // 3} of their points.")
    return notes


def _values(frame: ChartFrame, lines: Sequence[Line]) -> dict[str, Any]:
    """The axes and, for each line, means and intervals at the points drawn."""
    return {"x": asdict(frame.x), "y": asdict(frame.y), "lines": [_line_values(each) for each in lines]}


def _line_values(each: Line) -> dict[str, Any]:
    places = thinned(len(each.mean.timesteps), MOST_POINTS)
    means = each.mean.returns[places]
    texts = [_text(each, int(place)) for place in places]
    return {"label": each.choice.label, "x": each.mean.timesteps[places].tolist(), "y": means.tolist(), "text": texts}


def _text(each: Line, place: int) -> str:
    """ "−165 [−190, −140]": a mean and its interval."""
    text = brief(float(each.mean.returns[place]))
    if each.band is None:
        return text
    return f"{text} [{brief(float(each.band[0][place]))}, {brief(float(each.band[1][place]))}]"


def _cells(lines: Sequence[Line]) -> list[list[str]]:
    """Means and intervals at a few timesteps; a line that lacks one has an empty cell."""
    every = np.unique(np.concatenate([each.mean.timesteps for each in lines]))
    wanted = every[thinned(len(every), TABLE_ROWS)]
    return [[thousands(timestep), *(_cell(each, timestep) for each in lines)] for timestep in wanted]


def _cell(each: Line, timestep: int) -> str:
    found = np.flatnonzero(each.mean.timesteps == timestep)
    return _text(each, int(found[0])) if len(found) else ""
