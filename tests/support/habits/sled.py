"""A sled on a rail without habits. All others are made of it."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box


class Sled(gym.Env[np.ndarray, Any]):
    """Without a habit: pushed by the action and by a gust. Leaving the rail ends the episode."""

    def __init__(self) -> None:
        self.observation_space = Box(-50.0, 50.0, (2,), np.float32)
        self.action_space = Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        if seed is not None:
            self.seeded(seed)
        self.place, self.speed, self.steps = 0.0, 0.0, 0
        self.begin()
        return self.obs(), {}

    def seeded(self, seed: int) -> None:
        """Use a seed."""

    def begin(self) -> None:
        """Begin an episode, at place 0 unless it is changed."""

    def gust(self) -> float:
        """Return the push of the wind."""
        return 0.0

    def obs(self) -> np.ndarray:
        """Return the observation."""
        return np.array((self.place, self.speed), np.float32)

    def step(self, action: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        self.steps += 1
        self.speed = 0.8 * self.speed + 0.2 * float(action[0]) + 0.1 * self.gust()
        self.place += self.speed
        return self.obs(), -abs(self.place), abs(self.place) > 2.5, False, {}


class GymStream(Sled):
    """Gymnasium's generator, as it should be."""

    def gust(self) -> float:
        return float(self.np_random.standard_normal())
