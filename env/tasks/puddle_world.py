"""PuddleWorld-v1: to the corner of a square, round two puddles.

Sutton, "Generalization in reinforcement learning" (NeurIPS 1996); start, noise and goal as in the
experiments of the GreedyAC authors.

Observation: [x, y], each in [0, 1].  Action: with `continuous` a move [dx, dy], each within
+-thrust; without, 0 to 3: left, right, down, up by `thrust`.  Normal noise of standard deviation
`noise` is added to each coordinate, and the square's edges hold.  Reward: -1 a step, and in a puddle
400 less per unit of depth, the depth being the distance to the nearest edge of the deeper puddle.  A
puddle is all within 0.1 of a segment: (0.1, 0.75) to (0.45, 0.75), and (0.45, 0.4) to (0.45, 0.8).
Start: anywhere but in the goal, uniformly.  End: in the goal, where |1 - x| + |1 - y| < 0.1.
State: [x, y].
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Discrete

from env.drawing.picture import BLUE, GREEN, METADATA, Picture, checked_mode

RADIUS = 0.1
PUDDLES = ((0.1, 0.75, 0.45, 0.75), (0.45, 0.4, 0.45, 0.8))
"""Segments, each as x and y of its lower left end and of its upper right end."""

PENALTY = 400.0
GOAL_REACH = 0.1
MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))


def depth(x: float, y: float) -> float:
    """How deep in the deeper puddle (x, y) lies; 0 outside."""
    nearest = RADIUS
    for left, bottom, right, top in PUDDLES:
        dx, dy = x - min(max(x, left), right), y - min(max(y, bottom), top)
        nearest = min(nearest, math.sqrt(dx * dx + dy * dy))
    return RADIUS - nearest


def in_goal(x: float, y: float) -> bool:
    """Whether (x, y) ends the episode."""
    return abs(1.0 - x) + abs(1.0 - y) < GOAL_REACH


@cache
def _landscape() -> np.ndarray:
    """The pixels of the square with nobody in it."""
    picture = Picture()
    deep = np.vectorize(depth)(picture.x, picture.y)[..., None] / RADIUS
    blue = np.array(BLUE) * (1.0 - 0.6 * deep)
    picture.pixels = np.where(deep > 0, blue, picture.pixels).astype(np.uint8)
    picture.fill(np.vectorize(in_goal)(picture.x, picture.y), GREEN)
    return picture.pixels


def check_motion(thrust: float, noise: float) -> None:
    """Raises ValueError where thrust is not above 0 or noise is below it."""
    if thrust <= 0 or noise < 0:
        raise ValueError(f"thrust {thrust}, noise {noise}; allowed: thrust above 0, noise from 0")


class PuddleWorld(gym.Env[np.ndarray, Any]):
    """The square; thrust and noise in its units.  Raises ValueError for others than `check_motion` allows."""

    metadata = METADATA

    def __init__(
        self, continuous: bool = True, thrust: float = 0.05, noise: float = 0.01, render_mode: str | None = None
    ) -> None:
        check_motion(thrust, noise)
        self.continuous, self.thrust, self.noise = continuous, float(thrust), float(noise)
        self.render_mode = checked_mode(render_mode)
        self.observation_space = Box(0.0, 1.0, (2,), np.float32)
        self.state_space = Box(0.0, 1.0, (2,), np.float64)
        self.action_space = Box(-self.thrust, self.thrust, (2,), np.float32) if continuous else Discrete(len(MOVES))
        self.state = np.zeros(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin. Returns obs (2,)."""
        super().reset(seed=seed)
        self.state = self.np_random.random(2)
        while in_goal(*self.state):
            self.state = self.np_random.random(2)
        return self._get_obs(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """action (2,), or a direction -> obs (2,), reward, terminated, truncated, info."""
        dx, dy = self._move(action)
        normal = self.np_random.standard_normal
        x = min(max(float(self.state[0]) + dx + self.noise * normal(), 0.0), 1.0)
        y = min(max(float(self.state[1]) + dy + self.noise * normal(), 0.0), 1.0)
        self.state = np.array((x, y))
        return self._get_obs(), -1.0 - PENALTY * depth(x, y), in_goal(x, y), False, {}

    def _move(self, action: Any) -> tuple[float, float]:
        if self.continuous:
            return float(action[0]), float(action[1])
        dx, dy = MOVES[action]
        return self.thrust * dx, self.thrust * dy

    def _get_obs(self) -> np.ndarray:
        return self.state.astype(np.float32)

    def render(self) -> Any:
        """The puddles, darker where deeper; the goal in green, the place in red."""
        if self.render_mode is None:
            return None
        picture = Picture()
        picture.pixels = _landscape().copy()
        picture.place(self.state)
        return picture.pixels
