"""MountainCarShaped: mountain car with continuous actions and a potential-shaped reward.

Dynamics of gymnasium's MountainCarContinuous-v0, in double precision. GreedyAC names a
MountainCarShaped but does not publish it; the reward here is our own definition, shaped as in Ng,
Harada & Russell (ICML 1999), which does not change the optimal policies.
"""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np

from env.drawing.canvas import BLACK, BLUE, GREY, RED, Canvas
from env.tasks.classic_control import ClassicControl, finite_number

POWER = 0.0015
SLOPE = 0.0025
LEFT, RIGHT, GOAL = -1.2, 0.6, 0.45
MAX_SPEED = 0.07
BOUNDS = np.array([[LEFT, -MAX_SPEED], [RIGHT, MAX_SPEED]])


class MountainCarShaped(ClassicControl):
    """An underpowered car in a valley, rewarded for the energy it gains.

    State, observation: position in [-1.2, 0.6], speed in [-0.07, 0.07] per step.
    Action: in [-1, 1], changing the speed by at most 0.0015 per step.
    Reward: -1 + shaping (gamma Phi(s') - Phi(s)). -Phi is the energy that the car lacks to roll to the
    goal, where the energy is sin(3 x) + 600 v^2; apart from the step's error, only the engine changes it.
    Phi is 0 once the car has enough energy, and so at the goal.  shaping: 0 leaves -1 per step.
    Start: at rest, position uniform in [-0.6, -0.4].  End: position >= 0.45, at rest or moving right.
    """

    view = (LEFT, RIGHT, 0.0, 1.2)
    state_space = gym.spaces.Box(*BOUNDS, dtype=np.float64)
    observation_space = gym.spaces.Box(*BOUNDS.astype(np.float32))

    def __init__(self, gamma: float = 0.99, shaping: float = 10.0, render_mode: str | None = None) -> None:
        """Set the reward.

        gamma: the experiment's discount.  shaping: weight of the shaping reward.
        Raises ValueError for a value that is not allowed.
        """
        super().__init__(1.0, True, render_mode)
        self.gamma, self.shaping = finite_number("gamma", gamma), finite_number("shaping", shaping)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Accelerate by an action (1,). Returns obs (2,) float32, reward, terminated, False, {}."""
        before = potential(self._state)
        position, speed = self._state = drive_car(self._state, self._force(action))
        terminated = position >= GOAL and speed >= 0.0
        reward = -1.0 + self.shaping * (self.gamma * potential(self._state) - before)
        return self._get_obs(), reward, terminated, False, {}

    def _start_state(self) -> tuple[float, ...]:
        return self.np_random.uniform(-0.6, -0.4), 0.0

    def _get_obs(self) -> np.ndarray:
        return np.array(self._state, np.float32)

    def _draw(self, canvas: Canvas) -> None:
        ground = [(float(x), ground_height(x)) for x in np.linspace(LEFT, RIGHT, 100)]
        canvas.polygon([(LEFT, 0.0), *ground, (RIGHT, 0.0)], GREY)
        flag = GOAL, ground_height(GOAL)
        canvas.line(flag, (GOAL, flag[1] + 0.15), 0.01, BLACK)
        canvas.polygon([(GOAL, flag[1] + 0.15), (GOAL, flag[1] + 0.09), (GOAL + 0.08, flag[1] + 0.12)], RED)
        position = self._state[0]
        canvas.circle((position, ground_height(position) + 0.04), 0.04, BLUE)


def drive_car(state: tuple[float, float], force: float) -> tuple[float, float]:
    """Return position and speed after a step; the wall on the left stops the car."""
    position, speed = state
    speed += force * POWER - SLOPE * math.cos(3 * position)
    speed = max(min(speed, MAX_SPEED), -MAX_SPEED)
    position = max(min(position + speed, RIGHT), LEFT)
    return position, 0.0 if position == LEFT and speed < 0.0 else speed


def potential(state: tuple[float, float]) -> float:
    """Return minus the energy lacking to roll to the goal, in units of SLOPE / 3; at most 0."""
    position, speed = state
    return min(math.sin(3 * position) + 1.5 / SLOPE * speed * speed - math.sin(3 * GOAL), 0.0)


def ground_height(position: float) -> float:
    """Return the height of the drawn ground."""
    return 0.45 * math.sin(3 * position) + 0.55
