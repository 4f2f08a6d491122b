"""A tray on a rail, once for each kind of observations and actions that the harness converts."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple


class Tray(gym.Env[Any, Any]):
    """Pushed by the action and by noise; leaving the rail ends the episode. Keeps the action that it received."""

    observation_space: gym.Space[Any] = Box(-np.inf, np.inf, (1,), np.float64)
    action_space: gym.Space[Any] = Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.place, self.received = 0.0, None
        return self.obs(), {}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        self.received = action
        self.place += self.push(action) + 0.1 * float(self.np_random.standard_normal())
        return self.obs(), self.reward(), abs(self.place) > 2.5, False, {}

    def push(self, action: Any) -> float:
        """Return the push of an action, in [-1, 1]."""
        return float(action[0])

    def obs(self) -> Any:
        """Return the observation."""
        return np.array([self.place])

    def reward(self) -> Any:
        """Return the reward."""
        return -abs(self.place)

    @property
    def cell(self) -> int:
        """The cell of the place, 0, 1 or 2."""
        return int(np.digitize(self.place, (-0.5, 0.5)))


class Goal(Tray):
    """Observes like an environment of gymnasium_robotics; the goal is at (0.5, 1.5)."""

    observation_space = Dict(
        {
            "observation": Box(-np.inf, np.inf, (3,), np.float64),
            "desired_goal": Box(-np.inf, np.inf, (2,), np.float64),
            "achieved_goal": Box(-np.inf, np.inf, (2,), np.float64),
        }
    )

    def obs(self) -> dict[str, np.ndarray]:
        return {
            "observation": np.array([self.place, 2.0, 3.0]),
            "achieved_goal": np.array([self.place, -1.0]),
            "desired_goal": np.array([0.5, 1.5]),
        }


class Nested(Tray):
    """Observes parts within parts: keys that are not in order, and every kind of numbers."""

    def __init__(self) -> None:
        parts = Dict({"place": Box(-np.inf, np.inf, ()), "grid": Box(0, 255, (2, 2), np.uint8)})
        self.observation_space = Dict(
            {
                "tray": Tuple([Discrete(3, start=-1), parts]),
                "flags": MultiBinary([2, 2]),
                "choice": MultiDiscrete([2, 3], start=[0, 1]),
            }
        )

    def obs(self) -> dict[str, Any]:
        parts = {"place": np.float32(self.place), "grid": np.array([[0, 7], [200, self.cell]], np.uint8)}
        return {
            "choice": np.array([1, 1 + self.cell]),
            "flags": np.array([[1, 0], [self.place > 0, 1]], np.int8),
            "tray": (self.cell - 1, parts),
        }


class Counts(Tray):
    observation_space = MultiDiscrete([3, 2])

    def obs(self) -> np.ndarray:
        return np.array([self.cell, self.place > 0])


class Bits(Tray):
    observation_space = MultiBinary(3)

    def obs(self) -> np.ndarray:
        return (np.arange(3) == self.cell).astype(np.int8)


class Pair(Tray):
    observation_space = Tuple([Discrete(3), Box(-np.inf, np.inf, (1,), np.float32)])

    def obs(self) -> tuple[int, np.ndarray]:
        return self.cell, np.array([self.place], np.float32)


class Grid(Tray):
    """Observes a grid as large as MinAtar's."""

    observation_space = Box(0, 1, (10, 10, 4), bool)

    def obs(self) -> np.ndarray:
        grid = np.zeros((10, 10, 4), bool)
        grid[0, 0, self.cell] = grid[9, 9, 3] = True
        return grid


class Choices(Tray):
    """Acts by 2 x 3 choices."""

    action_space = MultiDiscrete([2, 3])

    def push(self, action: Any) -> float:
        return float(action[0]) - 0.5 * float(action[1])


class ChoiceTable(Tray):
    """Acts by a table of choices, which do not begin at zero."""

    action_space = MultiDiscrete(np.array([[2, 1], [1, 3]]), start=np.array([[5, 0], [0, -1]]))

    def push(self, action: Any) -> float:
        return 0.5 * float(action[1, 1])


class Switches(Tray):
    action_space = MultiBinary([2, 2])

    def push(self, action: Any) -> float:
        return 0.25 * float(action[0].sum() - action[1].sum())


class Matrix(Tray):
    """Acts by a matrix with bounds of its own for each entry."""

    LOW = -np.arange(1.0, 7.0, dtype=np.float32).reshape(2, 3)
    action_space = Box(LOW, np.full((2, 3), 0.5, np.float32))

    def push(self, action: Any) -> float:
        return 0.1 * float(action.sum())


class Scalar(Tray):
    action_space = Box(-1.0, 1.0, (), np.float64)

    def push(self, action: Any) -> float:
        return float(action)


class Gears(Tray):
    """Acts by two integers."""

    action_space = Box(np.array([-2, 0]), np.array([2, 5]), dtype=np.int16)

    def push(self, action: Any) -> float:
        return 0.2 * float(action[0]) - 0.05 * float(action[1])


class Valves(Tray):
    """Acts by booleans."""

    action_space = Box(0, 1, (2,), bool)

    def push(self, action: Any) -> float:
        return 0.5 * (float(action[0]) - float(action[1]))


class Both(Nested):
    """Neither observations nor actions are flat."""

    action_space = Switches.action_space

    def push(self, action: Any) -> float:
        return Switches.push(self, action)  # type: ignore[arg-type]


class TwoRewards(Tray):
    """Rewards as an environment of mo_gymnasium does."""

    reward_space = Box(-np.inf, np.inf, (2,), np.float32)

    def reward(self) -> Any:
        return np.array([-abs(self.place), -1.0], np.float32)


ACCEPTED: dict[str, type[Tray]] = {
    kind.__name__: kind
    for kind in (
        Goal, Nested, Counts, Bits, Pair, Grid, Choices, ChoiceTable, Switches, Matrix, Scalar, Gears, Valves, Both,
    )
}  # fmt: skip
"""Environments that agents train on."""
