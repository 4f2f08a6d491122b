"""Warnings, checked by hand, against scipy, and for false alarms on well-behaved returns."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tests.stats.battery import LAWS, WELL_BEHAVED
from tests.stats.warning_simulation import WARNED_RUNS, detection_rate, false_alarm_rates
from utils.stats.sample_warnings import join_warnings, largest_gaps, sample_warnings, split_limits


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def kinds(returns: list[float]) -> list[str]:
    return [each.kind for each in sample_warnings(np.array(returns))]


GOOD = [1.0, 2.0, 2.5, 3.0, 3.2, 3.9, 4.1, 4.5, 5.0, 5.7]


class TestKinds:
    def test_none(self) -> None:
        assert kinds(GOOD) == []
        assert join_warnings([]) == ""

    def test_few(self) -> None:
        [warning] = sample_warnings(np.array(GOOD[:5]))
        assert warning.kind == "few"
        assert "missing from 59% of all sets of 5 runs" in warning.text  # 0.9^5
        assert kinds([1.0]) == ["few"]

    def test_tie_at_the_highest(self) -> None:
        [warning] = sample_warnings(np.array([*GOOD[:7], 1000.0, 1000.0, 1000.0]) / 1000.0 + 1.0)[:1]
        assert (warning.kind, warning.text[:48]) == ("tie", "3 of 10 runs have exactly the highest return: th")

    def test_tie_at_the_lowest(self) -> None:
        assert "2 of 10 runs have exactly the lowest" in join_warnings(sample_warnings(np.array([1.0, *GOOD[:9]])))

    def test_a_pair_among_many_is_no_tie(self) -> None:
        assert kinds([*GOOD, 5.7]) == []

    def test_all_equal(self) -> None:
        [warning] = sample_warnings(np.full(10, 1000.0))
        assert warning.text.startswith("all 10 runs have the same return")

    def test_far(self) -> None:
        [warning] = sample_warnings(np.array([-50.0, *GOOD]))
        assert (warning.kind, warning.text[:37]) == ("far", "1 of 11 runs lies far below the rest:")
        [warning] = sample_warnings(-np.array([-50.0, *GOOD]))
        assert "1 of 11 runs lies far above the rest" in warning.text

    def test_gap(self) -> None:
        [warning] = sample_warnings(np.array([-52.0, -50.0, -49.0, *GOOD]))
        assert (warning.kind, warning.text[:50]) == ("gap", "the runs are in two groups, 3 low and 10 high: the")

    def test_advice_comes_once(self) -> None:
        text = join_warnings(sample_warnings(np.array([0.0, 0.0, 0.0, 9.0, 9.1])))
        assert text.startswith("Warning: ")
        assert text.count("More runs help.") == 1


class TestGaps:
    @pytest.mark.parametrize("n", [5, 12, 45])
    def test_by_definition(self, n: int) -> None:
        x = np.sort(rng(n).normal(size=n))
        ratios = [(x[k] - x[k - 1]) / np.sqrt((k * x[:k].var() + (n - k) * x[k:].var()) / (n - 2)) for k in range(1, n)]
        few = max(1, n // 20)
        found = largest_gaps(rng(1).permutation(x))
        assert found.middle == pytest.approx(max(ratios[few : n - 1 - few]), rel=1e-9)
        assert found.end == pytest.approx(max([*ratios[:few], *ratios[n - 1 - few :]]), rel=1e-9)
        assert ratios[int(found.middle_below) - 1] == pytest.approx(float(found.middle), rel=1e-9)

    def test_two_levels_are_infinitely_far_apart(self) -> None:
        found = largest_gaps(np.array([0.1, 0.1, 0.1, 0.7, 0.7, 0.7]))
        assert (found.middle, found.middle_below, found.end) == (np.inf, 3, 0.0)

    def test_shift_and_scale_change_nothing(self) -> None:
        x = rng(1).normal(size=20)
        np.testing.assert_allclose(largest_gaps(x), largest_gaps(1e6 + 1e3 * x), rtol=1e-6)

    def test_limits_beyond_the_simulated_numbers(self) -> None:
        assert split_limits(5000) == split_limits(500)
        assert split_limits(5) == pytest.approx((14.5, 12.5))


@pytest.mark.parametrize("name", WELL_BEHAVED)
@pytest.mark.parametrize("n", WARNED_RUNS)
def test_false_alarms(name: str, n: int) -> None:
    """Each of the two warnings is a false alarm in at most 1.1% of samples; the test fails by chance once in 1e7."""
    count = 4000
    for rate in false_alarm_rates(WELL_BEHAVED[name], n, count, rng()).values():
        assert rate * count <= scipy_stats.binom.isf(1e-7, count, 0.011)


@pytest.mark.parametrize(
    ("name", "n", "least"),
    [("50% failures", 10, 0.85), ("30% failures", 20, 0.99), ("10% failures", 30, 0.9), ("80% exactly 1000", 5, 0.9)],
)
def test_detection(name: str, n: int, least: float) -> None:
    assert detection_rate(LAWS[name], n, 1000, rng()) >= least - 5 * np.sqrt(least * (1 - least) / 1000)
