"""Sleds with generators of their own, in the forms in which environments of other packages hold them."""

from __future__ import annotations

import functools
import random

import numpy as np

from tests.support.habits.sled import Sled


class OwnStandard(Sled):
    """A generator of Python's standard library."""

    def seeded(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def gust(self) -> float:
        return self.rng.gauss(0.0, 1.0) + self.rng.random()


class RandomMethods(Sled):
    """Methods of a generator of Python's standard library."""

    def seeded(self, seed: int) -> None:
        rng = random.Random(seed)
        self.draws = [rng.random, rng.gauss]

    def gust(self) -> float:
        return self.draws[0]() + self.draws[1](0.0, 1.0)  # type: ignore[call-arg]


class PartialDraw(Sled):
    """A generator's method with arguments."""

    def seeded(self, seed: int) -> None:
        self.draw = functools.partial(np.random.default_rng(seed).normal, 0.0, scale=1.0)

    def gust(self) -> float:
        return float(self.draw())


class BoundDraw(Sled):
    """A generator's method."""

    def seeded(self, seed: int) -> None:
        self.draw = np.random.default_rng(seed).standard_normal

    def gust(self) -> float:
        return float(self.draw())


class EnclosedDraw(Sled):
    """A generator in a function."""

    def seeded(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.draw = lambda: float(rng.standard_normal())

    def gust(self) -> float:
        return self.draw()


class SpaceDraw(Sled):
    """Starts and gusts are samples of the observation space."""

    def seeded(self, seed: int) -> None:
        self.observation_space.seed(seed)

    def begin(self) -> None:
        self.place = self.gust()

    def gust(self) -> float:
        return float(self.observation_space.sample()[0]) / 50.0


class Spawned(Sled):
    """Generators spawned by Gymnasium's."""

    def gust(self) -> float:
        (child,) = self.np_random.spawn(1)
        return child.normal()


class SeedChildren(Sled):
    """Generators made of the children of a seed."""

    def seeded(self, seed: int) -> None:
        self.seeds = np.random.SeedSequence(seed)
        self.rngs = [np.random.Generator(np.random.Philox(child)) for child in self.seeds.spawn(2)]

    def gust(self) -> float:
        (child,) = self.seeds.spawn(1)
        return self.rngs[0].normal() + self.rngs[1].normal() + np.random.default_rng(child).normal()


class SharedGenerator(Sled):
    """A part of it draws from its generator, too."""

    class Part:
        def __init__(self, rng: np.random.Generator) -> None:
            self.rng = rng

    def seeded(self, seed: int) -> None:
        self.part = self.Part(self.np_random)

    def gust(self) -> float:
        return self.part.rng.standard_normal() + self.np_random.random()


class GlobalMethod(Sled):
    """A method of numpy's global stream."""

    def begin(self) -> None:
        self.draw = np.random.normal

    def gust(self) -> float:
        return self.draw()
