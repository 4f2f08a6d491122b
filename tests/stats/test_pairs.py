"""The comparison of two agents, checked against scipy and enumeration."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize
from scipy import stats as scipy_stats

from utils.stats.pairs import compare_pair, exponential_variance, superiority, superiority_interval

NAN = np.nan


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def test_p_values_against_scipy() -> None:
    a, b = rng(1).normal(size=12), 0.7 + 2 * rng(2).normal(size=9)
    found = compare_pair(a, b)
    assert found.difference == pytest.approx(a.mean() - b.mean())
    assert found.welch_p == pytest.approx(scipy_stats.ttest_ind(a, b, equal_var=False).pvalue, rel=1e-9)
    assert found.mann_whitney_p == pytest.approx(scipy_stats.mannwhitneyu(a, b, method="asymptotic").pvalue, rel=1e-12)
    few = compare_pair(a[:6], b[:5])
    assert few.mann_whitney_p == scipy_stats.mannwhitneyu(a[:6], b[:5], method="exact").pvalue


@pytest.mark.parametrize(("n", "m", "levels"), [(3, 3, 3), (5, 9, 4), (12, 20, 6), (9, 9, 1000)])
def test_p_values_with_ties_against_scipy(n: int, m: int, levels: int) -> None:
    for seed in range(20):
        a, b = rng(seed).integers(0, levels, n).astype(float), rng(100 + seed).integers(0, levels, m) + 0.5 * (m > 10)
        found = compare_pair(a, b)
        assert found.mann_whitney_p == pytest.approx(scipy_stats.mannwhitneyu(a, b).pvalue, rel=1e-9)
        if min(n, m) >= 5 and np.ptp(a) + np.ptp(b) > 0:
            welch = scipy_stats.ttest_ind(a, b, equal_var=False).pvalue
            assert found.welch_p == pytest.approx(welch, rel=1e-9)


def test_mann_whitney_by_every_assignment() -> None:
    """Two of the 20 ways to choose three of six runs are as extreme as a complete separation."""
    assert compare_pair(np.arange(3.0), np.arange(3.0, 6.0)).mann_whitney_p == pytest.approx(2 / 20)


def test_superiority_by_hand() -> None:
    """Of six pairs, a wins 3, ties 2 and loses 1."""
    assert compare_pair(np.array([1.0, 2.0]), np.array([0.0, 1.0, 2.0])).superiority == 4 / 6


def test_superiority_of_normals() -> None:
    """For unit deviations and means d apart, superiority is Phi(d / sqrt(2))."""
    a, b = rng(1).normal(size=2000) + 1.0, rng(2).normal(size=2000)
    found = compare_pair(a, b)
    assert found.superiority == pytest.approx(scipy_stats.norm.cdf(np.sqrt(0.5)), abs=5 * 0.0092)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 9), (12, 7)])
def test_variance_and_degrees_against_scipy(n: int, m: int) -> None:
    """Also with ties; scipy's statistic is (P(b > a) - 1/2) / deviation, and its p value is of Student's t."""
    a, b = rng(3).integers(0, 9, n).astype(float), rng(4).integers(0, 9, m) + 0.0
    found, theirs = superiority(a, b), scipy_stats.brunnermunzel(b, a)
    statistic = (found.probability - 0.5) / np.sqrt(found.variance)
    assert statistic == pytest.approx(theirs.statistic, rel=1e-9)
    assert 2 * scipy_stats.t.sf(abs(statistic), found.degrees) == pytest.approx(theirs.pvalue, rel=1e-9)


def test_exponential_variance_by_every_order() -> None:
    """Of two runs a and three b, exponential with rates 1 and 3: the next lowest is one in proportion to its rate."""
    rates, total = {"a": 1.0, "b": 3.0}, 0.0
    for order in set(permutations("aabbb")):
        probability, left = 1.0, {"a": 2.0, "b": 9.0}
        for run in order:
            probability *= left[run] / sum(left.values())
            left[run] -= rates[run]
        wins = sum(order[:place].count("b") for place, run in enumerate(order) if run == "a")
        total += probability * (wins / 6) ** 2
    assert total - 0.75**2 == pytest.approx(float(exponential_variance(np.array(0.75), 2, 3)), rel=1e-9)


class TestSuperiorityInterval:
    def test_of_a_complete_separation(self) -> None:
        """For n = m, Newcombe's lower bound x solves 1 - x = t sqrt(V(x)); the other interval is about as wide."""
        low, high = superiority_interval(np.arange(10.0) + 10, np.arange(10.0))
        t = scipy_stats.t.ppf(0.975, 18)
        newcombe = optimize.brentq(
            lambda x: 1 - x - t * np.sqrt(x * (1 - x) * (1 + 9 * (1 - x) / (2 - x) + 9 * x / (1 + x)) / 100), 0.1, 0.99
        )
        assert newcombe - 0.005 < low <= newcombe + 1e-9
        assert high == 1.0

    @given(data=st.data(), n=st.integers(2, 8), m=st.integers(2, 8))
    def test_is_never_of_width_0_and_mirrors(self, data: st.DataObject, n: int, m: int) -> None:
        a, b = (np.array(data.draw(st.lists(st.integers(0, 4), min_size=k, max_size=k)), float) for k in (n, m))
        low, high = superiority_interval(a, b)
        assert 0 <= low < superiority(a, b).probability + 1e-9
        assert high - low > 0.1
        np.testing.assert_allclose(superiority_interval(b, a), (1 - high, 1 - low), atol=1e-9)

    def test_contains_a_lower_confidence(self) -> None:
        a, b = rng(1).normal(size=9), rng(2).normal(size=7)
        bounds = np.array([superiority_interval(a, b, confidence) for confidence in (0.5, 0.8, 0.95, 0.999)])
        assert (np.diff(bounds[:, 0]) < 0).all()
        assert (np.diff(bounds[:, 1]) > 0).all()

    def test_normal_limit(self) -> None:
        """With many runs, both intervals are those of the normal approximation, and Brunner and Munzel's is wider."""
        a, b = rng(1).normal(0.5, 3.0, 2000), rng(2).normal(0.0, 1.0, 2000)
        found, bounds = superiority(a, b), superiority_interval(a, b)
        half = scipy_stats.norm.ppf(0.975) * np.sqrt(found.variance)
        np.testing.assert_allclose(bounds, (found.probability - half, found.probability + half), atol=0.03 * half)

    def test_leading_axes(self) -> None:
        a, b = rng(1).normal(size=(3, 4, 5)), rng(2).normal(size=(3, 4, 6))
        low, high = superiority_interval(a, b)
        assert low.shape == (3, 4)
        np.testing.assert_allclose((low[2, 1], high[2, 1]), superiority_interval(a[2, 1], b[2, 1]))


