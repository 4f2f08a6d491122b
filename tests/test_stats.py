"""Statistics against enumeration, scipy and cases computed by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats as scipy_stats

from utils import stats
from utils.stats import bootstrap_interval, final_performance, rank_settings, step_weighted_curve


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


class TestBootstrapInterval:
    def test_of_two_samples_is_their_range(self) -> None:
        """Their mean's distribution has a quarter at either end and half in the middle."""
        low, high = bootstrap_interval(np.array([[0.0, 5.0], [1.0, -5.0]]), rng=rng())
        np.testing.assert_array_equal((low, high), ([0.0, -5.0], [1.0, 5.0]))

    def test_in_the_middle_of_two_samples(self) -> None:
        low, high = bootstrap_interval(np.array([0.0, 1.0]), confidence=0.4, rng=rng())
        assert (low, high) == (0.5, 0.5)

    @pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95])
    def test_against_all_resamples(self, confidence: float) -> None:
        """The bounds are quantiles of all 5^5 means, each as probable, but for the chance of the draw."""
        samples = np.array([1.0, 10.0, 100.0, 300.0, 1000.0])
        means = np.array([np.sum(drawn) / len(samples) for drawn in product(samples, repeat=len(samples))])
        bounds = bootstrap_interval(samples, confidence, 100_000, rng=rng())
        for bound, level in zip(bounds, [(1 - confidence) / 2, (1 + confidence) / 2], strict=True):
            below, up_to = (means < bound - 1e-9).mean(), (means <= bound + 1e-9).mean()
            assert below - 0.005 < level < up_to + 0.005

    def test_against_scipy(self) -> None:
        samples = rng(1).gamma(2.0, size=(25, 4))
        low, high = bootstrap_interval(samples, 0.9, 20_000, rng=rng(2))
        theirs = scipy_stats.bootstrap(
            (samples,), np.mean, n_resamples=20_000, confidence_level=0.9, method="percentile", axis=0, rng=rng(3)
        ).confidence_interval
        np.testing.assert_allclose(low, theirs.low, atol=0.02)
        np.testing.assert_allclose(high, theirs.high, atol=0.02)

    def test_against_the_normal_limit(self) -> None:
        samples = rng(1).standard_normal(500)
        half = scipy_stats.norm.ppf(0.975) * samples.std() / np.sqrt(len(samples))
        low, high = bootstrap_interval(samples, rng=rng(2))
        np.testing.assert_allclose([low, high], [samples.mean() - half, samples.mean() + half], atol=0.1 * half)

    def test_blocks_change_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        samples = rng(1).integers(-100, 100, (6, 3, 5)).astype(float)
        whole = bootstrap_interval(samples, resamples=500, rng=rng(2))
        monkeypatch.setattr(stats, "BLOCK", 1000)
        parts = bootstrap_interval(samples, resamples=500, rng=rng(2))
        assert whole[0].shape == (3, 5)
        np.testing.assert_array_equal(whole, parts)

    def test_whole_samples_are_resampled(self) -> None:
        """So a curve that is another's double has an interval that is the other's double."""
        samples = rng(1).integers(-100, 100, (8, 1)).astype(float)
        low, high = bootstrap_interval(samples * [1.0, 2.0], rng=rng(2))
        assert (low[1], high[1]) == (2 * low[0], 2 * high[0])

    def test_one_seed_gives_one_interval(self) -> None:
        samples = rng(1).standard_normal((10, 3))
        np.testing.assert_array_equal(bootstrap_interval(samples, rng=rng(2)), bootstrap_interval(samples, rng=rng(2)))

    @pytest.mark.parametrize("n", [0, 1])
    def test_too_few(self, n: int) -> None:
        with pytest.raises(ValueError, match=f"found {n} samples; a bootstrap interval needs at least 2"):
            bootstrap_interval(np.zeros((n, 3)), rng=rng())

    @pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, float("nan")])
    def test_confidence_out_of_range(self, confidence: float) -> None:
        with pytest.raises(ValueError, match="confidence: found"):
            bootstrap_interval(np.zeros((3, 3)), confidence, rng=rng())

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_not_finite(self, bad: float) -> None:
        with pytest.raises(ValueError, match="not finite"):
            bootstrap_interval(np.array([0.0, bad]), rng=rng())


class TestStepWeightedCurve:
    def test_by_hand(self) -> None:
        """Episodes hold the steps 1-3, 4 and 5-6."""
        curve = step_weighted_curve(np.array([-3.0, -1.0, -2.0]), np.array([3, 1, 2]), np.arange(1, 7))
        assert curve.tolist() == [-3.0, -3.0, -3.0, -1.0, -2.0, -2.0]

    def test_mean_over_all_steps_weighs_returns_by_length(self) -> None:
        returns, steps = rng().normal(size=20), rng().integers(1, 50, 20)
        curve = step_weighted_curve(returns, steps, np.arange(1, steps.sum() + 1))
        assert curve.mean() == pytest.approx(np.average(returns, weights=steps), rel=1e-12)

    @pytest.mark.parametrize("timestep", [0, 7])
    def test_outside_the_episodes(self, timestep: int) -> None:
        with pytest.raises(ValueError, match="allowed: 1 to 6"):
            step_weighted_curve(np.array([-3.0, -1.0, -2.0]), np.array([3, 1, 2]), np.array([timestep]))

    def test_of_nothing(self) -> None:
        assert step_weighted_curve(np.empty(0), np.empty(0, int), np.empty(0, int)).shape == (0,)


class TestFinalPerformance:
    @pytest.mark.parametrize(
        ("returns", "value"),
        [
            ([[0.0, 0.0], [1.0, 3.0], [4.0, 6.0], [8.0, 10.0]], 7.0),
            ([[0.0, 0.0], [1.0, 3.0], [4.0, 6.0]], 3.5),
            ([[-2.0, -4.0]], -3.0),
        ],
    )
    def test_is_the_mean_of_the_last_half(self, returns: list[list[float]], value: float) -> None:
        assert final_performance(np.array(returns)) == value

    def test_without_a_number(self) -> None:
        assert np.isnan(final_performance(np.array([0.0, np.nan])))


class TestRankSettings:
    def test_by_mean_over_runs(self) -> None:
        assert rank_settings(np.array([[1.0, 2.0], [5.0, 5.0], [0.0, 9.0]])).tolist() == [1, 2, 0]

    def test_a_survivor_stands_below_every_whole_setting(self) -> None:
        performance = np.array([[100.0, np.nan, 100.0], [1.0, 2.0, 3.0], [np.nan, np.nan, 500.0], [-7.0, -7.0, -7.0]])
        assert rank_settings(performance).tolist() == [1, 3, 0, 2]

    def test_nothing_but_failures(self) -> None:
        assert rank_settings(np.array([[np.nan, np.nan], [np.nan, -9.0]])).tolist() == [1, 0]

    def test_ties_go_to_the_lower_number(self) -> None:
        assert rank_settings(np.array([[1.0], [2.0], [2.0]])).tolist() == [1, 2, 0]
