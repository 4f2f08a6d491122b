"""One step of every pendulum of a stack, in one call of machine code, with the bits of `LeanPendulum.step`."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from env.tasks.lean_pendulum import LeanPendulum

SOURCE = Path(__file__).with_suffix(".cpp")
"""C++ source of the machine code."""

OBS_DIM = 3
"""Observation features: cosine and sine of the angle, speed."""


class Constants(ctypes.Structure):
    """What the pendulums of a stack have in common; see the source."""

    _fields_ = (
        *((name, ctypes.c_double) for name in ("gravity", "step", "max_speed", "two")),
        *((name, ctypes.c_float) for name in ("push", "cost", "two_float")),
    )


class PendulumSteps:
    """Steps R pendulums of one kind."""

    def __init__(self, pendulums: Sequence[LeanPendulum], load: Callable[[str], ctypes.CDLL]) -> None:
        """Compile the code.  load: returns the library that a source is compiled to, and may raise."""
        runs, one = len(pendulums), pendulums[0]
        self._function = load(SOURCE.read_text()).step_pendulums
        self._pendulums = pendulums
        self._states: list[np.ndarray | None] = [None] * runs
        self._torques = np.zeros((runs, 1), np.float32)
        self._obs, self._rewards = np.zeros((runs, OBS_DIM), np.float32), np.zeros(runs)
        self._constants = Constants(
            3 * one.g / (2 * one.l), one.dt, one.max_speed, 2.0, 3.0 / (one.m * one.l**2), 0.001, 2.0
        )
        self._slots, self._state_pointers = np.zeros(runs, np.int64), (ctypes.c_void_p * runs)()
        self._pointers = (
            ctypes.c_void_p(self._slots.ctypes.data), self._state_pointers, ctypes.c_void_p(self._torques.ctypes.data),
            ctypes.byref(self._constants), *(ctypes.c_void_p(a.ctypes.data) for a in (self._obs, self._rewards)),
        )  # fmt: skip

    def __call__(self, action: np.ndarray, slots: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Step the pendulums in some slots, as `LeanPendulum.step` except for `last_u`, which only rendering reads.

        action: torques within the bounds, (R, 1) float32.
        Returns obs (R, 3) and rewards (R,), which the next call overwrites, and which slots have ended, (R,) bool.
        """
        for r in slots:
            if self._pendulums[r].state is not self._states[r]:  # It was reset, or its state was set.
                self._take_state(r)
        self._slots[: len(slots)] = slots
        self._torques[...] = action
        self._function(ctypes.c_int64(len(slots)), *self._pointers)
        return self._obs, self._rewards, np.zeros(len(self._pendulums), bool)

    def _take_state(self, slot: int) -> None:
        """Let the code work on the present state of a pendulum, (2,) float64."""
        pendulum = self._pendulums[slot]
        state = pendulum.state = np.array(pendulum.state, np.float64)
        self._states[slot], self._state_pointers[slot] = state, state.ctypes.data
