"""Base class of our classic-control systems: a state that can be set, one bounded force, a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np

from env.tasks.base import BaseEnv


class ClassicControl(BaseEnv):
    """A system of a few real numbers, moved by one force.

    A subclass sets `state_space`, `observation_space` and `view`, and implements `step`, `_start_state`,
    `_get_obs` and `_draw`. Its state and the generator `np_random` determine its future.
    """

    state_space: gym.spaces.Box
    angles: ClassVar[tuple[int, ...]] = ()
    """Positions of the angles in the state. Angles are kept in [-pi, pi)."""
    picture_width = 500

    def __init__(self, limit: float, continuous: bool, render_mode: str | None) -> None:
        """Set the action space.

        limit: largest force, in either direction.  continuous: whether actions are a Box (1,); otherwise
        an action is an index into the forces -limit, 0, limit.
        Raises ValueError for a render mode other than "rgb_array" or None.
        """
        super().__init__(render_mode)
        self.limit = limit
        self._forces = None if continuous else (-limit, 0.0, limit)
        self.action_space = gym.spaces.Discrete(3) if self._forces else gym.spaces.Box(-limit, limit, (1,))
        self._state: Any  # a tuple of S floats; each subclass has its own S

    @property
    def state(self) -> np.ndarray:
        """The state (S,) float64, available after the first reset. Settable, with angles in radians of any size."""
        return np.array(self._state)

    @state.setter
    def state(self, values: Sequence[float]) -> None:
        self._state = tuple(wrap_angle(float(x)) if i in self.angles else float(x) for i, x in enumerate(values))

    def _start(self) -> None:
        self._state = self._start_state()

    def _start_state(self) -> tuple[float, ...]:
        """Draw the state in which an episode begins."""
        raise NotImplementedError

    def _force(self, action: Any) -> float:
        """Return the force of an action: an index, or (1,) clipped at the limit. NaN stays NaN."""
        if self._forces:
            return self._forces[action]
        return max(min(float(action[0]), self.limit), -self.limit)


def wrap_angle(angle: float) -> float:
    """Return the same direction in [-pi, pi), in radians. An angle already there keeps its bits."""
    turned = math.remainder(angle, math.tau)
    return -math.pi if turned >= math.pi else turned


def symmetric_box(*high: float, dtype: Any = np.float32) -> gym.spaces.Box:
    """Return the box from -high to high."""
    bound = np.array(high, dtype)
    return gym.spaces.Box(-bound, bound, dtype=dtype)


def finite_number(name: str, value: Any) -> float:
    """Return an argument as a float.  Raises ValueError unless it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"env_kwargs.{name}: found {value!r}; allowed: a finite number")
    return float(value)
