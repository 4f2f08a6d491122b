"""The style of lines and single runs, shared by the figures and by the report's charts."""

from __future__ import annotations

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours of lines, by Okabe & Ito (2008): they stay distinct with colour blindness."""

DASHES: tuple[tuple[float, ...], ...] = ((), (5, 1.5), (1.5, 1), (5, 1.5, 1.5, 1.5))
"""Dash patterns of lines: lengths of dashes and gaps in line widths; () is a solid line."""

SLICE_DASHES = (4, 1.5)
"""Dash pattern of a sensitivity curve through the best setting."""

SIDE_STEP = {"best": -0.05, "slice": 0.05}
"""Distance of a sensitivity curve's mark from its value on the axis, so that neither curve hides the other."""

MAX_RUNS_PER_LINE, MAX_RUNS_PER_CHART = 50, 60
"""Largest numbers of single runs drawn for a line of a figure, and for all lines of a chart in a report."""

RUN_OPACITY, MAX_TOTAL_OPACITY = 0.35, 4.0
"""Opacity of a single run, and upper limit of its sum over the runs of a line."""

X_MARGIN = 0.01
"""Margin at either end of the axis of timesteps, a fraction of the range of the data."""


def run_opacity(runs: int) -> float:
    """Return the opacity of each of a line's single runs: lower for many, so that the mean stands out."""
    return min(RUN_OPACITY, MAX_TOTAL_OPACITY / max(1, runs))
