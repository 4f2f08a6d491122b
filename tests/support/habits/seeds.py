"""Sleds that are no function of their seed, or only with help: global random streams, entropy, clocks, lost seeds."""

from __future__ import annotations

import random
import time
from typing import Any

import numpy as np
import torch

from tests.support.habits.sled import GymStream, Sled


class NumpyStream(Sled):
    """Draws from numpy's global stream, and never seeds it."""

    def gust(self) -> float:
        return np.random.standard_normal()  # noqa: NPY002


class NumpyStreamSeeded(NumpyStream):
    """Its reset seeds numpy's global stream, if it is given a seed."""

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
    """Draws from Python's global stream, and never seeds it."""

    def gust(self) -> float:
        return random.gauss(0.0, 1.0)


class StandardStreamSeeded(StandardStream):
    """Its reset seeds Python's global stream, if it is given a seed."""

    def seeded(self, seed: int) -> None:
        random.seed(seed)


class TorchStream(Sled):
    """Draws from torch's global stream."""

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
    """A parameter is drawn from the operating system's entropy when the sled is made."""

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
    """Its reset does not pass the seed on."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        return super().reset()


class SeededTooLate(GymStream):
    """Draws its start before it passes the seed on, so that the seed counts from the next episode on."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        self.wind = float(self.np_random.uniform(-1.0, 1.0))
        return super().reset(seed=seed)

    def gust(self) -> float:
        return self.wind


class SystemEntropy(Sled):
    """Draws from the operating system's entropy, which has no state."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = random.SystemRandom()

    def gust(self) -> float:
        return self.rng.uniform(-1.0, 1.0)


class Clock(Sled):
    """Reads the clock."""

    def gust(self) -> float:
        return time.perf_counter_ns() % 1000 / 1000


class LegacySeed(Sled):
    """Hands its seed to numpy's legacy generator, which refuses seeds of 64 bits."""

    def seeded(self, seed: int) -> None:
        self.rng = np.random.RandomState(seed)

    def gust(self) -> float:
        return self.rng.randn() + self.rng.rand()


class ShortSeed(LegacySeed):
    """Passes its seed through a C int."""

    def seeded(self, seed: int) -> None:
        super().seeded(int(np.int32(seed)))
