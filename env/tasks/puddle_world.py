"""PuddleWorld-v1: reach the corner of a square without wading through two puddles.

Sutton, "Generalization in reinforcement learning" (NeurIPS 1996); start, noise and goal as in the
experiments of the GreedyAC authors.

State, observation: [x, y], each in [0, 1].  Action: with `continuous` a move [dx, dy], each within
+-thrust; without, 0 to 3: left, right, down, up by `thrust`.  Normal noise of standard deviation
`noise` is added to each coordinate, and the square's edges stop a move.  Reward: -1 per step, and in a
puddle 400 less per unit of depth, the depth being the distance to the nearest edge of the deeper puddle.
A puddle is everything within 0.1 of a segment: (0.1, 0.75) to (0.45, 0.75), and (0.45, 0.4) to (0.45, 0.8).
Start: uniform over the square without the goal.  End: in the goal, where |1 - x| + |1 - y| < 0.1.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from env.drawing.canvas import BLACK, BLUE, GREEN, RED, Canvas
from env.tasks.base import BaseEnv

RADIUS = 0.1
PUDDLES = ((0.1, 0.75, 0.45, 0.75), (0.45, 0.4, 0.45, 0.8))
"""Segments: x and y of the lower left end, then of the upper right end."""

PENALTY = 400.0
GOAL_REACH = 0.1
MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))

SHADES = 30
"""Number of blues that show the depth of a puddle."""


def depth(x: float, y: float) -> float:
    """Return the depth of the deeper puddle at (x, y), 0 outside."""
    nearest = RADIUS
    for left, bottom, right, top in PUDDLES:
        dx, dy = x - min(max(x, left), right), y - min(max(y, bottom), top)
        nearest = min(nearest, math.sqrt(dx * dx + dy * dy))
    return RADIUS - nearest


def in_goal(x: float, y: float) -> bool:
    """Return whether (x, y) ends the episode."""
    return abs(1.0 - x) + abs(1.0 - y) < GOAL_REACH


def check_motion(thrust: float, noise: float) -> None:
    """Raise ValueError unless thrust is above 0 and noise at least 0."""
    if thrust <= 0 or noise < 0:
        raise ValueError(f"env_kwargs: found thrust {thrust}, noise {noise}; allowed: thrust > 0, noise >= 0")


def draw_position(canvas: Canvas, position: np.ndarray) -> None:
    """Draw a red disc with a black edge at a position (2,)."""
    center = float(position[0]), float(position[1])
    canvas.circle(center, 0.022, BLACK)
    canvas.circle(center, 0.018, RED)


@cache
def _draw_square(width: int) -> Canvas:
    """Draw the puddles, darker where they are deeper, and the goal in green."""
    canvas = Canvas(0.0, 1.0, 0.0, 1.0, width)
    for shade in range(SHADES):
        share = shade / SHADES
        red, green, blue = (round(part * (1.0 - 0.6 * share)) for part in BLUE)
        for left, bottom, right, top in PUDDLES:
            canvas.line((left, bottom), (right, top), 2 * RADIUS * (1.0 - share), (red, green, blue))
    canvas.polygon([(1.0, 1.0), (1.0 - GOAL_REACH, 1.0), (1.0, 1.0 - GOAL_REACH)], GREEN)
    return canvas


class PuddleWorld(BaseEnv):
    """A square with two puddles; positions, thrust and noise are in units of its side."""

    def __init__(
        self, continuous: bool = True, thrust: float = 0.05, noise: float = 0.01, render_mode: str | None = None
    ) -> None:
        """Set the motion.  Raises ValueError for values that `check_motion` refuses."""
        check_motion(thrust, noise)
        super().__init__(render_mode)
        self.continuous, self.thrust, self.noise = continuous, float(thrust), float(noise)
        self.observation_space = Box(0.0, 1.0, (2,), np.float32)
        self.state_space = Box(0.0, 1.0, (2,), np.float64)
        self.action_space = Box(-self.thrust, self.thrust, (2,), np.float32) if continuous else Discrete(len(MOVES))
        self.state = np.zeros(2)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Move by an action (2,), or in a direction, 0 to 3. Returns obs (2,), reward, terminated, False, {}."""
        dx, dy = self._displacement(action)
        normal = self.np_random.standard_normal
        x = min(max(float(self.state[0]) + dx + self.noise * normal(), 0.0), 1.0)
        y = min(max(float(self.state[1]) + dy + self.noise * normal(), 0.0), 1.0)
        self.state = np.array((x, y))
        return self._get_obs(), -1.0 - PENALTY * depth(x, y), in_goal(x, y), False, {}

    def _displacement(self, action: Any) -> tuple[float, float]:
        """Return the move without noise."""
        if self.continuous:
            return float(action[0]), float(action[1])
        dx, dy = MOVES[action]
        return self.thrust * dx, self.thrust * dy

    def _start(self) -> None:
        self.state = self.np_random.random(2)
        while in_goal(*self.state):
            self.state = self.np_random.random(2)

    def _get_obs(self) -> np.ndarray:
        return self.state.astype(np.float32)

    def _background(self) -> Canvas:
        return _draw_square(self.picture_width).copy()

    def _draw(self, canvas: Canvas) -> None:
        draw_position(canvas, self.state)
