"""Conversion of observations to what learners take: one flat float32 vector.

A vector stays unchanged. A number out of n becomes a one-hot vector. An array of any other shape, such
as an image, is flattened row by row; its values are kept, so those of a uint8 image range from 0 to 255.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Discrete


def flatten_observations(env: gym.Env[Any, Any], name: str) -> gym.Env[Any, Any]:
    """Return the environment with flat observations.

    name: the environment's name in messages.  Raises ValueError for observations that are neither a Box nor Discrete.
    """
    space = env.observation_space
    if isinstance(space, Box):
        return env if len(space.shape) == 1 else FlatBox(env)
    if isinstance(space, Discrete):
        return OneHot(env)
    raise ValueError(f"env_name: '{name}' has observations {type(space).__name__}; allowed: Box or Discrete")


class FlatBox(gym.ObservationWrapper[np.ndarray, Any, np.ndarray]):
    """A wrapper that flattens arrays of any shape row by row."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        space: Any = env.observation_space
        low, high = (bound.ravel().astype(np.float32) for bound in (space.low, space.high))
        self.observation_space = Box(low, high, dtype=np.float32)

    def observation(self, observation: np.ndarray) -> np.ndarray:
        """Return an array of any shape as (O,) float32."""
        return np.asarray(observation, np.float32).reshape(-1)


class OneHot(gym.ObservationWrapper[np.ndarray, Any, Any]):
    """A wrapper that encodes a number out of n as n zeros and ones."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        space: Any = env.observation_space
        self._first, self._count = int(space.start), int(space.n)
        self.observation_space = Box(0.0, 1.0, (self._count,), np.float32)

    def observation(self, observation: Any) -> np.ndarray:
        """Return a number, counted from the space's first one, as (n,) float32."""
        vector = np.zeros(self._count, np.float32)
        vector[int(observation) - self._first] = 1.0
        return vector
