"""Intervals and sample sizes, checked against enumeration, scipy and tables."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats as scipy_stats

from utils.stats import intervals
from utils.stats.intervals import (
    bootstrap_interval,
    expanded_tail,
    fewest_runs,
    seeds_needed,
    tolerance_interval,
    tolerance_ranks,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


class TestBootstrapInterval:
    def test_of_two_samples_is_their_range(self) -> None:
        """The bootstrap mean is each sample with probability 1/4 and their midpoint with probability 1/2."""
        low, high = bootstrap_interval(np.array([[0.0, 5.0], [1.0, -5.0]]), rng=rng())
        np.testing.assert_array_equal((low, high), ([0.0, -5.0], [1.0, 5.0]))

    def test_in_the_middle_of_two_samples(self) -> None:
        low, high = bootstrap_interval(np.array([0.0, 1.0]), confidence=0.1, rng=rng())
        assert (low, high) == (0.5, 0.5)

    @pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95])
    def test_against_all_resamples(self, confidence: float) -> None:
        """The bounds are quantiles of all 5^5 equally probable means, up to sampling error."""
        samples = np.array([1.0, 10.0, 100.0, 300.0, 1000.0])
        means = np.array([np.sum(drawn) / len(samples) for drawn in product(samples, repeat=len(samples))])
        bounds = bootstrap_interval(samples, confidence, 100_000, rng=rng())
        tail = expanded_tail(len(samples), confidence)
        for bound, level in zip(bounds, [tail, 1 - tail], strict=True):
            below, up_to = (means < bound - 1e-9).mean(), (means <= bound + 1e-9).mean()
            assert below - 0.005 < level < up_to + 0.005

    def test_against_scipy(self) -> None:
        samples = rng(1).gamma(2.0, size=(25, 4))
        low, high = bootstrap_interval(samples, 0.9, 20_000, rng=rng(2))
        level = 1 - 2 * expanded_tail(len(samples), 0.9)
        theirs = scipy_stats.bootstrap(
            (samples,), np.mean, n_resamples=20_000, confidence_level=level, method="percentile", axis=0, rng=rng(3)
        ).confidence_interval
        np.testing.assert_allclose(low, theirs.low, atol=0.02)
        np.testing.assert_allclose(high, theirs.high, atol=0.02)

    def test_against_the_normal_limit(self) -> None:
        samples = rng(1).standard_normal(500)
        half = scipy_stats.norm.ppf(0.975) * samples.std() / np.sqrt(len(samples))
        low, high = bootstrap_interval(samples, rng=rng(2))
        np.testing.assert_allclose([low, high], [samples.mean() - half, samples.mean() + half], atol=0.1 * half)

    @pytest.mark.parametrize(("n", "confidence"), [(2, 0.5), (10, 0.95), (30, 0.99)])
    def test_the_tail_is_students(self, n: int, confidence: float) -> None:
        """For normal resampled means (variance with denominator n, divided by n), the bound is Student's."""
        bound = scipy_stats.t.ppf((1 + confidence) / 2, n - 1) / np.sqrt(n)
        spread = np.sqrt((n - 1) / n) / np.sqrt(n)
        np.testing.assert_allclose(expanded_tail(n, confidence), scipy_stats.norm.cdf(-bound / spread), rtol=1e-9)

    def test_many_samples_have_the_plain_tail(self) -> None:
        np.testing.assert_allclose(expanded_tail(10**8, 0.9), 0.05, rtol=1e-6)

    def test_blocks_change_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        samples = rng(1).integers(-100, 100, (6, 3, 5)).astype(float)
        whole = bootstrap_interval(samples, resamples=500, rng=rng(2))
        monkeypatch.setattr(intervals, "BLOCK", 1000)
        parts = bootstrap_interval(samples, resamples=500, rng=rng(2))
        assert whole[0].shape == (3, 5)
        np.testing.assert_array_equal(whole, parts)

    def test_whole_samples_are_resampled(self) -> None:
        """The interval of a doubled curve is therefore the doubled interval."""
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


