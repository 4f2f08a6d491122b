"""Gridworld, XYGridworld and IndexGridworld: from corner to corner of a grid, with three kinds of observation.

As in the experiments of the GreedyAC authors; the size, which they leave open, is ours.

State: [column, row], counted from 0.  Observation: "one-hot", a vector of rows * cols with a 1 at the
cell's index; "xy", the state; "index", [index], where cells are numbered row by row from 0.
Action: 0 to 3: left, right, up, down by one cell; the edges stop a move.  Reward: -1 per step, 0 for the
step to the goal.  Start: column 0, row 0, the upper left.  End: in the last column of the last row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from env.drawing.canvas import GREEN, GREY, RED, Canvas
from env.tasks.base import BaseEnv

MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))


class Gridworld(BaseEnv):
    """A grid of rows by cols cells."""

    def __init__(
        self, observation: str = "one-hot", rows: int = 10, cols: int = 10, render_mode: str | None = None
    ) -> None:
        """Set the size and the kind of observation.

        observation: "one-hot", "xy" or "index".  rows, cols: at least two cells in total.
        Raises ValueError for other values.
        """
        highest = {"one-hot": [1] * (rows * cols), "xy": [cols - 1, rows - 1], "index": [rows * cols - 1]}
        if min(rows, cols) < 1 or rows * cols < 2 or observation not in highest:
            raise ValueError(f"env_kwargs: found observation '{observation}', rows {rows}, cols {cols}; "
                             f"allowed: {', '.join(highest)}, at least two cells")  # fmt: skip
        super().__init__(render_mode)
        self.observation, self.rows, self.cols = observation, rows, cols
        high = np.array(highest[observation], np.float32)
        self.observation_space = Box(np.zeros_like(high), high, dtype=np.float32)
        self.state_space = Box(np.zeros(2), np.array([cols - 1.0, rows - 1.0]), dtype=np.float64)
        self.action_space = Discrete(len(MOVES))
        self.state = np.zeros(2)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Move in a direction, 0 to 3. Returns obs (O,), reward, terminated, False, {}."""
        dx, dy = MOVES[action]
        col = min(max(int(self.state[0]) + dx, 0), self.cols - 1)
        row = min(max(int(self.state[1]) + dy, 0), self.rows - 1)
        self.state = np.array((col, row), np.float64)
        goal = col == self.cols - 1 and row == self.rows - 1
        return self._get_obs(), 0.0 if goal else -1.0, goal, False, {}

    def _start(self) -> None:
        self.state = np.zeros(2)

    def _get_obs(self) -> np.ndarray:
        if self.observation == "xy":
            return self.state.astype(np.float32)
        index = int(self.state[1]) * self.cols + int(self.state[0])
        if self.observation == "index":
            return np.array([index], np.float32)
        cells = np.zeros(self.rows * self.cols, np.float32)
        cells[index] = 1.0
        return cells

    def _draw(self, canvas: Canvas) -> None:
        """Draw the cells; the goal in green, the position in red."""
        width, height = 1.0 / self.cols, 1.0 / self.rows
        canvas.rectangle((1.0 - width, 1.0), (0.0, height), GREEN)
        for line in range(self.cols):
            canvas.rectangle((line * width, (line + 0.03) * width), (0.0, 1.0), GREY)
        for line in range(self.rows):
            canvas.rectangle((0.0, 1.0), (1.0 - (line + 0.03) * height, 1.0 - line * height), GREY)
        left, top = self.state[0] * width, 1.0 - self.state[1] * height
        canvas.rectangle((left + 0.2 * width, left + 0.8 * width), (top - 0.8 * height, top - 0.2 * height), RED)
