"""A picture drawn in world units with numpy: filled shapes with smooth edges on a white background.

Every shape is a polygon. How much of a pixel it covers is summed along each line of samples from the
places where its edges cross that line, as font rasterizers do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Point = tuple[float, float]
Color = tuple[int, int, int]

WHITE: Color = (255, 255, 255)
BLACK: Color = (0, 0, 0)
GREY: Color = (150, 150, 150)
RED: Color = (206, 68, 62)
BLUE: Color = (60, 110, 195)
GREEN: Color = (70, 170, 90)
GOLD: Color = (220, 170, 40)

SAMPLES = 8
"""Lines of samples per row of pixels. Along a line, coverage is exact."""

HALF_CIRCLE = np.linspace(-math.pi / 2, math.pi / 2, 25)
"""Angles of a half circle's corners, in radians."""


class Canvas:
    """The rectangle [left, right] x [bottom, top] of a plane whose second axis points up."""

    def __init__(self, left: float, right: float, bottom: float, top: float, width: int = 500) -> None:
        """Start with a white picture.

        width: width of the picture, pixels. Its height follows from the scale, which is the same for both axes.
        """
        self._left, self._top, self._scale = left, top, width / (right - left)
        height = round(self._scale * (top - bottom))
        self._pixels = np.empty((height, width, 3), np.float32)
        self._pixels[:] = WHITE

    def line(self, start: Point, end: Point, width: float, color: Color) -> None:
        """Draw a line with round ends.  width: line width in world units."""
        angles = math.atan2(end[1] - start[1], end[0] - start[0]) + np.concatenate((HALF_CIRCLE, HALF_CIRCLE + math.pi))
        centers = np.repeat((end, start), len(HALF_CIRCLE), axis=0)
        self.polygon(centers + width / 2 * np.stack((np.cos(angles), np.sin(angles)), axis=1), color)

    def circle(self, center: Point, radius: float, color: Color) -> None:
        """Fill a circle."""
        self.line(center, center, 2 * radius, color)

    def rectangle(self, x: Point, y: Point, color: Color) -> None:
        """Fill an upright rectangle.  x: its left and right edge.  y: its lower and upper edge."""
        self.polygon([(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])], color)

    def polygon(self, corners: Sequence[Point] | np.ndarray, color: Color) -> None:
        """Fill a polygon, whose edges must not cross each other.  corners: (N, 2)."""
        height, width, _ = self._pixels.shape
        pixels = (np.asarray(corners, float) - (self._left, self._top)) * (self._scale, -self._scale)
        left, top = np.clip(np.floor(pixels.min(0)), 0, (width, height)).astype(int)
        right, bottom = np.clip(np.ceil(pixels.max(0)), 0, (width, height)).astype(int)
        covered = coverage(pixels - (left, top), bottom - top, right - left)[..., None]
        region = self._pixels[top:bottom, left:right]
        region += covered * (np.array(color, np.float32) - region)

    def image(self) -> np.ndarray:
        """Return the picture, (height, width, 3) uint8."""
        return np.rint(self._pixels).astype(np.uint8)

    def copy(self) -> Canvas:
        """Return a canvas with the same picture, to be drawn on separately."""
        other = Canvas.__new__(Canvas)
        other.__dict__ |= self.__dict__ | {"_pixels": self._pixels.copy()}
        return other


def coverage(corners: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return how much of each pixel a polygon covers, from 0 to 1.

    corners: (N, 2), x and y in pixels, y pointing down.  Returns (height, width) float32.
    """
    (x0, y0), (x1, y1) = corners.T, np.roll(corners, -1, axis=0).T
    lines = (np.arange(height * SAMPLES) + 0.5) / SAMPLES
    line, edge = ((y0 <= lines[:, None]) != (y1 <= lines[:, None])).nonzero()
    share = (lines[line] - y0[edge]) / (y1 - y0)[edge]
    x = np.clip(x0[edge] + share * (x1 - x0)[edge], 0, width)
    column = x.astype(int)
    direction = np.where(y1 > y0, 1.0, -1.0)[edge] / SAMPLES
    # A crossing adds its direction to all pixels on its right, and to its own pixel in part.
    cell = line // SAMPLES * (width + 2) + column
    changes = np.bincount(
        np.concatenate((cell, cell + 1)),
        np.concatenate((direction * (column + 1 - x), direction * (x - column))),
        minlength=height * (width + 2),
    )
    return np.abs(changes.reshape(height, width + 2).cumsum(axis=1)[:, :width]).astype(np.float32)
