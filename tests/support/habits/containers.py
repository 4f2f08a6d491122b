"""Sleds whose state is in containers, arrays and bytes, or outlives their episodes."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from fractions import Fraction
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from tests.support.habits.generators import Spawned
from tests.support.habits.objects import Cart
from tests.support.habits.sled import Sled


class History(Sled):
    """Plain lists and tuples."""

    def begin(self) -> None:
        self.past: list[Any] = [(0.0, "calm")] * 3

    def gust(self) -> float:
        self.past = [*self.past[1:], (self.place, "windy")]
        return self.past[0][0]


class Bytes(Sled):
    """Bytes, and an array of bytes that changes."""

    def begin(self) -> None:
        self.board, self.grid = b"..#..", bytearray(5)

    def gust(self) -> float:
        self.board = self.board[1:] + self.board[:1]
        self.grid[len(self.grid) - 1] += self.board[0] % 3
        return 0.01 * self.board[0] + 0.01 * self.grid[-1]


Pair = namedtuple("Pair", "a b")


class Board(list):
    """A list with an attribute."""

    turn = 0


class Containers(Sled):
    """Containers of every kind in the standard library, in each other."""

    def begin(self) -> None:
        self.past = deque([0.0] * 3, maxlen=3)
        self.pair, self.board, self.counts = Pair(1, [2.0]), Board([1, 2]), Counter("a")
        self.nested = ((1.0, [2, 3]), {"a": (1, "b"), (1, 2): None, 3: {4}})
        self.ordered, self.lists = OrderedDict(b=1, a=2), defaultdict(list)
        self.seen, self.frozen = {0}, frozenset({1, 5})
        self.numbers = [0.5] * 20
        self.odd = [1 + 2j, range(3), slice(1, None), Fraction(1, 3), Path("a/b"), "\ud800é", 10**5000, ..., object]

    def gust(self) -> float:
        self.past.append(self.place)
        self.board.turn += 1
        self.board.append(self.board.turn)
        self.pair.b.append(self.place)
        self.counts["a"] += 1
        self.ordered.move_to_end("b" if self.board.turn % 2 else "a")
        self.lists[self.board.turn % 3].append(1.0)
        self.seen.add(self.board.turn)
        self.numbers[3] += 0.1
        first = next(iter(self.ordered.values()))
        sizes = sum(map(len, self.lists.values())) + len(self.seen) + sum(self.board) + self.counts["a"]
        return 0.1 * self.past[0] + 0.01 * first + 0.001 * sizes + 0.01 * self.numbers[3] + sum(self.pair.b)


class Cycle(Sled):
    """A list that contains itself."""

    def begin(self) -> None:
        self.ring: list[Any] = [0.0]
        self.ring.append((self.ring, {"ring": self.ring}))

    def gust(self) -> float:
        self.ring[1][1]["ring"][0] += 0.1
        return self.ring[0]


class Fortran(Sled):
    """Arrays in other orders of memory."""

    def begin(self) -> None:
        self.field = np.asfortranarray(self.np_random.normal(size=(5, 7)).astype(np.float32))
        self.cube = np.transpose(np.zeros((2, 3, 4)), (1, 2, 0)).copy(order="K")

    def gust(self) -> float:
        self.field *= np.float32(1.01)
        self.cube += self.field[0, 0]
        return float(self.field.ravel(order="K").cumsum()[-4]) + 1e-3 * self.cube.strides[0]


class Views(Sled):
    """Views of one array."""

    def begin(self) -> None:
        self.state = np.zeros(6)
        self.front, self.back = self.state[:3], self.state[::-2]
        self.again = self.state

    def gust(self) -> float:
        self.front += 0.1
        self.back[0] += 0.3
        self.again[1] *= 2
        return float(self.state.sum())


class ObjectArray(Sled):
    """An array of objects."""

    def begin(self) -> None:
        self.cells = np.empty((2, 2), object)
        self.cells[:] = [[Cart(), None], [1, "a"]]
        self.cart = self.cells[0, 0]

    def gust(self) -> float:
        self.cart.speed += 0.1
        return self.cells[0, 0].speed


class Counted(gym.Wrapper[np.ndarray, Any, np.ndarray, Any]):
    """The wrapper of `make_counted`."""

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
    """A wrapper with running statistics, which outlive a reset, as NormalizeObservation has them."""
    return Counted(Spawned())
