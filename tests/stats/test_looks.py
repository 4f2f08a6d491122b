"""Looks at the runs, and intervals for several of them, against their formula."""

from __future__ import annotations

import numpy as np
import pytest

from utils.stats.intervals import mean_interval
from utils.stats.looks import Looks, find_short_interval, sequential_interval


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def test_the_interval_is_that_of_all_looks_together() -> None:
    runs = rng(6).normal(size=12)
    np.testing.assert_array_equal(sequential_interval(runs, 5), mean_interval(runs, 0.99))
    failed = np.append(runs, np.nan)
    worst = np.append(runs, runs.min())
    np.testing.assert_array_equal(sequential_interval(failed, 1), mean_interval(worst))


@pytest.mark.parametrize(
    ("group", "most", "message"),
    [(1, 10, "group: found 1"), (5, 4, "at least the group of 5"), (5, 12, "a multiple of the group of 5")],
)
def test_looks_that_cannot_be(group: int, most: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Looks(group, most)
    assert Looks(5, 30).count == 6


def test_the_first_look_with_a_short_interval() -> None:
    """Three looks at groups of four; each interval is at 1 - 0.1 / 3."""
    runs, looks = rng(7).normal(size=12), Looks(4, 12)
    means = [runs[:n].mean() for n in (4, 8, 12)]
    intervals = [mean_interval(runs[:n], 1 - 0.1 / 3) for n in (4, 8, 12)]
    longer = [max(high - mean, mean - low) for mean, (low, high) in zip(means, intervals, strict=True)]
    assert longer == sorted(longer, reverse=True)
    for look in (2, 3):
        found = find_short_interval(runs, looks, longer[look - 1] * 1.001, 0.9)
        assert (found.look, found.reached) == (look, True)
        np.testing.assert_allclose(found[1:4], [means[look - 1], *intervals[look - 1]])
    assert find_short_interval(runs[:8], looks, longer[2], 0.9)[::4] == (2, False)
    assert find_short_interval(runs, looks, 1e-9, 0.9)[::4] == (3, False)


@pytest.mark.parametrize(("n", "half_width"), [(7, 1.0), (0, 1.0), (16, 1.0), (4, 0.0), (4, np.nan), (4, np.inf)])
def test_numbers_of_runs_and_half_widths_that_cannot_be(n: int, half_width: float) -> None:
    with pytest.raises(ValueError, match="found"):
        find_short_interval(np.zeros(n), Looks(4, 12), half_width)