class TestToleranceInterval:
    @pytest.mark.parametrize(
        ("coverage", "confidence", "needed"),
        # As tabulated by Hahn & Meeker, Statistical Intervals (1991); the last by hand: 1 - 3/4 + 2/8.
        [(0.9, 0.95, 46), (0.95, 0.95, 93), (0.99, 0.95, 473), (0.9, 0.9, 38), (0.9, 0.99, 64), (0.5, 0.5, 3)],
    )
    def test_fewest_runs(self, coverage: float, confidence: float, needed: int) -> None:
        assert fewest_runs(coverage, confidence) == needed
        assert tolerance_ranks(needed, coverage, confidence) == (1, needed)
        with pytest.raises(ValueError, match=f"found {needed - 1} runs; .* needs at least {needed}"):
            tolerance_interval(np.zeros(needed - 1), coverage, confidence)

    @pytest.mark.parametrize("coverage", [0.5, 0.9])
    @pytest.mark.parametrize("confidence", [0.6, 0.95])
    def test_ranks_are_the_narrowest_sufficient(self, coverage: float, confidence: float) -> None:
        """Check with the Beta distribution of the fraction between two order statistics, not with the binomial."""
        for n in range(fewest_runs(coverage, confidence), 300):
            low, high = tolerance_ranks(n, coverage, confidence)
            assert (n - high) - (low - 1) in (0, 1)
            span = high - low
            assert scipy_stats.beta.sf(coverage, span, n - span + 1) >= confidence
            if span > 1:
                assert scipy_stats.beta.sf(coverage, span - 1, n - span + 2) < confidence

    def test_bounds_are_order_statistics_of_each_column(self) -> None:
        ordered = np.arange(100.0)
        samples = np.stack([rng(1).permutation(ordered), -rng(2).permutation(ordered)], axis=1)
        low, high = tolerance_interval(samples)
        # P(Binomial(100, 0.9) <= 95) = 97.6% and P(... <= 94) = 94.2%: 96 gaps, three runs outside.
        np.testing.assert_array_equal((low, high), ([1.0, -98.0], [97.0, -2.0]))

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_not_finite(self, bad: float) -> None:
        with pytest.raises(ValueError, match="not finite"):
            tolerance_interval(np.array([0.0] * 49 + [bad]))

    @pytest.mark.parametrize(("coverage", "confidence"), [(0.0, 0.9), (1.0, 0.9), (0.9, 95.0), (0.9, float("nan"))])
    def test_out_of_range(self, coverage: float, confidence: float) -> None:
        with pytest.raises(ValueError, match="allowed: above 0 and below 1"):
            tolerance_interval(np.zeros(100), coverage, confidence)


class TestSeedsNeeded:
    @pytest.mark.parametrize("half_width", [0.01, 0.1, 0.5, 2.0, 1e9])
    @pytest.mark.parametrize("confidence", [0.8, 0.95])
    def test_against_trying_every_number(self, half_width: float, confidence: float) -> None:
        samples = rng(1).normal(size=8)

        def reached(n: int) -> float:
            standard_error = samples.std(ddof=1) / np.sqrt(n)
            return scipy_stats.t.interval(confidence, n - 1, 0.0, standard_error)[1]

        more = seeds_needed(samples, half_width, confidence)
        assert more >= 0
        assert reached(len(samples) + more) <= half_width
        if more:
            assert reached(len(samples) + more - 1) > half_width

    def test_normal_limit(self) -> None:
        """Samples of unit deviation need (1.96 / h)^2 runs."""
        samples = np.array([-1.0, 1.0]) * np.sqrt(0.5)
        assert seeds_needed(samples, 0.001) == pytest.approx((scipy_stats.norm.ppf(0.975) / 0.001) ** 2, rel=1e-5)

    def test_runs_that_do_not_differ(self) -> None:
        assert seeds_needed(np.full(5, 3.0), 0.1) == 0

    @pytest.mark.parametrize(
        ("samples", "half_width", "confidence", "message"),
        [
            ([1.0], 1.0, 0.9, "found 1 samples"),
            ([1.0, 2.0], 0.0, 0.9, "half_width: found 0"),
            ([1.0, 2.0], float("nan"), 0.9, "half_width: found nan"),
            ([1.0, 2.0], 1.0, 1.0, "confidence: found 1"),
            ([1.0, np.nan], 1.0, 0.9, "not finite"),
        ],
    )
    def test_out_of_range(self, samples: list[float], half_width: float, confidence: float, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            seeds_needed(np.array(samples), half_width, confidence)
