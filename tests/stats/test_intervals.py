"""Intervals and sample sizes, checked against enumeration, scipy and tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from utils.stats.intervals import (
    expanded_tail,
    fewest_runs,
    mean_interval,
    seeds_needed,
    skewed_quantiles,
    tolerance_interval,
    tolerance_ranks,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


class TestMeanInterval:
    @pytest.mark.parametrize("confidence", [0.5, 0.95])
    @pytest.mark.parametrize("samples", [[0.0, 1.0], [-3.0, -1.0, 1.0, 3.0], [5.0, 5.5, 6.0]])
    def test_of_symmetric_samples_is_students(self, samples: list[float], confidence: float) -> None:
        theirs = scipy_stats.ttest_1samp(samples, 0.0).confidence_interval(confidence)
        np.testing.assert_allclose(mean_interval(np.array(samples), confidence), theirs, rtol=1e-9)

    @pytest.mark.parametrize("confidence", [0.8, 0.95])
    def test_long_side_by_halls_transformation(self, confidence: float) -> None:
        """The transformed distance to the bound on the side of the rare, high returns is Student's quantile."""
        samples = rng(1).gamma(1.0, size=12)
        mean, error = samples.mean(), scipy_stats.sem(samples)
        low, high = mean_interval(samples, confidence)
        skewness = scipy_stats.skew(samples) * (11 / 12) ** 1.5
        a, t = skewness / np.sqrt(12), (mean - high) / error
        quantile = scipy_stats.t.ppf((1 - confidence) / 2, 11)
        assert t + a * t**2 / 3 + a**2 * t**3 / 27 + a / 6 == pytest.approx(quantile, rel=1e-9)
        assert low == pytest.approx(mean + quantile * error, rel=1e-9)

    @given(samples=st.lists(st.integers(-1000, 1000), min_size=2, max_size=20))
    def test_is_never_within_students(self, samples: list[int]) -> None:
        values = np.array(samples, float)
        low, high = mean_interval(values)
        half = scipy_stats.t.ppf(0.975, len(values) - 1) * scipy_stats.sem(values)
        assert low <= values.mean() - half * (1 - 1e-9)
        assert high >= values.mean() + half * (1 - 1e-9)

    def test_mirrors_shifts_and_scales_with_the_samples(self) -> None:
        samples = rng(1).gamma(1.0, size=9)
        low, high = mean_interval(samples)
        np.testing.assert_allclose(mean_interval(7.0 - 2.0 * samples), (7.0 - 2.0 * high, 7.0 - 2.0 * low), rtol=1e-12)

    def test_a_higher_confidence_contains_a_lower_one(self) -> None:
        samples = rng(1).gamma(1.0, size=9)
        bounds = np.array([mean_interval(samples, confidence) for confidence in (0.5, 0.8, 0.95, 0.999)])
        assert (np.diff(bounds[:, 0]) < 0).all()
        assert (np.diff(bounds[:, 1]) > 0).all()

    def test_each_number_has_its_own(self) -> None:
        samples = rng(1).normal(size=(8, 3, 2))
        low, high = mean_interval(samples)
        assert low.shape == high.shape == (3, 2)
        np.testing.assert_allclose((low[2, 1], high[2, 1]), mean_interval(samples[:, 2, 1]), rtol=1e-12)

    @pytest.mark.parametrize("value", [0.0, 0.1, -1000.0, 1e100])
    def test_of_equal_samples_is_their_value(self, value: float) -> None:
        np.testing.assert_allclose(mean_interval(np.full(10, value)), (value, value), rtol=1e-13)

    @pytest.mark.parametrize("n", [0, 1])
    def test_too_few(self, n: int) -> None:
        with pytest.raises(ValueError, match=f"found {n} samples; the interval of a mean needs at least 2"):
            mean_interval(np.zeros((n, 3)))

    @pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, float("nan")])
    def test_confidence_out_of_range(self, confidence: float) -> None:
        with pytest.raises(ValueError, match="confidence: found"):
            mean_interval(np.zeros((3, 3)), confidence)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_not_finite(self, bad: float) -> None:
        with pytest.raises(ValueError, match="not finite"):
            mean_interval(np.array([0.0, bad]))


class TestExpandedTail:
    @pytest.mark.parametrize(("n", "confidence"), [(2, 0.5), (10, 0.95), (30, 0.99)])
    def test_is_students(self, n: int, confidence: float) -> None:
        """For normal resampled means (variance with denominator n, divided by n), the bound is Student's."""
        bound = scipy_stats.t.ppf((1 + confidence) / 2, n - 1) / np.sqrt(n)
        spread = np.sqrt((n - 1) / n) / np.sqrt(n)
        np.testing.assert_allclose(expanded_tail(n, confidence), scipy_stats.norm.cdf(-bound / spread), rtol=1e-9)

    def test_many_samples_have_the_plain_tail(self) -> None:
        np.testing.assert_allclose(expanded_tail(10**8, 0.9), 0.05, rtol=1e-6)


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
            skewness = np.mean((samples - samples.mean()) ** 3) / samples.std(ddof=1) ** 3
            return float(max(skewed_quantiles(skewness, n, confidence)) * samples.std(ddof=1) / np.sqrt(n))

        more = seeds_needed(samples, half_width, confidence)
        assert more >= 0
        assert reached(len(samples) + more) <= half_width
        if more:
            assert reached(len(samples) + more - 1) > half_width

    def test_of_symmetric_samples_is_students(self) -> None:
        samples = np.array([-3.0, -1.0, 1.0, 3.0])
        count = 4 + seeds_needed(samples, 1.0)
        half = [scipy_stats.t.ppf(0.975, n - 1) * samples.std(ddof=1) / np.sqrt(n) for n in (count - 1, count)]
        assert half[1] <= 1.0 < half[0]

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
