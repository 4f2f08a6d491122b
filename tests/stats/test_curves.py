"""Learning-curve statistics, checked against scipy and cases computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

from utils.stats.curves import area_under_curve, final_performance, step_weighted_curve


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


class TestStepWeightedCurve:
    def test_by_hand(self) -> None:
        """The episodes contain steps 1-3, 4 and 5-6."""
        curve = step_weighted_curve(np.array([-3.0, -1.0, -2.0]), np.array([3, 1, 2]), np.arange(1, 7))
        assert curve.tolist() == [-3.0, -3.0, -3.0, -1.0, -2.0, -2.0]

    def test_mean_over_all_steps_weights_returns_by_length(self) -> None:
        returns, steps = rng().normal(size=20), rng().integers(1, 50, 20)
        curve = step_weighted_curve(returns, steps, np.arange(1, steps.sum() + 1))
        assert curve.mean() == pytest.approx(np.average(returns, weights=steps), rel=1e-12)

    @pytest.mark.parametrize("timestep", [0, 7])
    def test_outside_the_episodes(self, timestep: int) -> None:
        with pytest.raises(ValueError, match="allowed: 1 to 6"):
            step_weighted_curve(np.array([-3.0, -1.0, -2.0]), np.array([3, 1, 2]), np.array([timestep]))

    def test_of_no_episodes(self) -> None:
        assert step_weighted_curve(np.empty(0), np.empty(0, int), np.empty(0, int)).shape == (0,)


class TestAreaUnderCurve:
    def test_by_hand(self) -> None:
        """From 0 to 10 in two steps, then constant for eight: (2 * 5 + 8 * 10) / 10."""
        assert area_under_curve(np.array([0.0, 10.0, 10.0]), np.array([0, 2, 10])) == 9.0

    def test_against_scipy(self) -> None:
        returns, timesteps = rng(1).normal(size=(3, 4, 20)), np.cumsum(rng(2).integers(1, 50, 20))
        area = integrate.trapezoid(returns, timesteps)
        np.testing.assert_allclose(area_under_curve(returns, timesteps), area / np.ptp(timesteps), rtol=1e-12)

    def test_of_one_point(self) -> None:
        assert area_under_curve(np.array([[3.0], [4.0]]), np.array([7])).tolist() == [3.0, 4.0]

    def test_nan_gives_nan(self) -> None:
        assert np.isnan(area_under_curve(np.array([0.0, np.nan, 1.0]), np.arange(3)))

    @pytest.mark.parametrize("timesteps", [[], [0, 0], [1, 0]])
    def test_timesteps_that_do_not_increase(self, timesteps: list[int]) -> None:
        with pytest.raises(ValueError, match="increas"):
            area_under_curve(np.zeros(len(timesteps)), np.array(timesteps))


class TestFinalPerformance:
    @pytest.mark.parametrize(
        ("returns", "timesteps", "value"),
        [
            ([[0.0, 0.0], [1.0, 3.0], [4.0, 6.0], [8.0, 10.0]], [0, 10, 20, 30], 7.0),
            ([[0.0, 0.0], [1.0, 3.0], [4.0, 6.0]], [0, 10, 20], 3.5),
            ([[1.0, 3.0], [4.0, 6.0]], [10, 20], 3.5),
            ([[0.0, 0.0], [1.0, 3.0], [4.0, 6.0]], [0, 10, 15], 3.5),
            ([[-2.0, -4.0]], [0], -3.0),
        ],
    )
    def test_is_the_mean_of_the_last_half(self, returns: list[list[float]], timesteps: list[int], value: float) -> None:
        assert final_performance(np.array(returns), np.array(timesteps)) == value

    @pytest.mark.parametrize("last", range(1, 41))
    def test_runs_with_an_evaluation_at_0_keep_the_last_half_of_their_number(self, last: int) -> None:
        """At every tenth timestep and at the last, as main.py evaluates."""
        timesteps = np.array(sorted({*range(0, last + 1, 10), last}))
        returns = np.arange(len(timesteps)) ** 2.0
        assert final_performance(returns, timesteps) == np.mean(returns[len(returns) // 2 :])

    def test_nan_gives_nan(self) -> None:
        assert np.isnan(final_performance(np.array([0.0, np.nan]), np.array([0, 1])))
