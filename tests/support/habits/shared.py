"""Sleds with state in their class or module, which all instances share, or that refer to objects there."""

from __future__ import annotations

import functools
from typing import ClassVar

import numpy as np

from tests.support.habits.objects import Pose
from tests.support.habits.sled import Sled


class Curriculum(Sled):
    """A counter of episodes in the class."""

    begun: ClassVar[int] = 0

    def begin(self) -> None:
        type(self).begun += 1
        self.place = 0.01 * (self.begun % 100)


class CommonBuffer(Sled):
    """An array in the class holds the state of every instance."""

    buffer: ClassVar[np.ndarray] = np.zeros(1)

    def begin(self) -> None:
        self.buffer[:] = 0.0

    def gust(self) -> float:
        self.buffer[:] += 0.01
        return float(self.buffer[0])


MODULE_RNG = np.random.default_rng(0)


class ModuleGenerator(Sled):
    """A generator in its module."""

    def gust(self) -> float:
        return MODULE_RNG.normal()


class Memo(Sled):
    """A cache on a method, kept in the class."""

    @functools.cache  # noqa: B019
    def slope(self, cell: int) -> float:
        """Return the slope of a part of the rail."""
        return float(self.np_random.standard_normal())

    def gust(self) -> float:
        return self.slope(round(4 * self.place))


GOALS = [Pose(1.0), Pose(-1.0)]
TABLE = {"gains": np.array([0.1, 0.2])}


class ModuleObject(Sled):
    """Refers to objects of its module."""

    def begin(self) -> None:
        self.goal, self.gains = GOALS[0], TABLE["gains"]

    def gust(self) -> float:
        self.goal = GOALS[1] if self.goal is GOALS[0] else GOALS[0]
        return self.goal.x * self.gains[0]


def left(x: float) -> float:
    return -1.0 - x


def right(x: float) -> float:
    return 1.0 - x


class ModuleFunction(Sled):
    """Refers to functions of its module."""

    def begin(self) -> None:
        self.push = left

    def gust(self) -> float:
        self.push = left if self.place > 0 else right
        return self.push(self.place)
