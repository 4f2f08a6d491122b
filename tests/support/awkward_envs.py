"""Environments whose state is hard to save, or cannot be."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box


class Drift(gym.Env[np.ndarray, Any]):
    """A random walk that an action pushes, with an end that comes by chance."""

    observation_space = Box(-np.inf, np.inf, (2,), np.float32)
    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.place, self.path = 0.0, [0.0]
        return self._shown(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.place += float(action[0]) + float(self.np_random.standard_normal())
        self.path = [*self.path[-2:], self.place]
        return self._shown(), -abs(self.place), bool(self.np_random.random() < 0.05), False, {}

    def _shown(self) -> np.ndarray:
        return np.array((self.place, sum(self.path)), np.float32)


class Unsavable(Drift):
    """The same, but how far it has come is hidden in an iterator."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        self.clock = itertools.count()
        return super().reset(seed=seed)

    def _shown(self) -> np.ndarray:
        return np.array((self.place, next(self.clock)), np.float32)


class Lagging(gym.Wrapper[np.ndarray, Any, np.ndarray, Any]):
    """Shows the observation before, and cuts an episode after so many steps, like a time limit."""

    def __init__(self, env: gym.Env[Any, Any], limit: int) -> None:
        super().__init__(env)
        self.limit, self.steps, self.before = limit, 0, np.zeros(2, np.float32)

    def reset(self, **options: Any) -> tuple[np.ndarray, dict[str, Any]]:
        obs, info = super().reset(**options)
        self.steps, self.before = 0, obs
        return obs, info

    def step(self, action: Any) -> tuple[np.ndarray, Any, bool, bool, dict[str, Any]]:
        obs, reward, terminated, truncated, info = super().step(action)
        shown, self.before, self.steps = self.before, obs, self.steps + 1
        return shown, reward, terminated, truncated or self.steps >= self.limit, info


def lagging() -> gym.Env[Any, Any]:
    """Two of them, one in the other."""
    return Lagging(Lagging(Drift(), 11), 13)


class Brittle(Drift):
    """The same, but after a reset with a doomed seed it raises an error at a step that was set for it."""

    doomed: ClassVar[dict[int, int]] = {}

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        if seed is not None:
            self.fate, self.steps = self.doomed.get(seed), 0
        return super().reset(seed=seed)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        if self.steps == self.fate:
            raise ArithmeticError("the rope broke")
        return super().step(action)
