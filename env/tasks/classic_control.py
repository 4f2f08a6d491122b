"""What our classic-control systems share: a state that can be set, one bounded force, a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np

from env.drawing.canvas import Canvas
from env.drawing.picture import METADATA, checked_mode


class ClassicControl(gym.Env[np.ndarray, Any]):
    """A system of a few real numbers, moved by one force.

    A subclass sets `state_space`, `observation_space` and `view`, and gives `_start`, `step`,
    `_get_obs` and `_draw`. The state and the generator `np_random` are all there is to know of it.
    """

    metadata = METADATA
    state_space: gym.spaces.Box
    angles: ClassVar[tuple[int, ...]] = ()
    """Where in the state an angle stands; it is kept in [-pi, pi)."""
    view: ClassVar[tuple[float, float, float, float]]
    """What a picture shows: left, right, bottom, top."""

    def __init__(self, limit: float, continuous: bool, render_mode: str | None) -> None:
        """limit: of the force, either way.  continuous: a Box (1,), else the forces -limit, 0, limit.

        Raises ValueError for a render mode other than "rgb_array" or None.
        """
        self.render_mode = checked_mode(render_mode)
        self.limit = limit
        self._forces = None if continuous else (-limit, 0.0, limit)
        self.action_space = gym.spaces.Discrete(3) if self._forces else gym.spaces.Box(-limit, limit, (1,))
        self._state: Any  # a tuple of S floats, S the subclass's own

    @property
    def state(self) -> np.ndarray:
        """The state (S,) float64; there is none before the first reset. Settable, angles in radians of any size."""
        return np.array(self._state)

    @state.setter
    def state(self, values: Sequence[float]) -> None:
        self._state = tuple(wrap(float(x)) if i in self.angles else float(x) for i, x in enumerate(values))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode. Returns obs (O,) float32 and no information."""
        super().reset(seed=seed)
        self._state = self._start()
        return self._get_obs(), {}

    def render(self) -> np.ndarray:
        """The system as it stands, (height, width, 3) uint8.  Raises ImportError where there is no pygame."""
        canvas = Canvas(*self.view)
        self._draw(canvas)
        return canvas.image()

    def _start(self) -> tuple[float, ...]:
        """The state in which an episode begins."""
        raise NotImplementedError

    def _get_obs(self) -> np.ndarray:
        """What the state shows, (O,) float32."""
        raise NotImplementedError

    def _draw(self, canvas: Canvas) -> None:
        """Draw the state."""
        raise NotImplementedError

    def _force(self, action: Any) -> float:
        """The force for an action: an index, or (1,) cut at the limit. NaN stays NaN."""
        if self._forces:
            return self._forces[action]
        return max(min(float(action[0]), self.limit), -self.limit)


def wrap(angle: float) -> float:
    """The same direction in [-pi, pi); an angle that is there already keeps its bits. Radians."""
    turned = math.remainder(angle, math.tau)
    return -math.pi if turned >= math.pi else turned


def box(*high: float, dtype: Any = np.float32) -> gym.spaces.Box:
    """The box from -high to high."""
    bound = np.array(high, dtype)
    return gym.spaces.Box(-bound, bound, dtype=dtype)


def number(name: str, value: Any) -> float:
    """An argument as a float.  Raises ValueError, by its name, unless it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"env_kwargs.{name}: found {value!r}; allowed: a finite number")
    return float(value)
