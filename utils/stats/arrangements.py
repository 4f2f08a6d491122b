"""Arrangements of runs: the ways to give the runs of a group to the agents of cells, each as many as before."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, product
from math import factorial, prod

import numpy as np

Cells = tuple[tuple[int, ...], ...]
"""Disjoint sets of agents, each with two agents or more. Runs are exchanged within each."""

SEED = 0
"""Seed of the arrangements that are drawn; the number of the group is a part of it too."""


def count_arrangements(cells: Cells, n: int) -> int:
    """Return the number of arrangements of a group.  n: number of runs of each agent."""
    return prod(factorial(len(cell) * n) // factorial(n) ** len(cell) for cell in cells)


@lru_cache(maxsize=64)
def every_arrangement(cells: Cells, agents: int, n: int) -> np.ndarray:
    """Return every arrangement of a group, the one without an exchange first.

    agents: number of agents, in cells or not.  n: number of runs of each.
    Returns (P, agents * n) int8: the agent that each run is given to, the runs in the order of their own agents.
    """
    own = np.repeat(np.arange(agents, dtype=np.int8), n)
    orders = [list(_orders(tuple(agent for agent in cell for _ in range(n)))) for cell in cells]
    labels = np.tile(own, (count_arrangements(cells, n), 1))
    labels[:, _places(cells, n)] = [tuple(chain.from_iterable(each)) for each in product(*orders)]
    return labels


def _orders(labels: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the distinct orders of labels, the given one first.  labels: equal ones stand together."""
    if not labels:
        yield ()
    for first in dict.fromkeys(labels):
        place = labels.index(first)
        yield from ((first, *order) for order in _orders(labels[:place] + labels[place + 1 :]))


@lru_cache(maxsize=512)
def random_arrangements(cells: Cells, agents: int, n: int, block: int, draws: int) -> np.ndarray:
    """Return the arrangement without an exchange, and a number of arrangements drawn uniformly.

    block: number of the group.  Returns (draws + 1, agents * n) int8, as `every_arrangement`.
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(SEED, spawn_key=(block,))))
    labels = np.tile(np.repeat(np.arange(agents, dtype=np.int8), n), (draws + 1, 1))
    for cell in cells:
        places = _places((cell,), n)
        order = np.argsort(rng.random((draws, len(places))), axis=1)
        labels[1:, places] = labels[0, places][order]
    return labels


def _places(cells: Cells, n: int) -> np.ndarray:
    """Return the places of the runs of the cells' agents."""
    return np.array([agent * n + run for cell in cells for agent in cell for run in range(n)])
