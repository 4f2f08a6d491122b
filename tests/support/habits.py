"""A sled on a rail in many versions, each with one habit that environments of other packages have."""

from __future__ import annotations

import functools
import random
import time
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import torch
from gymnasium.spaces import Box


class Sled(gym.Env[np.ndarray, Any]):
    """Without a habit: pushed by the action and by a gust. Leaving the rail ends the episode."""

    def __init__(self) -> None:
        self.observation_space = Box(-50.0, 50.0, (2,), np.float32)
        self.action_space = Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        if seed is not None:
            self.seeded(seed)
        self.place, self.speed, self.steps = self.start(), 0.0, 0
        return self.obs(), {}

    def seeded(self, seed: int) -> None:
        """Use a seed."""

    def start(self) -> float:
        """Return the place at which an episode starts."""
        return 0.0

    def gust(self) -> float:
        """Return the push of the wind."""
        return 0.0

    def obs(self) -> np.ndarray:
        """Return the observation."""
        return np.array((self.place, self.speed), np.float32)

    def step(self, action: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        self.steps += 1
        self.speed = 0.8 * self.speed + 0.2 * float(action[0]) + 0.1 * self.gust()
        self.place += self.speed
        return self.obs(), -abs(self.place), abs(self.place) > 2.5, False, {}


class GymStream(Sled):
    """Gymnasium's generator, as it should be."""

    def gust(self) -> float:
        return float(self.np_random.standard_normal())


class NumpyStream(Sled):
    def gust(self) -> float:
        return np.random.standard_normal()  # noqa: NPY002


class NumpyStreamSeeded(NumpyStream):
    def seeded(self, seed: int) -> None:
        np.random.seed(seed % 2**32)  # noqa: NPY002


class NumpyStreamReseeded(NumpyStream):
    """Without a seed, a reset takes one from the operating system."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        np.random.seed(None if seed is None else seed % 2**32)  # noqa: NPY002
        return super().reset(seed=seed)


class FreshGenerator(Sled):
    """Every reset makes a generator from the seed, or from the operating system's entropy without one."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        self.rng = np.random.default_rng(seed)
        return super().reset(seed=seed)

    def gust(self) -> float:
        return float(self.rng.standard_normal())


class StandardStream(Sled):
    def gust(self) -> float:
        return random.gauss(0.0, 1.0)


class TorchStream(Sled):
    def gust(self) -> float:
        return float(torch.randn(()))


class MadeFromStream(Sled):
    """A parameter is drawn from numpy's global stream when the sled is made."""

    def __init__(self) -> None:
        super().__init__()
        self.wind = float(np.random.uniform(-1.0, 1.0))  # noqa: NPY002

    def gust(self) -> float:
        return self.wind


class MadeFromEntropy(Sled):
    def __init__(self) -> None:
        super().__init__()
        self.wind = float(np.random.default_rng().uniform(-1.0, 1.0))

    def gust(self) -> float:
        return self.wind


class OwnEntropy(Sled):
    """A generator that no reset reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.default_rng()

    def gust(self) -> float:
        return float(self.rng.standard_normal())


class SeedDropped(GymStream):
    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        return super().reset()


class Clock(Sled):
    def gust(self) -> float:
        return time.perf_counter_ns() % 1000 / 1000


class Curriculum(Sled):
    """A counter of episodes in the class."""

    begun: ClassVar[int] = 0

    def start(self) -> float:
        type(self).begun += 1
        return 0.01 * (self.begun % 100)


class CommonBuffer(Sled):
    """An array in the class holds the state of every instance."""

    buffer: ClassVar[np.ndarray] = np.zeros(1)

    def start(self) -> float:
        self.buffer[:] = 0.0
        return 0.0

    def gust(self) -> float:
        self.buffer[:] += 0.01
        return float(self.buffer[0])


class OwnStandard(Sled):
    def seeded(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def gust(self) -> float:
        return self.rng.gauss(0.0, 1.0)


class BoundDraw(Sled):
    def seeded(self, seed: int) -> None:
        self.draw = np.random.default_rng(seed).standard_normal

    def gust(self) -> float:
        return float(self.draw())


class PartialDraw(Sled):
    def seeded(self, seed: int) -> None:
        self.draw = functools.partial(np.random.default_rng(seed).normal, 0.0)

    def gust(self) -> float:
        return float(self.draw(1.0))


class EnclosedDraw(Sled):
    def seeded(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.draw = lambda: float(rng.standard_normal())

    def gust(self) -> float:
        return self.draw()


class SpaceDraw(Sled):
    """Starts are samples of the observation space."""

    def seeded(self, seed: int) -> None:
        self.observation_space.seed(seed)

    def start(self) -> float:
        return float(self.observation_space.sample()[0]) / 50.0


class Memo(Sled):
    """A cache on a method, kept in the class."""

    @functools.cache  # noqa: B019
    def slope(self, cell: int) -> float:
        """Return the slope of a part of the rail."""
        return float(self.np_random.standard_normal())

    def gust(self) -> float:
        return self.slope(round(4 * self.place))


class Average(Sled):
    """Observations are relative to the average of all before, of earlier episodes too."""

    def __init__(self) -> None:
        super().__init__()
        self.total, self.count = 0.0, 1

    def obs(self) -> np.ndarray:
        self.total, self.count = self.total + self.place, self.count + 1
        return np.array((self.place - self.total / self.count, self.speed), np.float32)

    def start(self) -> float:
        return float(self.np_random.uniform(-1.0, 1.0))


class History(Sled):
    """Plain lists and tuples."""

    def start(self) -> float:
        self.past: list[Any] = [(0.0, "calm")] * 3
        return 0.0

    def gust(self) -> float:
        self.past = [*self.past[1:], (self.place, "windy")]
        return self.past[0][0]


class Letters(Sled):
    """Bytes as state, and a set."""

    def start(self) -> float:
        self.level, self.seen = b"..#..", {0}
        return 0.0

    def gust(self) -> float:
        self.level, self.seen = self.level[1:] + self.level[:1], self.seen | {self.steps}
        return (self.level[:1] == b"#") + 0.01 * len(self.seen)


class LegacySeed(Sled):
    def seeded(self, seed: int) -> None:
        self.rng = np.random.RandomState(seed)

    def gust(self) -> float:
        return float(self.rng.standard_normal())


class ShortSeed(LegacySeed):
    """Passes its seed through a C int."""

    def seeded(self, seed: int) -> None:
        super().seeded(int(np.int32(seed)))


HABITS: dict[str, type[Sled]] = {
    kind.__name__: kind for kind in list(globals().values()) if isinstance(kind, type) and issubclass(kind, Sled)
}
"""Every version, by name."""
