"""Statistics across environments, checked against scipy and enumeration of their definitions."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats as scipy_stats

from utils.stats import environments as environment_stats
from utils.stats.environments import (
    chs_normalise,
    chs_ranking,
    chs_win_probability,
    improvement_interval,
    improvement_probability,
    iqm,
    mean_of_intervals,
    optimality_gap,
    optimality_gap_interval,
    performance_profile,
    stratified_interval,
)
from utils.stats.intervals import expanded_tail, mean_interval
from utils.stats.pairs import superiority_interval
from utils.stats.settings import win_probability

NAN = np.nan


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


class TestInterquartileMean:
    @pytest.mark.parametrize("shape", [(1, 1), (1, 3), (2, 4), (3, 7), (5, 10)])
    def test_against_scipy(self, shape: tuple[int, int]) -> None:
        scores = rng(1).normal(size=shape)
        assert iqm(scores) == pytest.approx(scipy_stats.trim_mean(scores, 0.25, axis=None), rel=1e-12)

    def test_leading_axes(self) -> None:
        scores = rng(1).normal(size=(6, 3, 5))
        np.testing.assert_array_equal(iqm(scores), [iqm(each) for each in scores])

    def test_failures_are_the_lowest(self) -> None:
        """A quarter of eight runs is two."""
        assert iqm(np.array([[NAN, 1.0, 2.0, 3.0], [NAN, 4.0, 5.0, 6.0]])) == 2.5
        assert iqm(np.array([[NAN, 1.0, 2.0, 3.0], [NAN, NAN, 5.0, 6.0]])) == -np.inf


class TestPerformanceProfile:
    def test_by_definition(self) -> None:
        scores, thresholds = rng(1).integers(0, 6, (2, 3, 5)).astype(float), np.arange(-1.0, 7.0, 0.5)
        expected = [[np.mean(each > threshold) for threshold in thresholds] for each in scores]
        np.testing.assert_allclose(performance_profile(scores, thresholds), expected, rtol=1e-12)

    def test_failures_are_above_no_threshold(self) -> None:
        profile = performance_profile(np.array([[NAN, 1.0], [2.0, 3.0]]), np.array([-1e9, 1.0, 2.5]))
        assert profile.tolist() == [0.75, 0.5, 0.25]


class TestOptimalityGap:
    def test_by_hand(self) -> None:
        """Of 0.5, 1.5, 0.2 and a failure, the distances to 1 are 0.5, 0, 0.8 and 1."""
        assert optimality_gap(np.array([[0.5, 1.5], [0.2, NAN]])) == pytest.approx(2.3 / 4)
        assert optimality_gap(np.array([[0.5, 1.5], [0.2, NAN]]), 2.0) == pytest.approx((1.5 + 0.5 + 1.8 + 2.0) / 4)

    def test_interval_of_one_environment_is_the_means(self) -> None:
        scores = rng(1).random((1, 9))
        low, high = mean_interval(scores[0])
        np.testing.assert_allclose(optimality_gap_interval(scores), (1 - high, 1 - low))


class TestImprovement:
    def test_by_definition(self) -> None:
        """As in rliable: the mean over environments of the Mann-Whitney statistic over the number of pairs."""
        a = [rng(1).integers(0, 5, 4).astype(float), rng(2).normal(size=6)]
        b = [rng(3).integers(0, 5, 5).astype(float), rng(4).normal(size=6)]
        each = [scipy_stats.mannwhitneyu(x, y).statistic / (len(x) * len(y)) for x, y in zip(a, b, strict=True)]
        assert improvement_probability(a, b) == pytest.approx(np.mean(each), rel=1e-12)

    def test_interval_of_one_environment_is_the_pairs(self) -> None:
        a, b = rng(1).normal(size=7), rng(2).normal(size=5)
        np.testing.assert_allclose(improvement_interval([a], [b]), superiority_interval(a, b))

    def test_interval_of_equal_environments_is_narrower_by_the_root(self) -> None:
        a, b = rng(1).normal(size=7), rng(2).normal(size=5)
        center, bounds = improvement_probability([a], [b]), np.array(superiority_interval(a, b))
        np.testing.assert_allclose(improvement_interval([a] * 4, [b] * 4), center + (bounds - center) / 2)

    def test_mean_of_intervals_by_hand(self) -> None:
        """Distances 3 and 4 below, 0 and 1 above: 5 / 2 and 1 / 2."""
        low, high = mean_of_intervals(np.array([3.0, 5.0]), np.array([0.0, 1.0]), np.array([3.0, 6.0]))
        assert (low, high) == (1.5, 4.5)


class TestStratifiedInterval:
    @pytest.mark.parametrize("confidence", [0.6, 0.9])
    def test_against_all_resamples(self, confidence: float) -> None:
        """Each bound is a quantile of the 3^3 * 3^3 equally probable values, up to sampling error."""
        scores = np.array([[1.0, 10.0, 100.0], [3.0, 30.0, 300.0]])
        draws = [list(product(runs, repeat=3)) for runs in scores]
        values = np.array([scipy_stats.trim_mean(np.array(pair), 0.25, axis=None) for pair in product(*draws)])
        interval = stratified_interval(iqm, scores, confidence, 40_000, rng=rng())
        tail = expanded_tail(3, confidence)
        for bound, level in zip(interval, [tail, 1 - tail], strict=True):
            below, up_to = (values < bound - 1e-9).mean(), (values <= bound + 1e-9).mean()
            assert below - 0.0125 < level < up_to + 0.0125

    def test_runs_stay_in_their_environment(self) -> None:
        """The runs of each environment are equal, so the statistic does not vary."""
        scores = np.repeat([[1.0], [5.0], [9.0], [11.0]], 6, axis=1)
        low, high = stratified_interval(iqm, scores, rng=rng(), resamples=200)
        assert low == high == iqm(scores) == 7.0

    def test_of_a_profile(self) -> None:
        """The fraction is binomial: five of ten runs are above the threshold."""
        scores, thresholds = np.arange(10.0)[None], np.array([-1.0, 4.5, 9.0])
        low, high = stratified_interval(lambda s: performance_profile(s, thresholds), scores, rng=rng())
        law = scipy_stats.binom(10, 0.5)
        np.testing.assert_allclose(low, [1.0, law.ppf(expanded_tail(10, 0.95)) / 10, 0.0])
        np.testing.assert_allclose(high, [1.0, law.isf(expanded_tail(10, 0.95)) / 10, 0.0])

    def test_blocks_change_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scores = rng(1).normal(size=(3, 5))
        whole = stratified_interval(iqm, scores, resamples=500, rng=rng(2))
        monkeypatch.setattr(environment_stats, "BLOCK", 100)
        assert whole == stratified_interval(iqm, scores, resamples=500, rng=rng(2))

    def test_failures_make_the_lower_bound_infinite(self) -> None:
        scores = np.array([[NAN, NAN, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])
        low, high = stratified_interval(iqm, scores, rng=rng())
        assert low == -np.inf
        assert 3.0 < high < 6.0

    def test_too_few(self) -> None:
        with pytest.raises(ValueError, match="found 1 runs per environment"):
            stratified_interval(iqm, np.zeros((3, 1)), rng=rng())

    def test_confidence_out_of_range(self) -> None:
        with pytest.raises(ValueError, match="confidence: found 0"):
            stratified_interval(iqm, np.zeros((3, 4)), 0.0, rng=rng())


class TestCrossEnvironmentSetting:
    def test_normalised_by_definition(self) -> None:
        performance = rng(1).integers(0, 9, (2, 3, 4)).astype(float)
        expected = [[[np.mean(pool < run) for run in setting] for setting in pool] for pool in performance]
        np.testing.assert_allclose(chs_normalise(performance), expected, rtol=1e-12)

    def test_only_order_within_an_environment_counts(self) -> None:
        performance = rng(1).normal(size=(3, 4, 5))
        other = np.stack([1e6 * performance[0] - 7, np.exp(performance[1]), performance[2] ** 3])
        np.testing.assert_array_equal(chs_normalise(performance), chs_normalise(other))

    def test_failures_are_worse_than_all(self) -> None:
        assert chs_normalise(np.array([[[NAN, 1.0], [2.0, NAN]]])).tolist() == [[[0.0, 0.5], [0.75, 0.0]]]

    def test_one_setting_for_all_environments(self) -> None:
        """Setting 0 is by far the best in one environment, setting 1 is good in both: ranks decide, not sizes."""
        performance = np.array([[[1e9], [3.0], [2.0], [1.0]], [[0.0], [8.0], [9.0], [1.0]]])
        assert chs_ranking(chs_normalise(performance)).tolist() == [1, 2, 0, 3]

    def test_win_probability_of_one_environment_is_its_settings(self) -> None:
        performance = rng(1).random((4, 6))
        found = chs_win_probability(performance[None], rng(2), 1000)
        np.testing.assert_allclose(found, win_probability(performance, rng(2), 1000))

    def test_win_probability_has_the_variance_within_environments(self) -> None:
        """The environments differ in level, and the runs do not: the better mean always wins."""
        normalised = np.repeat([[[0.1], [0.3]], [[0.8], [0.7]]], 5, axis=2)
        assert chs_win_probability(normalised, rng(), 100).tolist() == [0.0, 1.0]

    def test_win_probability_of_one_run(self) -> None:
        with pytest.raises(ValueError, match="found 1 runs per setting"):
            chs_win_probability(np.zeros((2, 3, 1)), rng())

    def test_ties_go_to_the_lower_number(self) -> None:
        assert chs_ranking(np.full((2, 3, 4), 0.5)).tolist() == [0, 1, 2]
        thirds = np.array([0.1, 0.2, 0.3])
        assert thirds.mean() != thirds[[2, 1, 0]].mean()
        assert chs_ranking(np.stack([thirds, thirds[[2, 1, 0]]])[None]).tolist() == [0, 1]
        assert chs_ranking(np.stack([thirds[[2, 1, 0]], thirds])[None]).tolist() == [0, 1]
