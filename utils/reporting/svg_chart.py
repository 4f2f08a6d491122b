"""Geometry of the report's charts: data to places in an SVG, in pixels from the upper left corner."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from utils.analysis.colors import OKABE_ITO
from utils.analysis.number_format import tick_texts

DASHES = ("", "8 3", "2 2", "8 3 2 3")

MOST_TICKS = 7


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    place: float
    text: str


@dataclass(frozen=True)
class Scale:
    """An axis: data from `low` to `high` at pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, values: np.ndarray | Sequence[float] | float) -> np.ndarray:
        """Pixels, of the shape of the values."""
        return self.start + (np.asarray(values, float) - self.low) * (self.end - self.start) / (self.high - self.low)

    @property
    def ticks(self) -> list[Tick]:
        """At multiples of 1, 2 or 5 times a power of ten."""
        power = 10.0 ** math.floor(math.log10((self.high - self.low) / MOST_TICKS))
        steps = (factor * power for factor in (1, 2, 5, 10))
        step = next(each for each in steps if (self.high - self.low) / each <= MOST_TICKS)
        numbers = range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)
        values = [number * step for number in numbers]
        return [Tick(float(self(value)), text) for value, text in zip(values, tick_texts(values), strict=True)]


def spanning(values: np.ndarray, start: float, end: float, margin: float = 0.04) -> Scale:
    """The axis that holds all finite values, with a margin (a share of their range) at either side."""
    finite = np.asarray(values, float)[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    room = margin * (high - low) or max(abs(high), 1.0) * 0.05
    return Scale(low - room, high + room, start, end)


@dataclass(frozen=True)
class ChartFrame:
    """A chart's axes.  width, height: of all of it, pixels.  slanted: whether what stands below them is."""

    width: int
    height: int
    x: Scale
    y: Scale
    x_label: str
    y_label: str
    slanted: bool = False

    def path(self, x: np.ndarray, y: np.ndarray) -> str:
        """A line through points, as an SVG path.  x, y: (T,) data."""
        return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(self.x(x), self.y(y), strict=True))

    def area(self, x: np.ndarray, low: np.ndarray, high: np.ndarray) -> str:
        """What lies between two lines."""
        return self.path(np.concatenate([x, x[::-1]]), np.concatenate([high, low[::-1]])) + "Z"


def color(number: int) -> str:
    """Of the line of that number, counted from 0."""
    return OKABE_ITO[number % len(OKABE_ITO)]


def dashes(number: int) -> str:
    """As an SVG's stroke-dasharray."""
    return DASHES[number % len(DASHES)]


def thinned(length: int, most: int) -> np.ndarray:
    """Which of `length` points to draw: the first, the last and evenly between, at most `most` of them."""
    return np.unique(np.linspace(0, length - 1, min(length, most)).round().astype(int))
