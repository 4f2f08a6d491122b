"""The pendulum to be swung up and held, with five rewards.

The dynamics are those of gymnasium's Pendulum-v1 (a rod of mass m and length l about its end), the
start, the observation and the cosine reward those of Neumann et al.'s GreedyAC experiments
(arXiv 1810.09103). There the angle moved by the speed before it was cut at the limit; here, as in
gymnasium, by the speed after it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np

from env.drawing.canvas import BLACK, RED, Canvas
from env.tasks.classic_control import ClassicControl, box, number, wrap

DT = 0.05
MAX_SPEED = 8.0
MAX_TORQUE = 2.0
UPRIGHT = math.pi / 12


def _positive(theta: float) -> float:
    return (1.0 + math.cos(theta)) / 2.0


def _sparse(theta: float) -> float:
    return 1.0 if abs(theta) < UPRIGHT else 0.0


REWARDS: dict[str, Callable[[float], float]] = {"cosine": math.cos, "positive": _positive, "sparse": _sparse}
"""Rewards of the angle that a step leads to."""


class Pendulum(ClassicControl):
    """Swing a pendulum up from hanging and hold it there; it never ends.

    State, observation: theta in [-pi, pi) rad, 0 upright and counter-clockwise positive; its speed in
    [-8, 8] rad/s. With `trig_features` the observation is cos theta, sin theta, speed.
    Action: torque in [-2, 2] N m, or an index into -2, 0, 2.
    Reward of the angle reached: "cosine", cos theta; "positive", (1 + cos theta) / 2; "sparse", 1
    within 15 degrees of upright, else 0 (the sparse reward of Neumann's MirrorDescentRL). `penalty`
    is subtracted on each step that ends at the speed limit: rising freely from the lowest point to
    upright takes 7.75 rad/s there, so whirling pays and a swing-up need not. "positive" and `penalty`
    are our own definitions: GreedyAC names such variants, but does not publish them.
    Start: hanging still.  Step: 0.05 s of semi-implicit Euler, m = 1 kg, l = 1 m.
    """

    angles = (0,)
    view = (-1.3, 1.3, -1.3, 1.3)
    state_space = box(math.inf, MAX_SPEED, dtype=np.float64)

    def __init__(
        self, continuous: bool = True, trig_features: bool = False, g: float = 10.0, reward: str = "cosine",
        penalty: float = 0.0, render_mode: str | None = None,
    ) -> None:  # fmt: skip
        """g: gravity in m/s^2.  reward: of REWARDS.  Raises ValueError for a value that is not allowed."""
        super().__init__(MAX_TORQUE, continuous, render_mode)
        if reward not in REWARDS:
            raise ValueError(f"env_kwargs.reward: found {reward!r}; allowed: {', '.join(REWARDS)}")
        self.trig_features = trig_features
        self.g, self.penalty = number("g", g), number("penalty", penalty)
        self._reward = REWARDS[reward]
        self.observation_space: gym.spaces.Box = box(*([1.0, 1.0] if trig_features else [math.pi]), MAX_SPEED)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """action: torque (1,), or an index.  Returns obs (O,) float32, reward, False, False, {}."""
        theta, speed = self._state = swing(self._state, self._force(action), self.g)
        reward = self._reward(theta)
        if abs(speed) >= MAX_SPEED:
            reward -= self.penalty
        return self._get_obs(), reward, False, False, {}

    def _start(self) -> tuple[float, ...]:
        return -math.pi, 0.0

    def _get_obs(self) -> np.ndarray:
        theta, speed = self._state
        shown = (math.cos(theta), math.sin(theta), speed) if self.trig_features else (theta, speed)
        return np.array(shown, np.float32)

    def _draw(self, canvas: Canvas) -> None:
        theta = self._state[0]
        canvas.line((0.0, 0.0), (-math.sin(theta), math.cos(theta)), 0.2, RED)
        canvas.circle((0.0, 0.0), 0.05, BLACK)


def swing(state: tuple[float, float], torque: float, g: float, dt: float = DT) -> tuple[float, float]:
    """One step of semi-implicit Euler, dt seconds. State: theta in [-pi, pi) rad, speed in rad/s."""
    theta, speed = state
    speed += (1.5 * g * math.sin(theta) + 3.0 * torque) * dt
    speed = max(min(speed, MAX_SPEED), -MAX_SPEED)
    return wrap(theta + speed * dt), speed
