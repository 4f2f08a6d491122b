"""Statistics of settings, checked against all resamples and cases computed by hand."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from utils.core.grid import Grid
from utils.stats import settings as setting_stats
from utils.stats.settings import rank_settings, sensitivity, win_probability

NAN = np.nan


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def all_resamples(performance: np.ndarray) -> np.ndarray:
    """Return the exact win probabilities by enumerating all resamples.  performance: (S, N), finite."""
    n = performance.shape[1]
    sums = [[sum(drawn) for drawn in product(runs, repeat=n)] for runs in performance.tolist()]
    outcomes = np.stack([each.ravel() for each in np.meshgrid(*sums)])
    best = np.isclose(outcomes, outcomes.max(0), rtol=1e-12, atol=0)
    return (best / best.sum(0)).mean(1)


class TestWinProbability:
    @pytest.mark.parametrize(
        "performance",
        [
            [[1.0, 2.0, 6.0], [3.0, 3.0, 2.0], [0.0, 5.0, 3.0]],
            [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [-9.0, -9.0, 8.0]],
            [[0.0, 1.0], [1.0, 0.0], [0.5, 0.5], [0.0, 0.5]],
        ],
    )
    def test_against_all_resamples(self, performance: list[list[float]]) -> None:
        """The tolerance is five standard deviations of 40,000 resamples: false alarm rate 6e-7 per number."""
        exact = all_resamples(np.array(performance))
        found = win_probability(np.array(performance), rng(), 40_000)
        assert found.sum() == pytest.approx(1.0)
        np.testing.assert_allclose(found, exact, atol=5 * 0.5 / np.sqrt(40_000))

    def test_equal_settings_share(self) -> None:
        """Also if summation rounds."""
        for value in (1000.0, -106.1, 0.1):
            assert win_probability(np.full((4, 10), value), rng(), 100).tolist() == [0.25] * 4

    def test_equal_runs_in_another_order_share(self) -> None:
        performance = np.array([[0.1, 0.2, 0.3, 1e3], [1e3, 0.3, 0.2, 0.1]])
        exact = all_resamples(performance)
        np.testing.assert_allclose(win_probability(performance, rng(), 40_000), exact, atol=0.0125)

    def test_normal_limit(self) -> None:
        """For means d apart, each with deviation s / sqrt(n), the better wins with P = Phi(d sqrt(n / 2) / s)."""
        base = rng(1).normal(size=400)
        base = (base - base.mean()) / base.std()
        [_, better] = win_probability(np.stack([base, base + 0.05]), rng(2))
        assert better == pytest.approx(0.7602, abs=0.03)  # Phi(0.05 sqrt(200)).

    def test_a_failure_is_not_resampled_away(self) -> None:
        performance = np.array([[100.0, NAN, 100.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.5]])
        probability = win_probability(performance, rng(), 1000)
        assert probability[0] == 0.0
        assert 0 < probability[1] < probability[2]
        assert probability[rank_settings(performance)[0]] == probability.max()

    def test_where_every_setting_has_a_failure(self) -> None:
        """The setting with the fewest failures wins, then the one with the highest mean."""
        performance = np.array([[NAN, 1.0, 2.0, 9.0], [4.0, 1.0, 2.0, NAN], [NAN, NAN, 500.0, 500.0]])
        exact = all_resamples(np.array([[1.0, 2.0, 9.0], [4.0, 1.0, 2.0]]))
        np.testing.assert_allclose(win_probability(performance, rng(), 40_000), [*exact, 0.0], atol=0.0125)

    @pytest.mark.parametrize("performance", [[[3.0]], [[1.0, 2.0], [NAN, 9.0]], [[NAN, NAN], [NAN, 0.0]], [[NAN]]])
    def test_a_setting_without_a_rival_wins(self, performance: list[list[float]]) -> None:
        found = win_probability(np.array(performance), rng(), 10)
        assert found[rank_settings(np.array(performance))[0]] == found.sum() == 1.0

    @pytest.mark.parametrize("performance", [[[3.0], [4.0]], [[3.0, NAN], [4.0, NAN]], [[NAN], [NAN]]])
    def test_too_few_runs(self, performance: list[list[float]]) -> None:
        with pytest.raises(ValueError, match="a win probability needs at least 2"):
            win_probability(np.array(performance), rng())

    def test_a_setting_that_cannot_win_does_not(self) -> None:
        """Setting 0's best run is below setting 1's worst; setting 2 can at best tie with setting 1."""
        found = win_probability(np.array([[0.0, 0.9], [1.0, 2.0], [0.0, 1.0]]), rng(), 40_000)
        np.testing.assert_allclose(found, [0.0, 1 - 1 / 32, 1 / 32], atol=0.0125)
        assert found[0] == 0.0

    def test_blocks_leave_no_resample_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(setting_stats, "BLOCK", 700)
        found = win_probability(np.array([[1.0, 2.0, 6.0], [3.0, 3.0, 2.0]]), rng(), 1234)
        assert found.sum() == pytest.approx(1.0)
        assert (found * 1234 * 2 % 1 == 0).all()


def settings_of(**parameters: list[Any]) -> list[dict[str, Any]]:
    """Return all settings of a grid."""
    grid = Grid(parameters)
    return [grid.setting(number) for number in range(len(grid))]


SETTINGS = settings_of(lr=[0.1, 0.01, 0.001], alpha=[1, 2])
# lr                       0.1         0.01        0.001       0.1         0.01        0.001
# alpha                    1           1           1           2           2           2
PERFORMANCE = np.array([[5.0, 6.0], [1.0, 2.0], [9.0, NAN], [3.0, 4.0], [7.0, 8.0], [0.0, 1.0]])


class TestSensitivity:
    def test_by_hand(self) -> None:
        """The optimum is setting 4; setting 2 has a failed run and ranks below setting 5."""
        lr = sensitivity(PERFORMANCE, SETTINGS, "lr")
        assert lr.values == [0.1, 0.01, 0.001]
        assert lr.best.tolist() == [0, 4, 5]
        assert lr.best_performance.tolist() == [5.5, 7.5, 0.5]
        assert lr.slice.tolist() == [3, 4, 5]
        assert lr.slice_performance.tolist() == [3.5, 7.5, 0.5]

    def test_a_failure_shows(self) -> None:
        performance = PERFORMANCE.copy()
        performance[5, 0] = NAN
        lr = sensitivity(performance, SETTINGS, "lr")
        assert lr.best.tolist() == [0, 4, 2]
        np.testing.assert_array_equal(lr.best_performance, [5.5, 7.5, NAN])

    def test_a_combination_that_the_grid_lacks(self) -> None:
        settings = settings_of(batch_size=[2, 8], replay_capacity=[4, 16])
        assert settings[0] == {"batch_size": 2, "replay_capacity": 4}
        found = sensitivity(np.array([[3.0], [1.0], [2.0]]), settings, "batch_size")
        assert (found.values, found.best.tolist(), found.slice.tolist()) == ([2, 8], [0, 2], [0, -1])
        np.testing.assert_array_equal(found.slice_performance, [3.0, NAN])

    def test_values_that_are_lists_or_nearly_equal(self) -> None:
        settings = [{"n_rho": value} for value in ([30, 0.1], [10, 0.1], 1, 1.0, True)]
        found = sensitivity(np.arange(5.0)[:, None], settings, "n_rho")
        assert found.values == [[30, 0.1], [10, 0.1], 1, 1.0, True]
        assert found.best.tolist() == found.slice.tolist() == [0, 1, 2, 3, 4]

    def test_the_optimum_is_in_both(self) -> None:
        settings = settings_of(a=[1, 2, 3], b=[1, 2, 3], c=[1, 2])
        performance = rng(1).normal(size=(len(settings), 5))
        for key in "abc":
            found = sensitivity(performance, settings, key)
            top = int(np.argmax(performance.mean(1)))
            where = found.values.index(settings[top][key])
            assert found.best[where] == found.slice[where] == top
            assert (found.best_performance >= found.slice_performance).all()

    def test_a_key_that_a_setting_lacks(self) -> None:
        with pytest.raises(ValueError, match="hyperparameter 'tau': setting 0 has no value"):
            sensitivity(PERFORMANCE, SETTINGS, "tau")


class TestRankSettings:
    def test_by_mean_over_runs(self) -> None:
        assert rank_settings(np.array([[1.0, 2.0], [5.0, 5.0], [0.0, 9.0]])).tolist() == [1, 2, 0]

    def test_a_setting_with_a_failure_ranks_below_every_complete_one(self) -> None:
        performance = np.array([[100.0, NAN, 100.0], [1.0, 2.0, 3.0], [NAN, NAN, 500.0], [-7.0, -7.0, -7.0]])
        assert rank_settings(performance).tolist() == [1, 3, 0, 2]

    def test_nothing_but_failures(self) -> None:
        assert rank_settings(np.array([[NAN, NAN], [NAN, -9.0]])).tolist() == [1, 0]

    def test_ties_go_to_the_lower_number(self) -> None:
        assert rank_settings(np.array([[1.0], [2.0], [2.0]])).tolist() == [1, 2, 0]
