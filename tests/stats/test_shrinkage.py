"""Empirical Bayes of means and variances, checked by closed forms and by simulation of its own model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from utils.stats.shrinkage import NOISE, count_wins, pool_variances, resample_errors, spread_of_means, win_probabilities


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def average(variances: np.ndarray, degrees: int) -> tuple[np.ndarray, float]:
    """Return the averages of variances with the common one, and their degrees of freedom."""
    own, shared, total = pool_variances(variances, degrees, np.full(len(variances), True))
    return own * variances + shared, total


class TestPooledVariances:
    def test_equal_variances_stay(self) -> None:
        """Their logarithms vary less than those of estimates, so the common variance counts as 50 degrees."""
        pooled, degrees = average(np.full(4, 3.0), 4)
        assert degrees == 54
        bias = scipy_stats.loggamma(2).mean() - scipy_stats.loggamma(25).mean() - np.log(2 / 25)
        np.testing.assert_allclose(pooled, (4 * 3 + 50 * 3 * np.exp(-bias)) / 54)

    def test_variances_of_one_distribution_become_nearly_equal(self) -> None:
        found = 2.0 * scipy_stats.chi2(4).rvs(400, random_state=rng(1)) / 4
        pooled, degrees = average(found, 4)
        assert degrees > 20
        assert pooled.mean() == pytest.approx(2.0, rel=0.15)
        assert pooled.std() < found.std() / 4

    def test_degrees_of_scaled_inverse_chi_squares(self) -> None:
        """True variances are 6 over chi-square with 6 degrees of freedom: the common one counts as 6."""
        true = 6 / scipy_stats.chi2(6).rvs(20_000, random_state=rng(1))
        _, degrees = average(true * scipy_stats.chi2(9).rvs(20_000, random_state=rng(2)) / 9, 9)
        assert degrees - 9 == pytest.approx(6.0, rel=0.1)

    def test_very_different_variances_stay(self) -> None:
        pooled, degrees = average(np.array([1e-8, 1e-4, 1.0, 1e4]), 9)
        assert degrees < 9.5
        np.testing.assert_allclose(pooled[2:], [1.0, 1e4], rtol=0.1)

    def test_no_variance(self) -> None:
        pooled, degrees = average(np.zeros(4), 9)
        assert (pooled.tolist(), degrees) == ([0.0] * 4, 9.0)


class TestResampledErrors:
    def test_have_the_estimated_variance(self) -> None:
        samples = rng(1).gamma(1.0, size=(3, 8))
        errors = resample_errors(samples, 40_000, rng())
        np.testing.assert_allclose(errors.mean(1), 0.0, atol=5 * errors.std() / 200)
        np.testing.assert_allclose(errors.var(1), samples.var(1, ddof=1) / 8, rtol=0.06)

    def test_are_bounded_by_the_samples(self) -> None:
        """The rare low sample pulls a mean down, and nothing pulls it far up."""
        samples = np.array([[0.0, 0.0, 0.0, 0.0, -10.0]])
        errors = resample_errors(samples, 1000, rng())
        assert errors.max() == pytest.approx(2.0 * np.sqrt(5 / 4))
        assert errors.min() < -3.0


class TestSpread:
    def test_of_equal_variances_is_the_difference(self) -> None:
        distances = np.array([1.0, 2.0, 4.0])
        assert spread_of_means(distances, np.full(3, 3.0)) == pytest.approx(7.0 - 3.0)

    def test_of_errors_that_explain_everything(self) -> None:
        assert spread_of_means(np.array([1.0, 2.0]), np.full(2, 30.0)) == pytest.approx(0.0, abs=1e-12)
        assert spread_of_means(np.zeros(3), np.ones(3)) == 0.0

    def test_of_unequal_variances_solves_its_equation(self) -> None:
        distances, variances = rng(1).normal(0.0, 3.0, 50), rng(2).gamma(1.0, size=50)
        found = spread_of_means(distances, variances)
        assert np.mean(distances**2 / (found + variances)) == pytest.approx(1.0)


def test_two_means_by_the_closed_form() -> None:
    """Normal errors with equal variances v and many degrees: only the higher mean is shrunk, by the trust in it."""
    v, distance, draws = 0.1, 2.0, 40_000
    spread = (distance / 2) ** 2 - NOISE * v
    trust = spread / (spread + NOISE * v)
    expected = scipy_stats.norm.cdf((distance / 2) * (trust + 1) / np.sqrt((trust + 1) * NOISE * v))
    errors = rng(1).normal(0.0, np.sqrt(v), (2, draws))
    found = win_probabilities(np.array([0.0, distance]), np.full(2, v), errors, np.full(2, np.inf), 10**6, rng())
    assert found[1] == pytest.approx(expected, abs=5 * 0.5 / np.sqrt(draws))


def test_no_mean_exceeds_its_limit() -> None:
    """The second setting's resampled means would exceed the first's in half of the draws, but for the limit."""
    errors = np.stack([np.zeros(1000), rng(1).normal(0.0, 5.0, 1000)])
    found = win_probabilities(np.array([1.0, 0.9]), np.array([0.0, 25.0]), errors, np.array([1.0, 0.99]), 10**6, rng())
    assert found.tolist() == [1.0, 0.0]


def test_wins_are_shared() -> None:
    means = np.array([[1.0, 2.0, 0.0], [1.0 + 1e-15, 1.0, 0.0], [0.0, 3.0, 0.0]])
    np.testing.assert_allclose(count_wins(means), [0.5 + 1 / 3, 0.5 + 1 / 3, 1 + 1 / 3])
