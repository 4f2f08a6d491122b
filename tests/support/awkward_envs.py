"""Environments whose state is hard or impossible to save, or that fail."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box


class Drift(gym.Env[np.ndarray, Any]):
    """A random walk, shifted by the action, that ends at random."""

    observation_space = Box(-np.inf, np.inf, (2,), np.float32)
    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.place, self.path = 0.0, [0.0]
        return self._get_obs(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.place += float(action[0]) + float(self.np_random.standard_normal())
        self.path = [*self.path[-2:], self.place]
        return self._get_obs(), -abs(self.place), bool(self.np_random.random() < 0.05), False, {}

    def _get_obs(self) -> np.ndarray:
        return np.array((self.place, sum(self.path)), np.float32)


class Point(gym.Env[np.ndarray, Any]):
    """A point that the action's position in its box moves; the reward is minus its distance from a target."""

    observation_space = Box(-2.0, 2.0, (2,), np.float32)

    def __init__(self, low: float = -1.0, high: float = 1.0) -> None:
        self.action_space = Box(low, high, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.place = self.np_random.uniform(-1.0, 1.0, 2)
        return self.place.astype(np.float32), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        low, high = self.action_space.low[0], self.action_space.high[0]
        position = 2.0 * (float(action[0]) - float(low)) / float(high - low) - 1.0
        self.place[0] = np.clip(self.place[0] + 0.1 * position, -2.0, 2.0)
        return self.place.astype(np.float32), -abs(float(self.place[0] - self.place[1])), False, False, {}


class HiddenClock(Drift):
    """A Drift that counts its steps in an iterator, which cannot be saved."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        self.clock = itertools.count()
        return super().reset(seed=seed)

    def _get_obs(self) -> np.ndarray:
        return np.array((self.place, next(self.clock)), np.float32)


class Lagging(gym.Wrapper[np.ndarray, Any, np.ndarray, Any]):
    """A wrapper that returns the previous observation and truncates episodes after `limit` steps."""

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


def make_lagging() -> gym.Env[Any, Any]:
    """Return a Drift inside two Lagging wrappers."""
    return Lagging(Lagging(Drift(), 11), 13)


class Brittle(Drift):
    """A Drift that raises an error some steps after a reset with a doomed seed.

    doomed: the step of the error, by seed.
    """

    doomed: ClassVar[dict[int, int]] = {}

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        if seed is not None:
            self.failing_step, self.steps = self.doomed.get(seed), 0
        return super().reset(seed=seed)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        if self.steps == self.failing_step:
            raise ArithmeticError("the rope broke")
        return super().step(action)
