"""Environments that Gymnasium accepts, each with one habit of third-party packages in how it keeps its state."""

from __future__ import annotations

import ctypes
import enum
import functools
import itertools
import random
import sys
import weakref
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box


class Line(gym.Env[np.ndarray, Any]):
    """A point on a line, with observations (2,) and actions (1,), that ends far from its start."""

    def __init__(self) -> None:
        self.observation_space, self.action_space = Box(-9, 9, (2,), np.float32), Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        if seed is not None:
            self.seeded(seed)
        self.x, self.v = 0.0, 0.0
        self.begin()
        return self.obs(), {}

    def seeded(self, seed: int) -> None:
        """Make generators."""

    def begin(self) -> None:
        """Begin an episode."""

    def noise(self) -> float:
        return 0.0

    def obs(self) -> np.ndarray:
        return np.array([self.x, self.v], np.float32)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.v = 0.9 * self.v + 0.3 * float(action[0]) + 0.2 * self.noise()
        self.x += self.v
        return self.obs(), -(self.x**2), abs(self.x) > 3, False, {}


class GlobalNumpy(Line):
    def noise(self) -> float:
        return np.random.randn()  # noqa: NPY002


class GlobalNumpySeeded(GlobalNumpy):
    def seeded(self, seed: int) -> None:
        np.random.seed(seed)  # noqa: NPY002


class GlobalRandom(Line):
    def seeded(self, seed: int) -> None:
        random.seed(seed)

    def noise(self) -> float:
        return random.gauss(0, 1)


class GlobalMethod(Line):
    def begin(self) -> None:
        self.draw = np.random.normal


class OwnEntropy(Line):
    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.default_rng()

    def noise(self) -> float:
        return self.rng.standard_normal()


class IgnoresSeed(Line):
    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        return super().reset()

    def noise(self) -> float:
        return self.np_random.standard_normal()


class ClassCounter(Line):
    episodes = 0

    def begin(self) -> None:
        type(self).episodes += 1
        self.x = 0.01 * type(self).episodes


class ClassArray(Line):
    state = np.zeros(2)

    def begin(self) -> None:
        self.state[:] = 0

    def noise(self) -> float:
        self.state[1] += 0.1
        return self.state[1]


MODULE_RNG = np.random.default_rng(0)


class ModuleGenerator(Line):
    def noise(self) -> float:
        return MODULE_RNG.normal()


