"""A picture drawn in world units: filled shapes on white, smoothed by drawing twice as large as shown.

pygame is imported when a canvas is made and nowhere else, so that training never loads it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

Point = tuple[float, float]
Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (20, 20, 20)
GREY: Colour = (150, 150, 150)
RED: Colour = (204, 77, 77)
BLUE: Colour = (60, 110, 190)
GOLD: Colour = (220, 170, 40)

OVERSAMPLING = 2


class Canvas:
    """The rectangle [left, right] x [bottom, top] of a plane whose second axis points up."""

    def __init__(self, left: float, right: float, bottom: float, top: float, width: int = 500) -> None:
        """width: of the image in pixels; its height follows, one scale for both axes.

        Raises ImportError, saying what to install, where there is no pygame.
        """
        self._pygame = _import_pygame()
        self._left, self._top = left, top
        self._shown = (width, round(width * (top - bottom) / (right - left)))
        self._scale = OVERSAMPLING * width / (right - left)
        self._surface = self._pygame.Surface((OVERSAMPLING * width, OVERSAMPLING * self._shown[1]), depth=24)
        self._surface.fill(WHITE)

    def line(self, start: Point, end: Point, width: float, colour: Colour) -> None:
        """A line with round ends.  width: in world units."""
        (x0, y0), (x1, y1) = start, end
        length = math.hypot(x1 - x0, y1 - y0) or 1.0
        across, along = width / 2 * (y0 - y1) / length, width / 2 * (x1 - x0) / length
        sides = [(x0 + across, y0 + along), (x1 + across, y1 + along), (x1 - across, y1 - along)]
        self.polygon([*sides, (x0 - across, y0 - along)], colour)
        self.circle(start, width / 2, colour)
        self.circle(end, width / 2, colour)

    def circle(self, centre: Point, radius: float, colour: Colour) -> None:
        """A filled circle."""
        self._pygame.draw.circle(self._surface, colour, self._pixel(centre), radius * self._scale)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon with these corners."""
        self._pygame.draw.polygon(self._surface, colour, [self._pixel(point) for point in points])

    def image(self) -> np.ndarray:
        """What was drawn, (height, width, 3) uint8."""
        shown = self._pygame.transform.smoothscale(self._surface, self._shown)
        return np.ascontiguousarray(self._pygame.surfarray.array3d(shown).transpose(1, 0, 2))

    def _pixel(self, point: Point) -> Point:
        return (point[0] - self._left) * self._scale, (self._top - point[1]) * self._scale


def _import_pygame() -> Any:
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # it greets on standard output
    try:
        import pygame
    except ImportError as error:
        raise ImportError("rendering needs pygame; install it with: pip install pygame-ce") from error
    return pygame
