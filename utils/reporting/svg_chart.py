"""Geometry of the report's charts: data to positions in an SVG, pixels from the upper left corner."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from utils.analysis.number_format import format_tick_values

MAX_TICKS = 7
"""Approximate largest number of ticks of an axis."""


@dataclass(frozen=True)
class Tick:
    """A tick of an axis.  position: pixels.  text: its label."""

    position: float
    text: str


@dataclass(frozen=True)
class Scale:
    """An axis: data from `low` to `high` at pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, values: np.ndarray | Sequence[float] | float) -> np.ndarray:
        """Return the positions of values, pixels, in the shape of the values."""
        return self.start + (np.asarray(values, float) - self.low) * (self.end - self.start) / (self.high - self.low)

    @property
    def ticks(self) -> list[Tick]:
        """Ticks at multiples of 1, 2 or 5 times a power of ten."""
        power = 10.0 ** math.floor(math.log10((self.high - self.low) / MAX_TICKS))
        steps = (factor * power for factor in (1, 2, 5, 10))
        step = next(each for each in steps if (self.high - self.low) / each <= MAX_TICKS)
        numbers = range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)
        values = [number * step for number in numbers]
        return [Tick(float(self(value)), text) for value, text in zip(values, format_tick_values(values), strict=True)]


def fit_scale(values: np.ndarray, start: float, end: float, margin: float = 0.04) -> Scale:
    """Return the axis that holds all finite values.  margin: space at either side, a fraction of their range."""
    finite = np.asarray(values, float)[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    space = margin * (high - low) or max(abs(high), 1.0) * 0.05
    return Scale(low - space, high + space, start, end)


@dataclass(frozen=True)
class ChartFrame:
    """A chart's size and axes.  width, height: of the chart, pixels.  slanted: whether x tick labels are slanted."""

    width: int
    height: int
    x: Scale
    y: Scale
    x_label: str
    y_label: str
    slanted: bool = False

    def path(self, x: np.ndarray, y: np.ndarray) -> str:
        """Return a line through points as an SVG path.  x, y: (T,) data."""
        return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(self.x(x), self.y(y), strict=True))

    def area(self, x: np.ndarray, low: np.ndarray, high: np.ndarray) -> str:
        """Return the area between two lines as an SVG path.  x, low, high: (T,) data."""
        return self.path(np.concatenate([x, x[::-1]]), np.concatenate([high, low[::-1]])) + "Z"


def thinned_indices(length: int, most: int) -> np.ndarray:
    """Return which of `length` points to draw: the first, the last and evenly between, at most `most` of them."""
    return np.unique(np.linspace(0, length - 1, min(length, most)).round().astype(int))
