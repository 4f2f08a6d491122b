"""A window that shows frames, whatever environment they come from. pygame is imported when one is opened."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import numpy as np

UNSEEN = ("offscreen", "dummy")
"""SDL's drivers without a screen. It takes to them of itself where a display cannot be reached."""


class NoWindow(Exception):
    """Says why none can be opened."""


class Pace:
    """Holds whoever waits to `fps` times a second. Time lost is not made up for."""

    def __init__(
        self, fps: float, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """clock: seconds.  sleep: takes seconds."""
        self._period, self._clock, self._sleep = 1.0 / fps, clock, sleep
        self._due = clock()

    def wait(self) -> None:
        """Return one period after the last return, or at once if that is past."""
        self._due += self._period
        early = self._due - self._clock()
        if early > 0:
            self._sleep(early)
        else:
            self._due -= early


class Window:
    """Shows frames at a pace until it is closed."""

    def __init__(self, title: str, frame: np.ndarray, pace: Pace) -> None:
        """frame: of the size (H, W, 3) of all that will be shown.  Raises NoWindow."""
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise NoWindow("neither DISPLAY nor WAYLAND_DISPLAY is set")
        try:
            import pygame
        except ImportError as error:
            raise NoWindow(str(error)) from error
        self._pygame, self._pace = pygame, pace
        self._size = (frame.shape[1], frame.shape[0])
        try:
            pygame.display.init()
            self._screen = pygame.display.set_mode(self._size)
        except pygame.error as error:
            raise NoWindow(str(error)) from error
        if pygame.display.get_driver() in UNSEEN and not os.environ.get("SDL_VIDEODRIVER"):
            pygame.display.quit()
            raise NoWindow("the display cannot be reached")
        pygame.display.set_caption(title)

    def show(self, frame: np.ndarray) -> str | None:
        """frame (H, W, 3) uint8, shown for its time. Returns why no further one is wanted, or None."""
        if self._pygame.event.get(self._pygame.QUIT):
            return "the window was closed"
        self._pygame.event.pump()
        picture = self._pygame.image.frombuffer(frame.tobytes(), self._size, "RGB")
        self._screen.blit(picture, (0, 0))
        self._pygame.display.flip()
        self._pace.wait()
        return None

    def close(self) -> None:
        """Take the window away."""
        self._pygame.display.quit()
