"""Gridworld, XYGridworld and IndexGridworld: from corner to corner of a grid, seen in three ways.

As in the experiments of the GreedyAC authors; the size, which they leave open, is ours.

Observation: "one-hot", a vector of rows * cols with a 1 at the place's index; "xy", [column, row];
"index", [index], all counted from 0 and the index row by row.  Action: 0 to 3: left, right, up, down
by one cell; the edges hold.  Reward: -1 a step, 0 for the step to the goal.
Start: column 0, row 0, the upper left.  End: in the last column of the last row.
State: [column, row].
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Discrete

from env.drawing.picture import GREEN, GREY, METADATA, RED, Picture, checked_mode

MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))


class Gridworld(gym.Env[np.ndarray, Any]):
    """rows by cols cells, at least two in all.  observation: "one-hot", "xy" or "index".

    Raises ValueError for others.
    """

    metadata = METADATA

    def __init__(
        self, observation: str = "one-hot", rows: int = 10, cols: int = 10, render_mode: str | None = None
    ) -> None:
        highest = {"one-hot": [1] * (rows * cols), "xy": [cols - 1, rows - 1], "index": [rows * cols - 1]}
        if min(rows, cols) < 1 or rows * cols < 2 or observation not in highest:
            raise ValueError(f"observation '{observation}', rows {rows}, cols {cols}; "
                             f"allowed: {', '.join(highest)}, at least two cells")  # fmt: skip
        self.observation, self.rows, self.cols = observation, rows, cols
        self.render_mode = checked_mode(render_mode)
        high = np.array(highest[observation], np.float32)
        self.observation_space = Box(np.zeros_like(high), high, dtype=np.float32)
        self.state_space = Box(np.zeros(2), np.array([cols - 1.0, rows - 1.0]), dtype=np.float64)
        self.action_space = Discrete(len(MOVES))
        self.state = np.zeros(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin. Returns obs (O,)."""
        super().reset(seed=seed)
        self.state = np.zeros(2)
        return self._get_obs(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """A direction -> obs (O,), reward, terminated, truncated, info."""
        dx, dy = MOVES[action]
        col = min(max(int(self.state[0]) + dx, 0), self.cols - 1)
        row = min(max(int(self.state[1]) + dy, 0), self.rows - 1)
        self.state = np.array((col, row), np.float64)
        goal = col == self.cols - 1 and row == self.rows - 1
        return self._get_obs(), 0.0 if goal else -1.0, goal, False, {}

    def _get_obs(self) -> np.ndarray:
        if self.observation == "xy":
            return self.state.astype(np.float32)
        index = int(self.state[1]) * self.cols + int(self.state[0])
        if self.observation == "index":
            return np.array([index], np.float32)
        cells = np.zeros(self.rows * self.cols, np.float32)
        cells[index] = 1.0
        return cells

    def render(self) -> Any:
        """The cells; the goal in green, the place in red."""
        if self.render_mode is None:
            return None
        picture = Picture()
        x, y = picture.x * self.cols, (1.0 - picture.y) * self.rows
        picture.fill((x >= self.cols - 1) & (y >= self.rows - 1), GREEN)
        picture.fill((x % 1.0 < 0.03) | (y % 1.0 < 0.03), GREY)
        col, row = self.state
        picture.fill((np.abs(x - col - 0.5) < 0.3) & (np.abs(y - row - 0.5) < 0.3), RED)
        return picture.pixels
