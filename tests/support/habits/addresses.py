"""Sleds that hold sets of objects: in the order of their addresses in memory, or in one that is drawn like it."""

from __future__ import annotations

import random
from typing import ClassVar

from tests.support.habits.sled import Sled


class Wheel:
    """Has a drag."""

    def __init__(self, drag: float) -> None:
        self.drag = drag


class PlacedWheel(Wheel):
    """Its place in a set is drawn, as it is by an address, but is the same in every process."""

    memory: ClassVar[random.Random] = random.Random(0)

    def __init__(self, drag: float) -> None:
        super().__init__(drag)
        self.address = self.memory.getrandbits(16)

    def __hash__(self) -> int:
        return self.address


class Wheeled(Sled):
    """New wheels in each episode, in no use."""

    kind: ClassVar[type[Wheel]] = Wheel

    def begin(self) -> None:
        self.wheels = {self.kind(1.0), self.kind(2.0)}


class WheelOrder(Wheeled):
    """The order of the wheels matters in one of 25 episodes."""

    kind = PlacedWheel

    def begin(self) -> None:
        super().begin()
        self.first = next(iter(self.wheels)).drag if self.np_random.random() > 0.96 else 0.0

    def gust(self) -> float:
        return 1e-9 * self.first