class RandomRandom(Line):
    def seeded(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def noise(self) -> float:
        return self.rng.gauss(0, 1) + self.rng.random()


class RandomMethods(Line):
    def seeded(self, seed: int) -> None:
        rng = random.Random(seed)
        self.draws = [rng.random, rng.gauss]

    def noise(self) -> float:
        return self.draws[0]() + self.draws[1](0.0, 1.0)  # type: ignore[call-arg]


class Partial(Line):
    def seeded(self, seed: int) -> None:
        self.draw = functools.partial(np.random.default_rng(seed).normal, 0.0, scale=1.0)

    def noise(self) -> float:
        return self.draw()


class BoundMethod(Line):
    def seeded(self, seed: int) -> None:
        self.draw = np.random.default_rng(seed).normal

    def noise(self) -> float:
        return self.draw()


class OwnMethod(Line):
    def begin(self) -> None:
        self.draw: Callable[[], float] = self.slow

    def slow(self) -> float:
        self.draw = self.fast
        return self.np_random.normal()

    def fast(self) -> float:
        self.draw = self.slow
        return 2.0 * self.np_random.normal()

    def noise(self) -> float:
        return self.draw()


class Closure(Line):
    def seeded(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.draw = lambda: rng.normal()

    def noise(self) -> float:
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


class SharedClosure(Line):
    def begin(self) -> None:
        self.up, self.down = make_counter(2)

    def noise(self) -> float:
        return 0.01 * self.up() + 0.1 * self.down()


def left(x: float) -> float:
    return -1.0 - x


def right(x: float) -> float:
    return 1.0 - x


class ModuleFunction(Line):
    def begin(self) -> None:
        self.push = left

    def noise(self) -> float:
        self.push = left if self.x > 0 else right
        return self.push(self.x)


class SpaceSample(Line):
    def seeded(self, seed: int) -> None:
        self.observation_space.seed(seed)

    def noise(self) -> float:
        return 0.1 * float(self.observation_space.sample()[0])


class Spawned(Line):
    def noise(self) -> float:
        (child,) = self.np_random.spawn(1)
        return child.normal()


class SeedChildren(Line):
    def seeded(self, seed: int) -> None:
        self.seeds = np.random.SeedSequence(seed)
        self.rngs = [np.random.Generator(np.random.Philox(child)) for child in self.seeds.spawn(2)]

    def noise(self) -> float:
        (child,) = self.seeds.spawn(1)
        return self.rngs[0].normal() + self.rngs[1].normal() + np.random.default_rng(child).normal()


class Legacy(Line):
    def seeded(self, seed: int) -> None:
        self.rng = np.random.RandomState(seed)

    def noise(self) -> float:
        return self.rng.randn() + self.rng.rand()


class PygameRect(Line):
    def begin(self) -> None:
        import pygame

        self.box = pygame.Rect(0, 0, 10, 10)

    def noise(self) -> float:
        self.box.x += 1
        return self.box.x / 100


class PygameVector(Line):
    def begin(self) -> None:
        import pygame

        self.wind = pygame.Vector2(0, 0)

    def noise(self) -> float:
        self.wind.x += 0.1
        return self.wind.x / 10


class PygameSprite(Line):
    def begin(self) -> None:
        import pygame

        self.ball = pygame.sprite.Sprite()
        self.ball.rect = pygame.Rect(0, 0, 1, 1)
        self.balls = pygame.sprite.Group(self.ball)

    def noise(self) -> float:
        for ball in self.balls:
            ball.rect.move_ip(1, 0)
        return self.ball.rect.x / 100


class Gear(enum.Enum):
    LOW = 1
    MID = 2
    HIGH = 3


class Doors(enum.Flag):
    LEFT = 1
    RIGHT = 2


class EnumState(Line):
    def begin(self) -> None:
        self.gear, self.doors = Gear.LOW, Doors(0)

    def noise(self) -> float:
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


class Dataclasses(Line):
    def begin(self) -> None:
        self.pose, self.cart = Pose(), Cart()

    def noise(self) -> float:
        self.pose = Pose(self.pose.x + 0.1, (*self.pose.marks, 1))
        self.cart.speed += 0.1
        self.cart.past.append(self.cart.speed)
        return 0.01 * self.pose.x * len(self.pose.marks) + 0.01 * sum(self.cart.past)


GOALS = [Pose(1.0), Pose(-1.0)]
TABLE = {"gains": np.array([0.1, 0.2])}


class ModuleObject(Line):
    def begin(self) -> None:
        self.goal, self.gains = GOALS[0], TABLE["gains"]

    def noise(self) -> float:
        self.goal = GOALS[1] if self.goal is GOALS[0] else GOALS[0]
        return self.goal.x * self.gains[0]


class Bytes(Line):
    def begin(self) -> None:
        self.board, self.grid = b"..#..", bytearray(5)

    def noise(self) -> float:
        self.board = self.board[1:] + self.board[:1]
        self.grid[len(self.grid) - 1] += self.board[0] % 3
        return 0.01 * self.board[0] + 0.01 * self.grid[-1]


class Fortran(Line):
    def begin(self) -> None:
        self.field = np.asfortranarray(self.np_random.normal(size=(5, 7)).astype(np.float32))
        self.cube = np.transpose(np.zeros((2, 3, 4)), (1, 2, 0)).copy(order="K")

    def noise(self) -> float:
        self.field *= np.float32(1.01)
        self.cube += self.field[0, 0]
        return float(self.field.ravel(order="K").cumsum()[-4]) + float(self.cube.strides[0])


class Views(Line):
    def begin(self) -> None:
        self.state = np.zeros(6)
        self.place, self.back = self.state[:3], self.state[::-2]
        self.again = self.state

    def noise(self) -> float:
        self.place += 0.1
        self.back[0] += 0.3
        self.again[1] *= 2
        return float(self.state.sum())


class ObjectArray(Line):
    def begin(self) -> None:
        self.cells = np.empty((2, 2), object)
        self.cells[:] = [[Cart(), None], [1, "a"]]
        self.cart = self.cells[0, 0]

    def noise(self) -> float:
        self.cart.speed += 0.1
        return self.cells[0, 0].speed


class CountIterator(Line):
    def begin(self) -> None:
        self.clock = itertools.count()

    def noise(self) -> float:
        return next(self.clock) / 100


class CycleIterator(Line):
    def begin(self) -> None:
        self.signs = itertools.cycle([1, -1])

    def noise(self) -> float:
        return next(self.signs)


class PythonGenerator(Line):
    def begin(self) -> None:
        self.signs = (sign for sign in [1, -1] * 100)

    def noise(self) -> float:
        return next(self.signs)


class Structure(ctypes.Structure):
    _fields_ = (("x", ctypes.c_double),)


class StateInC(Line):
    def begin(self) -> None:
        self.world = Structure()

    def noise(self) -> float:
        self.world.x += 0.1
        return self.world.x


class Proxy:
    """An object as SWIG makes it: a Python class around a pointer, which answers for any attribute."""

    def __init__(self) -> None:
        self.this = iter(())

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no such field in the struct")


class SwigLike(Line):
    def begin(self) -> None:
        self.world = Proxy()


class LibraryClient(Line):
    """Number of a simulation in a module in C, as with pybullet."""

    def begin(self) -> None:
        self.client = 0

    def noise(self) -> float:
        import pybullet  # type: ignore[import-not-found]

        return pybullet.stepSimulation(self.client)


class SetAttr(Line):
    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name == "v":
            object.__setattr__(self, "moves", getattr(self, "moves", 0) + 1)

    def begin(self) -> None:
        object.__setattr__(self, "moves", 0)

    def noise(self) -> float:
        return 0.01 * self.moves


class LruCache(Line):
    @functools.cache  # noqa: B019
    def drift(self, place: int) -> float:
        return float(self.np_random.standard_normal())

    def noise(self) -> float:
        return 0.1 * self.drift(int(abs(self.x) * 3))


Pair = namedtuple("Pair", "a b")


class Board(list):
    """A list with an attribute."""

    turn = 0


class Containers(Line):
    def begin(self) -> None:
        self.past = deque([0.0] * 3, maxlen=3)
        self.pair, self.board, self.counts = Pair(1, [2.0]), Board([1, 2]), Counter("a")
        self.nested = ((1.0, [2, 3]), {"a": (1, "b"), (1, 2): None, 3: {4}})
        self.ordered, self.lists = OrderedDict(b=1, a=2), defaultdict(list)
        self.seen, self.frozen = {0}, frozenset({1, 5})
        self.numbers = [0.5] * 20
        self.odd = [1 + 2j, range(3), slice(1, None), Fraction(1, 3), Path("a/b"), "\ud800é", 10**5000, ..., object]

    def noise(self) -> float:
        self.past.append(self.x)
        self.board.turn += 1
        self.board.append(self.board.turn)
        self.pair.b.append(self.x)
        self.counts["a"] += 1
        self.ordered.move_to_end("b" if self.board.turn % 2 else "a")
        self.lists[self.board.turn % 3].append(1.0)
        self.seen.add(self.board.turn)
        self.numbers[3] += 0.1
        first = next(iter(self.ordered.values()))
        sizes = sum(map(len, self.lists.values())) + len(self.seen) + sum(self.board) + self.counts["a"]
        return 0.1 * self.past[0] + 0.01 * first + 0.001 * sizes + 0.01 * self.numbers[3] + sum(self.pair.b)


class SharedGenerator(Line):
    class Part:
        def __init__(self, rng: np.random.Generator) -> None:
            self.rng = rng

    def seeded(self, seed: int) -> None:
        self.part = self.Part(self.np_random)

    def noise(self) -> float:
        return self.part.rng.standard_normal() + self.np_random.random()


class PartOf(Line):
    class Part:
        def __init__(self, env: gym.Env[Any, Any]) -> None:
            self.env, self.itself = env, weakref.ref(env)

    def begin(self) -> None:
        self.part = self.Part(self)

    def noise(self) -> float:
        assert self.part.env is self
        assert self.part.itself() is self
        return 0.1


class Particle:
    def __init__(self, place: float) -> None:
        self.place, self.friends = place, set[Particle]()

    def meet(self, other: Particle) -> None:
        self.friends.add(other)


class Particles(Line):
    """Objects whose number changes, in several containers at once, and which refer to each other."""

    def begin(self) -> None:
        self.particles = [Particle(0.0)]
        self.by_name = {"first": self.particles[0]}
        self.queue = deque(self.particles)
        self.order = {self.particles[0]: 0}

    def noise(self) -> float:
        new = Particle(self.x)
        new.friends.update(self.particles)
        self.particles[0].meet(new)
        self.particles.append(new)
        self.queue.append(new)
        self.order[new] = len(self.order)
        self.by_name["first"].place += 0.01
        self.queue.rotate(1)
        total = sum(friend.place for friend in self.particles[0].friends if friend is new)
        return self.queue[0].place + total + 0.01 * self.order[new] + 0.1 * self.particles[0].place


class Cycle(Line):
    def begin(self) -> None:
        self.ring: list[Any] = [0.0]
        self.ring.append((self.ring, {"ring": self.ring}))

    def noise(self) -> float:
        self.ring[1][1]["ring"][0] += 0.1
        return self.ring[0]


class Counted(gym.Wrapper[np.ndarray, Any, np.ndarray, Any]):
    """A wrapper with running statistics, which outlive a reset, as NormalizeObservation has them."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        self.mean, self.count = np.zeros(2), 0

    def reset(self, **options: Any) -> tuple[np.ndarray, dict[str, Any]]:
        obs, info = super().reset(**options)
        return self._normalize(obs), info

    def step(self, action: Any) -> tuple[np.ndarray, Any, bool, bool, dict[str, Any]]:
        obs, *rest = super().step(action)
        return self._normalize(obs), *rest  # type: ignore[return-value]

    def _normalize(self, obs: np.ndarray) -> np.ndarray:
        self.count += 1
        self.mean += (obs - self.mean) / self.count
        return (obs - self.mean).astype(np.float32)


def make_counted() -> gym.Env[Any, Any]:
    """Return an environment with running statistics."""
    return Counted(Spawned())


class BodyMoved(Line):
    """MuJoCo: a target's place, a mass and gravity are in the model, and drawn at reset."""

    XML = """<mujoco><worldbody><body name='t' pos='0 0 0'><geom size='.1'/></body><body pos='0 0 1'>
      <joint type='slide' axis='1 0 0'/><geom size='.1'/></body></worldbody></mujoco>"""

    def __init__(self) -> None:
        super().__init__()
        import mujoco

        self.model = mujoco.MjModel.from_xml_string(self.XML)
        self.data = mujoco.MjData(self.model)

    def begin(self) -> None:
        import mujoco

        mujoco.mj_resetData(self.model, self.data)
        self.model.body_pos[1, 0] = self.np_random.uniform(-1, 1)
        self.model.body_mass[2] = self.np_random.uniform(1, 2)
        self.model.opt.gravity[0] = self.np_random.uniform(-1, 1)
        self.model.opt.timestep = self.np_random.uniform(0.001, 0.002)
        mujoco.mj_forward(self.model, self.data)

    def obs(self) -> np.ndarray:
        return np.array([self.data.qpos[0], self.data.xpos[1, 0]], np.float32)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        import mujoco

        self.data.qfrc_applied[0] = 50 * float(action[0])
        for _ in range(5):
            mujoco.mj_step(self.model, self.data)
        distance = float(self.data.qpos[0] - self.data.xpos[1, 0])
        return self.obs(), -(distance**2), abs(distance) > 3, False, {}


EXACT: tuple[Callable[[], gym.Env[Any, Any]], ...] = (
    OwnEntropy, IgnoresSeed, RandomRandom, RandomMethods, Partial, BoundMethod, OwnMethod, Closure, SharedClosure,
    ModuleFunction, SpaceSample, Spawned, SeedChildren, Legacy, PygameRect, PygameVector, PygameSprite, EnumState,
    Dataclasses, ModuleObject, Bytes, Fortran, Views, ObjectArray, SetAttr, Containers, SharedGenerator, PartOf,
    Particles, Cycle, make_counted, BodyMoved,
)  # fmt: skip
"""Environments that continue with the same bits after they were restored."""

UNSAVABLE: dict[type[gym.Env[Any, Any]], str] = {
    GlobalMethod: r"GlobalMethod\.draw\.__self__ is numpy's global random stream",
    CountIterator: r"CountIterator\.clock is a count",
    CycleIterator: r"CycleIterator\.signs is a cycle",
    PythonGenerator: r"PythonGenerator\.signs is a generator",
    StateInC: r"StateInC\.world is a Structure",
    SwigLike: r"SwigLike\.world\.this is a tuple_iterator",
    LruCache: r"LruCache\.drift keeps results of earlier calls",
}
"""Environments that cannot be saved, each with the reason."""

CHANGED: dict[type[gym.Env[Any, Any]], str] = {
    ClassCounter: r"ClassCounter\.episodes, which environments share, has changed",
    ClassArray: r"ClassArray\.state, which environments share, has changed",
    ModuleGenerator: r"odd_envs\.MODULE_RNG, which environments share, has changed",
}
"""Environments that cannot be restored, each with the reason."""

STREAMS: dict[type[gym.Env[Any, Any]], str] = {
    GlobalNumpy: "GlobalNumpy: numpy's global random stream was used since the environment was made",
    GlobalNumpySeeded: "GlobalNumpySeeded: numpy's global random stream was used since the environment was made",
    GlobalRandom: "GlobalRandom: Python's global random stream was used since the environment was made",
}
"""Environments that draw from a stream of the whole process, each with the reason."""

MODULE = sys.modules[__name__]
