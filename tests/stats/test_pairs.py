"""The comparison of two agents, checked against scipy and enumeration."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats as scipy_stats

from utils.stats import pairs as pair_stats
from utils.stats.pairs import compare_pair

NAN = np.nan


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def test_p_values_against_scipy() -> None:
    a, b = rng(1).normal(size=12), 0.7 + 2 * rng(2).normal(size=9)
    found = compare_pair(a, b, rng=rng())
    assert found.difference == pytest.approx(a.mean() - b.mean())
    assert found.welch_p == pytest.approx(scipy_stats.ttest_ind(a, b, equal_var=False).pvalue, rel=1e-9)
    assert found.mann_whitney_p == scipy_stats.mannwhitneyu(a, b, method="asymptotic").pvalue
    few = compare_pair(a[:6], b[:5], rng=rng())
    assert few.mann_whitney_p == scipy_stats.mannwhitneyu(a[:6], b[:5], method="exact").pvalue


def test_mann_whitney_by_every_assignment() -> None:
    """Two of the 20 ways to choose three of six runs are as extreme as a complete separation."""
    assert compare_pair(np.arange(3.0), np.arange(3.0, 6.0), rng=rng()).mann_whitney_p == pytest.approx(2 / 20)


def test_superiority_by_hand() -> None:
    """Of six pairs, a wins 3, ties 2 and loses 1."""
    assert compare_pair(np.array([1.0, 2.0]), np.array([0.0, 1.0, 2.0]), rng=rng()).superiority == 4 / 6


def test_superiority_of_normals() -> None:
    """For unit deviations and means d apart, superiority is Phi(d / sqrt(2))."""
    a, b = rng(1).normal(size=4000) + 1.0, rng(2).normal(size=4000)
    found = compare_pair(a, b, resamples=10, rng=rng())
    assert found.superiority == pytest.approx(scipy_stats.norm.cdf(np.sqrt(0.5)), abs=5 * 0.0065)


def test_superiority_interval_against_all_resamples() -> None:
    """Each bound is a quantile of the 3^3 * 3^3 equally probable values, up to sampling error."""
    a, b = np.array([1.0, 4.0, 6.0]), np.array([2.0, 3.0, 5.0])
    values = np.array(
        [
            np.mean([x > y for x in drawn_a for y in drawn_b])
            for drawn_a in product(a, repeat=3)
            for drawn_b in product(b, repeat=3)
        ]
    )
    interval = compare_pair(a, b, 0.8, 40_000, rng=rng()).superiority_interval
    for bound, level in zip(interval, [0.1, 0.9], strict=True):
        below, up_to = (values < bound - 1e-9).mean(), (values <= bound + 1e-9).mean()
        assert below - 0.0125 < level < up_to + 0.0125


def test_blocks_leave_no_resample_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry left uninitialized could have any value."""
    a, b = np.array([1.0, 4.0, 6.0]), np.array([2.0, 3.0, 5.0])
    whole = compare_pair(a, b, resamples=20_001, rng=rng()).superiority_interval
    monkeypatch.setattr(pair_stats, "BLOCK", 6000)
    np.testing.assert_allclose(compare_pair(a, b, resamples=20_001, rng=rng()).superiority_interval, whole, atol=0.12)


def test_swapping_the_two_mirrors_the_result() -> None:
    a, b = rng(1).normal(size=10), rng(2).normal(size=10)
    one, other = compare_pair(a, b, rng=rng()), compare_pair(b, a, rng=rng())
    assert one.difference == -other.difference
    assert one.superiority == pytest.approx(1 - other.superiority)
    assert one.welch_p == pytest.approx(other.welch_p)


class TestFailures:
    def test_failures_count_as_the_lowest(self) -> None:
        failed = compare_pair(np.array([5.0, 6.0, NAN]), np.array([1.0, 2.0, 3.0]), rng=rng())
        lowest = compare_pair(np.array([5.0, 6.0, -99.0]), np.array([1.0, 2.0, 3.0]), rng=rng())
        assert failed.superiority == lowest.superiority == 6 / 9
        assert failed.superiority_interval == lowest.superiority_interval
        assert failed.mann_whitney_p == lowest.mann_whitney_p
        assert np.isnan([failed.difference, failed.welch_p]).all()

    def test_failures_of_both_are_tied(self) -> None:
        found = compare_pair(np.array([NAN, NAN]), np.array([NAN, NAN]), rng=rng())
        assert (found.superiority, found.superiority_interval, found.mann_whitney_p) == (0.5, (0.5, 0.5), 1.0)


class TestWithoutDeviation:
    def test_equal_runs(self) -> None:
        found = compare_pair(np.full(10, 1000.0), np.full(10, 1000.0), rng=rng())
        assert (found.difference, found.superiority, found.mann_whitney_p) == (0.0, 0.5, 1.0)
        assert np.isnan(found.welch_p)

    def test_two_levels(self) -> None:
        found = compare_pair(np.full(10, 1000.0), np.full(10, 0.0), rng=rng())
        assert (found.difference, found.superiority, found.superiority_interval) == (1000.0, 1.0, (1.0, 1.0))
        assert np.isnan(found.welch_p)
        assert found.mann_whitney_p < 1e-4


@pytest.mark.parametrize(("a", "b"), [([1.0], [1.0, 2.0]), ([1.0, 2.0], [])])
def test_too_few_runs(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match="runs; a comparison needs at least 2"):
        compare_pair(np.array(a), np.array(b), rng=rng())


def test_confidence_out_of_range() -> None:
    with pytest.raises(ValueError, match="confidence: found 95"):
        compare_pair(np.zeros(3), np.ones(3), 95, rng=rng())
