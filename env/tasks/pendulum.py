"""Pendulum-v0 and its variants: swing a pendulum up and hold it, with five rewards.

The dynamics are those of gymnasium's Pendulum-v1 (a rod of mass m and length l about its end). The
start, the observation and the cosine reward are those of Neumann et al.'s GreedyAC experiments
(arXiv 1810.09103). There the angle moves by the speed before it is clipped; here, as in gymnasium, by
the speed after it is clipped.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np

from env.drawing.canvas import BLACK, RED, Canvas
from env.tasks.classic_control import ClassicControl, finite_number, symmetric_box, wrap_angle

DT = 0.05
MAX_SPEED = 8.0
MAX_TORQUE = 2.0
UPRIGHT = math.pi / 12


def _positive(theta: float) -> float:
    return (1.0 + math.cos(theta)) / 2.0


def _sparse(theta: float) -> float:
    return 1.0 if abs(theta) < UPRIGHT else 0.0


REWARDS: dict[str, Callable[[float], float]] = {"cosine": math.cos, "positive": _positive, "sparse": _sparse}
"""Rewards by name, as functions of the angle after a step."""


class Pendulum(ClassicControl):
    """A hanging pendulum that is swung up and held there.

    State, observation: theta in [-pi, pi) rad, 0 upright and counter-clockwise positive; its speed in
    [-8, 8] rad/s. With `trig_features` the observation is cos theta, sin theta, speed.
    Action: torque in [-2, 2] N m, or an index into -2, 0, 2.
    Reward for the angle after the step: "cosine", cos theta; "positive", (1 + cos theta) / 2; "sparse",
    1 within 15 degrees of upright, else 0 (the sparse reward of Neumann's MirrorDescentRL). `penalty` is
    subtracted on each step that ends at the speed limit. Rising freely from the lowest point to upright
    takes 7.75 rad/s there, so a swing-up can avoid the penalty and whirling cannot. "positive" and
    `penalty` are our own definitions: GreedyAC names such variants, but does not publish them.
    Start: hanging at rest.  End: never.  Step: 0.05 s of semi-implicit Euler, m = 1 kg, l = 1 m.
    """

    angles = (0,)
    view = (-1.3, 1.3, -1.3, 1.3)
    state_space = symmetric_box(math.inf, MAX_SPEED, dtype=np.float64)

    def __init__(
        self, continuous: bool = True, trig_features: bool = False, g: float = 10.0, reward: str = "cosine",
        penalty: float = 0.0, render_mode: str | None = None,
    ) -> None:  # fmt: skip
        """Set observation and reward.

        g: gravity in m/s^2.  reward: a key of REWARDS.  Raises ValueError for a value that is not allowed.
        """
        super().__init__(MAX_TORQUE, continuous, render_mode)
        if reward not in REWARDS:
            raise ValueError(f"env_kwargs.reward: found {reward!r}; allowed: {', '.join(REWARDS)}")
        self.trig_features = trig_features
        self.g, self.penalty = finite_number("g", g), finite_number("penalty", penalty)
        self._reward = REWARDS[reward]
        self.observation_space: gym.spaces.Box = symmetric_box(*([1.0, 1.0] if trig_features else [math.pi]), MAX_SPEED)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Apply a torque (1,), or the index of one. Returns obs (O,) float32, reward, False, False, {}."""
        theta, speed = self._state = swing_pendulum(self._state, self._force(action), self.g)
        reward = self._reward(theta)
        if abs(speed) >= MAX_SPEED:
            reward -= self.penalty
        return self._get_obs(), reward, False, False, {}

    def _start_state(self) -> tuple[float, ...]:
        return -math.pi, 0.0

    def _get_obs(self) -> np.ndarray:
        theta, speed = self._state
        shown = (math.cos(theta), math.sin(theta), speed) if self.trig_features else (theta, speed)
        return np.array(shown, np.float32)

    def _draw(self, canvas: Canvas) -> None:
        theta = self._state[0]
        canvas.line((0.0, 0.0), (-math.sin(theta), math.cos(theta)), 0.2, RED)
        canvas.circle((0.0, 0.0), 0.05, BLACK)


def swing_pendulum(state: tuple[float, float], torque: float, g: float, dt: float = DT) -> tuple[float, float]:
    """Return the state after one step of semi-implicit Euler.

    state: theta in [-pi, pi) rad, speed in rad/s.  torque: N m.  g: m/s^2.  dt: s.
    """
    theta, speed = state
    speed += (1.5 * g * math.sin(theta) + 3.0 * torque) * dt
    speed = max(min(speed, MAX_SPEED), -MAX_SPEED)
    return wrap_angle(theta + speed * dt), speed
