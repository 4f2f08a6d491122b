"""Base class of our own environments: reset, render modes, and a picture of the state."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium as gym
import numpy as np

from env.drawing.canvas import Canvas


class BaseEnv(gym.Env[np.ndarray, Any]):
    """A task with vector observations.

    A subclass sets `observation_space` and `action_space`, calls `super().__init__(render_mode)`, and
    implements `step`, `_start`, `_get_obs` and `_draw`. Its attributes and `np_random` hold its whole state.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 30}  # noqa: RUF012 - gymnasium's own type
    view: ClassVar[tuple[float, float, float, float]] = (0.0, 1.0, 0.0, 1.0)
    """World coordinates of a picture's edges: left, right, bottom, top."""
    picture_width: ClassVar[int] = 300
    """Width of a picture, in pixels."""

    def __init__(self, render_mode: str | None) -> None:
        """Raise ValueError for a render mode other than "rgb_array" or None."""
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode: found '{render_mode}'; allowed: 'rgb_array', or none")
        self.render_mode = render_mode

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode. Returns obs (O,) float32 and an empty dict."""
        super().reset(seed=seed)
        self._start()
        return self._get_obs(), {}

    def render(self) -> Any:
        """Return a picture of the state, (height, width, 3) uint8; None without a render mode."""
        if self.render_mode is None:
            return None
        canvas = self._background()
        self._draw(canvas)
        return canvas.image()

    def _background(self) -> Canvas:
        """Return the canvas to draw on."""
        return Canvas(*self.view, self.picture_width)

    def _start(self) -> None:
        """Enter the start state of an episode."""
        raise NotImplementedError

    def _get_obs(self) -> np.ndarray:
        """Return the observation (O,) float32 of the state."""
        raise NotImplementedError

    def _draw(self, canvas: Canvas) -> None:
        """Draw the state."""
        raise NotImplementedError
