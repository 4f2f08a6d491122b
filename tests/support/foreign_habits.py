"""Sleds with habits that environments of other packages were found to have."""

from __future__ import annotations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tests.support.habits import GymStream


class Charted(GymStream):
    """Draws a chart with a formula at every reset; matplotlib and its dependencies keep what they have read."""

    def start(self) -> float:
        chart = Figure((1.0, 1.0))
        chart.text(0.5, 0.5, f"$x_{{{self.np_random.integers(1000)}}}^2$")
        FigureCanvasAgg(chart).draw()
        return 0.0
