"""Plain pictures of our own environments: numpy arrays, no window, nothing imported for them."""

from __future__ import annotations

import numpy as np

METADATA = {"render_modes": ["rgb_array"], "render_fps": 30}
SIZE = 300
"""Height and width of a picture, in pixels."""

WHITE, GREY, BLACK = (255, 255, 255), (150, 150, 150), (0, 0, 0)
BLUE, GREEN, RED = (60, 110, 200), (70, 170, 90), (210, 60, 50)


def checked_mode(render_mode: str | None) -> str | None:
    """The mode itself.  Raises ValueError for one that there is not."""
    if render_mode not in (None, "rgb_array"):
        raise ValueError(f"render_mode: found '{render_mode}'; allowed: 'rgb_array', or none")
    return render_mode


class Picture:
    """A square picture of the unit square, x to the right and y upward.

    x, y (SIZE, SIZE): where the pixels' centres lie.  pixels (SIZE, SIZE, 3) uint8.
    """

    def __init__(self) -> None:
        places = (np.arange(SIZE) + 0.5) / SIZE
        self.x, self.y = np.meshgrid(places, places[::-1])
        self.pixels = np.full((SIZE, SIZE, 3), WHITE, np.uint8)

    def fill(self, where: np.ndarray, colour: tuple[int, int, int]) -> None:
        """where: (SIZE, SIZE) bool."""
        self.pixels[where] = colour

    def rectangle(self, x: tuple[float, float], y: tuple[float, float], colour: tuple[int, int, int]) -> None:
        """x, y: the lower and the upper edge."""
        self.fill((x[0] <= self.x) & (self.x <= x[1]) & (y[0] <= self.y) & (self.y <= y[1]), colour)

    def place(self, centre: np.ndarray) -> None:
        """A red disc about a place (2,), edged in black."""
        distance = np.hypot(self.x - centre[0], self.y - centre[1])
        self.fill(distance < 0.022, BLACK)
        self.fill(distance < 0.018, RED)
