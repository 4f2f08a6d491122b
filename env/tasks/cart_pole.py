"""ContinuousCartpole-v0: balance a pole on a cart with a continuous push.

Dynamics, start and end of gymnasium's CartPole-v1, in plain floats; gymnasium's cart is always pushed
with full force, to the left or to the right.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from env.drawing.canvas import BLACK, GOLD, GREY, Canvas
from env.tasks.classic_control import ClassicControl, finite_number, symmetric_box

DT = 0.02
GRAVITY = 9.8
CART_MASS, POLE_MASS = 1.0, 0.1
HALF_POLE = 0.5
MASS = POLE_MASS + CART_MASS
MAX_POSITION = 2.4
MAX_ANGLE = 12 * 2 * math.pi / 360

State = tuple[float, float, float, float]


class ContinuousCartPole(ClassicControl):
    """A cart that is pushed to keep a pole upright on it.

    State, observation: cart position (m) and speed (m/s), the pole's angle from upright (rad) and its
    speed (rad/s). Speeds are unbounded; position and angle are within twice the limits below.
    Action: in [-1, 1], times `force_mag` newtons.  Reward: 1 per step, including the last.
    Start: each number uniform in [-0.05, 0.05].  End: the cart beyond 2.4 m or the pole beyond 12
    degrees.  Step: 0.02 s of explicit Euler, cart of 1 kg, pole of 0.1 kg and 1 m, no friction.
    """

    view = (-2.6, 2.6, -0.5, 1.3)
    state_space = symmetric_box(2 * MAX_POSITION, math.inf, 2 * MAX_ANGLE, math.inf, dtype=np.float64)
    observation_space = symmetric_box(2 * MAX_POSITION, math.inf, 2 * MAX_ANGLE, math.inf)

    def __init__(self, force_mag: float = 10.0, render_mode: str | None = None) -> None:
        """Set the force of a full push.  force_mag: newtons.  Raises ValueError for a value that is not allowed."""
        super().__init__(1.0, True, render_mode)
        self.force_mag = finite_number("force_mag", force_mag)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Push by an action (1,). Returns obs (4,) float32, reward, terminated, False, {}."""
        position, _, angle, _ = self._state = push_cart(self._state, self.force_mag * self._force(action))
        terminated = abs(position) > MAX_POSITION or abs(angle) > MAX_ANGLE
        return self._get_obs(), 1.0, terminated, False, {}

    def _start_state(self) -> tuple[float, ...]:
        return tuple(self.np_random.uniform(-0.05, 0.05, 4).tolist())

    def _get_obs(self) -> np.ndarray:
        return np.array(self._state, np.float32)

    def _draw(self, canvas: Canvas) -> None:
        position, _, angle, _ = self._state
        canvas.line((-MAX_POSITION, 0.0), (MAX_POSITION, 0.0), 0.02, GREY)
        left, right = position - 0.25, position + 0.25
        canvas.rectangle((left, right), (-0.15, 0.15), BLACK)
        tip = position + 2 * HALF_POLE * math.sin(angle), 2 * HALF_POLE * math.cos(angle)
        canvas.line((position, 0.0), tip, 0.1, GOLD)


def push_cart(state: State, force: float) -> State:
    """Return the state after one step of explicit Euler under a force in newtons (Florian 2007, eqs. 23 and 24)."""
    position, speed, angle, spin = state
    sine, cosine = math.sin(angle), math.cos(angle)
    drive = (force + POLE_MASS * HALF_POLE * (spin * spin) * sine) / MASS
    turn = (GRAVITY * sine - cosine * drive) / (HALF_POLE * (4.0 / 3.0 - POLE_MASS * (cosine * cosine) / MASS))
    pull = drive - POLE_MASS * HALF_POLE * turn * cosine / MASS
    return position + DT * speed, speed + DT * pull, angle + DT * spin, spin + DT * turn
