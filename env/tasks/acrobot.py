"""Acrobot-v1: swing two links up by a torque between them, with continuous or discrete torques.

Dynamics of Sutton & Barto's book as in gymnasium's Acrobot-v1, which has discrete torques only, and
in its order of operations, but in plain floats: the same states, four times as fast.
"""

from __future__ import annotations

import math
from math import cos, sin
from typing import Any

import numpy as np

from env.drawing.canvas import BLACK, BLUE, GOLD, GREY, Canvas
from env.tasks.classic_control import ClassicControl, symmetric_box, wrap_angle

DT = 0.2
GRAVITY = 9.8
PULL1, PULL2 = 1.5 * GRAVITY, 0.5 * GRAVITY
QUARTER = math.pi / 2.0
MAX_TORQUE = 1.0
MAX_SPEEDS = (4.0 * math.pi, 9.0 * math.pi)

State = tuple[float, float, float, float]


class Acrobot(ClassicControl):
    """Two links whose free end is swung one link's length above the fixed end.

    State: theta1, the first link's angle from hanging, and theta2, the second link's angle from the
    first, in [-pi, pi) rad; their speeds, in [-4 pi, 4 pi] and [-9 pi, 9 pi] rad/s.
    Observation: cos theta1, sin theta1, cos theta2, sin theta2, both speeds.
    Action: torque at the joint between the links, an index into -1, 0, 1 N m, or in [-1, 1].
    Reward: -1 per step, 0 for the step that reaches the goal.  End: at the goal.
    Start: each number uniform in [-0.1, 0.1].  Step: 0.2 s of Runge-Kutta; links of 1 kg, 1 m,
    mass in the middle, moment of inertia 1 kg m^2; no noise.
    """

    angles = (0, 1)
    view = (-2.2, 2.2, -2.2, 2.2)
    state_space = symmetric_box(math.inf, math.inf, *MAX_SPEEDS, dtype=np.float64)
    observation_space = symmetric_box(1.0, 1.0, 1.0, 1.0, *MAX_SPEEDS)

    def __init__(self, continuous: bool = False, render_mode: str | None = None) -> None:
        """Choose the kind of torque.  Raises ValueError for a value that is not allowed."""
        super().__init__(MAX_TORQUE, continuous, render_mode)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Apply a torque (1,), or the index of one. Returns obs (6,) float32, reward, terminated, False, {}."""
        theta1, theta2, speed1, speed2 = swing_links(self._state, self._force(action))
        high1, high2 = MAX_SPEEDS
        speed1, speed2 = max(min(speed1, high1), -high1), max(min(speed2, high2), -high2)
        self._state = wrap_angle(theta1), wrap_angle(theta2), speed1, speed2
        terminated = -cos(theta1) - cos(theta1 + theta2) > 1.0
        return self._get_obs(), 0.0 if terminated else -1.0, terminated, False, {}

    def _start_state(self) -> tuple[float, ...]:
        # gymnasium rounds the start to single precision.
        return tuple(self.np_random.uniform(-0.1, 0.1, 4).astype(np.float32).tolist())

    def _get_obs(self) -> np.ndarray:
        theta1, theta2, speed1, speed2 = self._state
        return np.array((cos(theta1), sin(theta1), cos(theta2), sin(theta2), speed1, speed2), np.float32)

    def _draw(self, canvas: Canvas) -> None:
        theta1, theta2, _, _ = self._state
        elbow = sin(theta1), -cos(theta1)
        tip = elbow[0] + sin(theta1 + theta2), elbow[1] - cos(theta1 + theta2)
        canvas.line((-2.2, 1.0), (2.2, 1.0), 0.02, GREY)
        canvas.line((0.0, 0.0), elbow, 0.2, BLUE)
        canvas.line(elbow, tip, 0.2, BLUE)
        for joint in ((0.0, 0.0), elbow):
            canvas.circle(joint, 0.1, GOLD)
        canvas.circle(tip, 0.05, BLACK)


def swing_links(state: State, torque: float, dt: float = DT) -> State:
    """Return the state after one step of the fourth-order Runge-Kutta method.

    state: two angles (rad), two speeds (rad/s).  torque: N m.  dt: s.
    """
    theta1, theta2, speed1, speed2 = state
    half, sixth = dt / 2.0, dt / 6.0
    a1, a2 = accelerations(theta1, theta2, speed1, speed2, torque)
    u1, u2 = speed1 + half * a1, speed2 + half * a2
    b1, b2 = accelerations(theta1 + half * speed1, theta2 + half * speed2, u1, u2, torque)
    v1, v2 = speed1 + half * b1, speed2 + half * b2
    c1, c2 = accelerations(theta1 + half * u1, theta2 + half * u2, v1, v2, torque)
    w1, w2 = speed1 + dt * c1, speed2 + dt * c2
    d1, d2 = accelerations(theta1 + dt * v1, theta2 + dt * v2, w1, w2, torque)
    return (
        theta1 + sixth * (speed1 + 2.0 * u1 + 2.0 * v1 + w1),
        theta2 + sixth * (speed2 + 2.0 * u2 + 2.0 * v2 + w2),
        speed1 + sixth * (a1 + 2.0 * b1 + 2.0 * c1 + d1),
        speed2 + sixth * (a2 + 2.0 * b2 + 2.0 * c2 + d2),
    )


def accelerations(theta1: float, theta2: float, speed1: float, speed2: float, torque: float) -> tuple[float, float]:
    """Return both joints' accelerations in rad/s^2, by the book's equations, rounded in gymnasium's order."""
    cos2, sin2 = cos(theta2), sin(theta2)
    d1 = 0.25 + (1.25 + cos2) + 2.0
    d2 = 0.25 + 0.5 * cos2 + 1.0
    phi2 = PULL2 * cos(theta1 + theta2 - QUARTER)
    phi1 = -0.5 * speed2**2 * sin2 - speed2 * speed1 * sin2 + PULL1 * cos(theta1 - QUARTER) + phi2
    numerator = torque + d2 / d1 * phi1 - 0.5 * speed1**2 * sin2 - phi2
    second = numerator / (1.25 - d2**2 / d1)
    return -(d2 * second + phi1) / d1, second
