"""ContinuousGridWorld, or CGW: across a square with a block in the middle.

No public source gives this environment's dynamics; these are ours. The block stands on the straight
way, and the ways round it are mirror images, so that the best policy has two modes where they part.

Observation: [x, y], each in [0, 1].  Action: a move [dx, dy], each within +-thrust.  Normal noise of
standard deviation `noise` is added to each coordinate.  The square's edges hold; a coordinate that
would enter the block, [0.35, 0.65] in both, keeps its value, x first.  Reward: -1 a step, 0 for the
step to the goal.  Start: (0.1, 0.1).  End: in the goal, x and y both at least 0.9.
State: [x, y].
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box

from env.drawing.picture import GREEN, GREY, METADATA, Picture, checked_mode
from env.tasks.puddle_world import check_motion

START = (0.1, 0.1)
GOAL = 0.9
BLOCK = (0.35, 0.65)


class ContinuousGridWorld(gym.Env[np.ndarray, Any]):
    """The square; thrust and noise in its units.  block: whether there is one.

    Raises ValueError for others than `check_motion` allows.
    """

    metadata = METADATA

    def __init__(
        self, thrust: float = 0.1, noise: float = 0.0, block: bool = True, render_mode: str | None = None
    ) -> None:
        check_motion(thrust, noise)
        self.thrust, self.noise, self.block = float(thrust), float(noise), block
        self.render_mode = checked_mode(render_mode)
        self.observation_space = Box(0.0, 1.0, (2,), np.float32)
        self.state_space = Box(0.0, 1.0, (2,), np.float64)
        self.action_space = Box(-self.thrust, self.thrust, (2,), np.float32)
        self.state = np.array(START)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin. Returns obs (2,)."""
        super().reset(seed=seed)
        self.state = np.array(START)
        return self._get_obs(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """action (2,) -> obs (2,), reward, terminated, truncated, info."""
        x, y = float(self.state[0]), float(self.state[1])
        normal = self.np_random.standard_normal
        new_x = min(max(x + float(action[0]) + self.noise * normal(), 0.0), 1.0)
        new_y = min(max(y + float(action[1]) + self.noise * normal(), 0.0), 1.0)
        x = x if self._blocked(new_x, y) else new_x
        y = y if self._blocked(x, new_y) else new_y
        self.state = np.array((x, y))
        goal = x >= GOAL and y >= GOAL
        return self._get_obs(), 0.0 if goal else -1.0, goal, False, {}

    def _blocked(self, x: float, y: float) -> bool:
        return self.block and BLOCK[0] <= x <= BLOCK[1] and BLOCK[0] <= y <= BLOCK[1]

    def _get_obs(self) -> np.ndarray:
        return self.state.astype(np.float32)

    def render(self) -> Any:
        """The block in grey, the goal in green, the place in red."""
        if self.render_mode is None:
            return None
        picture = Picture()
        picture.rectangle((GOAL, 1.0), (GOAL, 1.0), GREEN)
        if self.block:
            picture.rectangle(BLOCK, BLOCK, GREY)
        picture.place(self.state)
        return picture.pixels
