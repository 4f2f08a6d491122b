"""ContinuousGridWorld, or CGW: cross a square with a block in the middle.

No public source gives this environment's dynamics; these are ours. The block is on the straight path,
and the paths around it are mirror images, so the best policy has two modes where they part.

State, observation: [x, y], each in [0, 1].  Action: a move [dx, dy], each within +-thrust.  Normal noise
of standard deviation `noise` is added to each coordinate.  The square's edges stop a move; a coordinate
that would enter the block, [0.35, 0.65] in both, keeps its value, x first.  Reward: -1 per step, 0 for
the step to the goal.  Start: (0.1, 0.1).  End: in the goal, x and y both at least 0.9.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box

from env.drawing.canvas import GREEN, GREY, Canvas
from env.tasks.base import BaseEnv
from env.tasks.puddle_world import check_motion, draw_position

START = (0.1, 0.1)
GOAL = 0.9
BLOCK = (0.35, 0.65)


class ContinuousGridWorld(BaseEnv):
    """A square to cross; positions, thrust and noise are in units of its side."""

    def __init__(
        self, thrust: float = 0.1, noise: float = 0.0, block: bool = True, render_mode: str | None = None
    ) -> None:
        """Set the motion.  block: whether there is a block.  Raises ValueError for what `check_motion` refuses."""
        check_motion(thrust, noise)
        super().__init__(render_mode)
        self.thrust, self.noise, self.block = float(thrust), float(noise), block
        self.observation_space = Box(0.0, 1.0, (2,), np.float32)
        self.state_space = Box(0.0, 1.0, (2,), np.float64)
        self.action_space = Box(-self.thrust, self.thrust, (2,), np.float32)
        self.state = np.array(START)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Move by an action (2,). Returns obs (2,), reward, terminated, False, {}."""
        x, y = float(self.state[0]), float(self.state[1])
        normal = self.np_random.standard_normal
        new_x = min(max(x + float(action[0]) + self.noise * normal(), 0.0), 1.0)
        new_y = min(max(y + float(action[1]) + self.noise * normal(), 0.0), 1.0)
        x = x if self._is_blocked(new_x, y) else new_x
        y = y if self._is_blocked(x, new_y) else new_y
        self.state = np.array((x, y))
        goal = x >= GOAL and y >= GOAL
        return self._get_obs(), 0.0 if goal else -1.0, goal, False, {}

    def _is_blocked(self, x: float, y: float) -> bool:
        """Return whether (x, y) is in the block."""
        return self.block and BLOCK[0] <= x <= BLOCK[1] and BLOCK[0] <= y <= BLOCK[1]

    def _start(self) -> None:
        self.state = np.array(START)

    def _get_obs(self) -> np.ndarray:
        return self.state.astype(np.float32)

    def _draw(self, canvas: Canvas) -> None:
        """Draw the block in grey, the goal in green, the position in red."""
        canvas.rectangle((GOAL, 1.0), (GOAL, 1.0), GREEN)
        if self.block:
            canvas.rectangle(BLOCK, BLOCK, GREY)
        draw_position(canvas, self.state)