def test_swapping_the_two_mirrors_the_result() -> None:
    a, b = rng(1).normal(size=10), rng(2).normal(size=10)
    one, other = compare_pair(a, b), compare_pair(b, a)
    assert one.difference == -other.difference
    assert one.superiority == pytest.approx(1 - other.superiority)
    assert one.welch_p == pytest.approx(other.welch_p)


class TestFailures:
    def test_failures_count_as_the_lowest(self) -> None:
        failed = compare_pair(np.array([5.0, 6.0, NAN]), np.array([1.0, 2.0, 3.0]))
        lowest = compare_pair(np.array([5.0, 6.0, -99.0]), np.array([1.0, 2.0, 3.0]))
        assert failed.superiority == lowest.superiority == 6 / 9
        assert failed.superiority_interval == lowest.superiority_interval
        assert failed.mann_whitney_p == lowest.mann_whitney_p
        assert np.isnan([failed.difference, failed.welch_p]).all()

    def test_failures_of_both_are_tied(self) -> None:
        found = compare_pair(np.array([NAN, NAN]), np.array([NAN, NAN]))
        assert (found.superiority, found.mann_whitney_p) == (0.5, 1.0)
        low, high = found.superiority_interval
        assert low == pytest.approx(1 - high)
        assert low < 0.1  # Two runs each say next to nothing.


class TestWithoutDeviation:
    def test_equal_runs(self) -> None:
        found = compare_pair(np.full(10, 1000.0), np.full(10, 1000.0))
        assert (found.difference, found.superiority, found.mann_whitney_p) == (0.0, 0.5, 1.0)
        assert np.isnan(found.welch_p)

    def test_two_levels(self) -> None:
        found = compare_pair(np.full(10, 1000.0), np.full(10, 0.0))
        assert (found.difference, found.superiority) == (1000.0, 1.0)
        assert found.superiority_interval == superiority_interval(np.arange(10.0) + 10, np.arange(10.0))
        assert np.isnan(found.welch_p)
        assert found.mann_whitney_p < 1e-4


@pytest.mark.parametrize(("a", "b"), [([1.0], [1.0, 2.0]), ([1.0, 2.0], [])])
def test_too_few_runs(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match="runs; a comparison needs at least 2"):
        compare_pair(np.array(a), np.array(b))


def test_confidence_out_of_range() -> None:
    with pytest.raises(ValueError, match="confidence: found 95"):
        compare_pair(np.zeros(3), np.ones(3), 95)
