"""gymnasium's Pendulum-v1 in a third of the time: bit-identical steps, computed on numbers instead of arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from ctypes import CDLL
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.envs.classic_control.pendulum import PendulumEnv

if TYPE_CHECKING:
    from env.episodes.batch import StackSteps


class LeanPendulum(PendulumEnv):
    """A faster PendulumEnv.

    Its sines are the C library's, as numpy's are (findings/numpy_functions_by_processor.sh).
    """

    @staticmethod
    def make_stack_steps(pendulums: Sequence[LeanPendulum], load: Callable[[str], CDLL]) -> StackSteps:
        """See `env.episodes.batch.StackSteps`."""
        from env.tasks.pendulum_steps import PendulumSteps

        return PendulumSteps(pendulums, load)

    def step(self, u: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Apply a torque (1,), whose dtype decides how its terms are rounded.

        Returns obs (3,) float32, reward, False, False, {}.
        """
        theta, speed = self.state.tolist()
        torque = u[0]
        if not -self.max_torque <= torque <= self.max_torque:
            torque = np.clip(u, -self.max_torque, self.max_torque)[0]
        self.last_u = torque  # For rendering.
        angle = (theta + math.pi) % (2 * math.pi) - math.pi
        cost = angle**2 + 0.1 * speed**2 + float(0.001 * torque**2)
        gravity = 3 * self.g / (2 * self.l) * math.sin(theta)
        speed += (gravity + float(3.0 / (self.m * self.l**2) * torque)) * self.dt
        speed = min(max(speed, -self.max_speed), self.max_speed)
        theta += speed * self.dt
        self.state = np.array((theta, speed))
        if self.render_mode == "human":
            self.render()
        return np.array((math.cos(theta), math.sin(theta), speed), np.float32), -cost, False, False, {}
