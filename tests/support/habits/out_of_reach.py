"""Sleds whose state is out of reach: in iterators, or in C."""

from __future__ import annotations

import ctypes
import itertools
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from tests.support.habits.sled import Sled


class CountIterator(Sled):
    """Counts with an iterator."""

    def begin(self) -> None:
        self.clock = itertools.count()

    def gust(self) -> float:
        return next(self.clock) / 100


class Tiles(CountIterator):
    """Observes a table of numbers, too."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_space = Box(-50.0, 50.0, (1, 2), np.float32)

    def obs(self) -> np.ndarray:
        return super().obs().reshape(1, 2)


class CycleIterator(Sled):
    """Alternates with an iterator."""

    def begin(self) -> None:
        self.signs = itertools.cycle([1, -1])

    def gust(self) -> float:
        return next(self.signs)


class PythonGenerator(Sled):
    """Alternates with a generator of Python's."""

    def begin(self) -> None:
        self.signs = (sign for sign in [1, -1] * 1000)

    def gust(self) -> float:
        return next(self.signs)


class Structure(ctypes.Structure):
    _fields_ = (("x", ctypes.c_double),)


class StateInC(Sled):
    """A structure of ctypes."""

    def begin(self) -> None:
        self.world = Structure()

    def gust(self) -> float:
        self.world.x += 0.1
        return self.world.x


class Proxy:
    """An object as SWIG makes it: a Python class around a pointer, which answers for any attribute."""

    def __init__(self) -> None:
        self.this = iter(())

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no such field in the struct")


class SwigLike(Sled):
    """An object as SWIG makes it, in C."""

    def begin(self) -> None:
        self.world = Proxy()


class LibraryClient(Sled):
    """The number of a simulation in a module in C, as with pybullet."""

    def begin(self) -> None:
        self.client = 0

    def gust(self) -> float:
        import pybullet  # type: ignore[import-not-found]

        return pybullet.stepSimulation(self.client)
