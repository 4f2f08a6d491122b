"""Arrangements of runs, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from utils.stats.arrangements import Cells, count_arrangements, every_arrangement, random_arrangements


@pytest.mark.parametrize(
    ("cells", "agents", "n", "count"),
    [
        (((0, 1),), 2, 3, 20),
        (((0, 1),), 2, 4, 70),
        (((0, 1, 2),), 3, 2, 90),
        (((0, 2), (1, 3)), 4, 2, 36),
        (((1, 2),), 3, 2, 6),
    ],
)
def test_every_arrangement_is_there_once(cells: Cells, agents: int, n: int, count: int) -> None:
    found = every_arrangement(cells, agents, n)
    assert len(found) == count_arrangements(cells, n) == count
    assert len(np.unique(found, axis=0)) == count
    own = np.repeat(np.arange(agents), n)
    assert found[0].tolist() == own.tolist()
    for cell in cells:
        places = np.isin(own, cell)
        assert (np.sort(found[:, places], axis=1) == own[places]).all()
    alone = ~np.isin(own, [agent for cell in cells for agent in cell])
    assert (found[:, alone] == own[alone]).all()


def test_arrangements_by_hand() -> None:
    assert every_arrangement(((0, 1),), 2, 2).tolist() == [
        [0, 0, 1, 1],
        [0, 1, 0, 1],
        [0, 1, 1, 0],
        [1, 0, 0, 1],
        [1, 0, 1, 0],
        [1, 1, 0, 0],
    ]


def test_drawn_arrangements_are_uniform_and_the_same_again() -> None:
    """Each of 6 arrangements is drawn 1,000 times of 6,000, within 6 standard deviations, which is 29."""
    found = random_arrangements(((0, 2),), 3, 2, 0, 6000)
    assert len(found) == 6001
    assert found[0].tolist() == [0, 0, 1, 1, 2, 2]
    assert (found[:, 2:4] == 1).all()
    _, counts = np.unique(found[1:], axis=0, return_counts=True)
    assert len(counts) == 6
    assert np.abs(counts - 1000).max() < 6 * 29
    assert (random_arrangements.__wrapped__(((0, 2),), 3, 2, 0, 6000) == found).all()
    assert (random_arrangements(((0, 2),), 3, 2, 1, 6000) != found).any()
