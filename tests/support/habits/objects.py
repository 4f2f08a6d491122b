"""Sleds whose state is in objects and functions."""

from __future__ import annotations

import enum
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym

from tests.support.habits.sled import Sled


class OwnMethod(Sled):
    """Its own methods as values."""

    def begin(self) -> None:
        self.draw: Callable[[], float] = self.slow

    def slow(self) -> float:
        self.draw = self.fast
        return self.np_random.normal()

    def fast(self) -> float:
        self.draw = self.slow
        return 2.0 * self.np_random.normal()

    def gust(self) -> float:
        return self.draw()


def make_counter(start: int) -> tuple[Callable[[], int], Callable[[], int]]:
    """Return two functions that share a count."""
    count = start

    def up(by: int = 1) -> int:
        nonlocal count
        count += by
        return count

    def down() -> int:
        nonlocal count
        count -= 3 if count > 8 else 0
        return count

    return up, down


class SharedClosure(Sled):
    """Two functions that share a variable."""

    def begin(self) -> None:
        self.up, self.down = make_counter(2)

    def gust(self) -> float:
        return 0.01 * self.up() + 0.1 * self.down()


class Gear(enum.Enum):
    LOW = 1
    MID = 2
    HIGH = 3


class Doors(enum.Flag):
    LEFT = 1
    RIGHT = 2


class EnumState(Sled):
    """Members of enumerations."""

    def begin(self) -> None:
        self.gear, self.doors = Gear.LOW, Doors(0)

    def gust(self) -> float:
        if self.np_random.random() < 0.5:
            self.gear = Gear.HIGH if self.gear is Gear.MID else Gear.MID
            self.doors = Doors.LEFT | Doors.RIGHT if self.doors is Doors.LEFT else Doors.LEFT
        return {Gear.LOW: 0.0, Gear.MID: 0.5, Gear.HIGH: -0.5}[self.gear] + 0.1 * self.doors.value


@dataclass(frozen=True)
class Pose:
    x: float = 0.0
    marks: tuple[int, ...] = ()


@dataclass(slots=True)
class Cart:
    speed: float = 0.0
    past: list[float] = field(default_factory=list)


class Dataclasses(Sled):
    """A frozen dataclass, and one with slots."""

    def begin(self) -> None:
        self.pose, self.cart = Pose(), Cart()

    def gust(self) -> float:
        self.pose = Pose(self.pose.x + 0.1, (*self.pose.marks, 1))
        self.cart.speed += 0.1
        self.cart.past.append(self.cart.speed)
        return 0.01 * self.pose.x * len(self.pose.marks) + 0.01 * sum(self.cart.past)


class SetAttr(Sled):
    """Counts how often an attribute is set."""

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name == "speed":
            object.__setattr__(self, "moves", getattr(self, "moves", 0) + 1)

    def begin(self) -> None:
        object.__setattr__(self, "moves", 0)

    def gust(self) -> float:
        return 0.01 * self.moves


class PartOf(Sled):
    """A part that refers to the whole."""

    class Part:
        def __init__(self, env: gym.Env[Any, Any]) -> None:
            self.env, self.itself = env, weakref.ref(env)

    def begin(self) -> None:
        self.part = self.Part(self)

    def gust(self) -> float:
        assert self.part.env is self
        assert self.part.itself() is self
        return 0.1


class Particle:
    def __init__(self, place: float) -> None:
        self.place, self.friends = place, set[Particle]()

    def meet(self, other: Particle) -> None:
        self.friends.add(other)


class Particles(Sled):
    """Objects whose number changes, in several containers at once, and which refer to each other."""

    def begin(self) -> None:
        self.particles = [Particle(0.0)]
        self.by_name = {"first": self.particles[0]}
        self.queue = deque(self.particles)
        self.order = {self.particles[0]: 0}

    def gust(self) -> float:
        new = Particle(self.place)
        new.friends.update(self.particles)
        self.particles[0].meet(new)
        self.particles.append(new)
        self.queue.append(new)
        self.order[new] = len(self.order)
        self.by_name["first"].place += 0.01
        self.queue.rotate(1)
        total = sum(friend.place for friend in self.particles[0].friends if friend is new)
        return self.queue[0].place + total + 0.01 * self.order[new] + 0.1 * self.particles[0].place
