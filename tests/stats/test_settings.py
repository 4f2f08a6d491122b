"""Statistics of settings, checked against all resamples and cases computed by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from utils.core.grid import Grid
from utils.stats import shrinkage
from utils.stats.settings import rank_settings, sensitivity, win_probability

NAN = np.nan


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


class TestWinProbability:
    def test_equal_settings_share(self) -> None:
        """Also if summation rounds."""
        for value in (1000.0, -106.1, 0.1):
            assert win_probability(np.full((4, 10), value), rng(), 100).tolist() == [0.25] * 4

    def test_equal_runs_in_another_order_share(self) -> None:
        performance = np.array([[0.1, 0.2, 0.3, 1e3], [1e3, 0.3, 0.2, 0.1]])
        np.testing.assert_allclose(win_probability(performance, rng(), 40_000), [0.5, 0.5], atol=0.0125)

    def test_runs_that_do_not_vary_decide(self) -> None:
        performance = np.repeat([[1.0], [3.0], [2.0], [3.0]], 4, axis=1)
        assert win_probability(performance, rng(), 100).tolist() == [0.0, 0.5, 0.0, 0.5]

    def test_many_runs_decide(self) -> None:
        """With a distance of 14 standard errors."""
        base = rng(1).normal(size=400)
        [_, better] = win_probability(np.stack([base, base + 1.0]), rng(2))
        assert better > 0.999

    def test_shifts_and_scales_change_nothing(self) -> None:
        performance = rng(1).normal(size=(5, 6))
        found, other = (win_probability(each, rng(), 1000) for each in (performance, 7.0 + 64.0 * performance))
        np.testing.assert_allclose(found, other)

    def test_a_failure_is_not_drawn_away(self) -> None:
        performance = np.array([[100.0, NAN, 100.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.5]])
        probability = win_probability(performance, rng(), 10_000)
        assert probability[0] == 0.0
        assert 0 < probability[1] < probability[2]
        assert probability[rank_settings(performance)[0]] == probability.max()

    def test_where_every_setting_has_a_failure(self) -> None:
        """The settings with the fewest failures can win, by their finite runs."""
        performance = np.array([[NAN, 1.0, 2.0, 9.0], [4.0, 1.0, 2.0, NAN], [NAN, NAN, 500.0, 500.0]])
        whole = win_probability(np.array([[1.0, 2.0, 9.0], [4.0, 1.0, 2.0]]), rng(), 1000)
        assert win_probability(performance, rng(), 1000).tolist() == [*whole, 0.0]

    @pytest.mark.parametrize("performance", [[[3.0]], [[1.0, 2.0], [NAN, 9.0]], [[NAN, NAN], [NAN, 0.0]], [[NAN]]])
    def test_a_setting_without_a_rival_wins(self, performance: list[list[float]]) -> None:
        found = win_probability(np.array(performance), rng(), 10)
        assert found[rank_settings(np.array(performance))[0]] == found.sum() == 1.0

    @pytest.mark.parametrize("performance", [[[3.0], [4.0]], [[3.0, NAN], [4.0, NAN]], [[NAN], [NAN]]])
    def test_too_few_runs(self, performance: list[list[float]]) -> None:
        with pytest.raises(ValueError, match="a win probability needs at least 2"):
            win_probability(np.array(performance), rng())

    def test_blocks_leave_no_draw_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shrinkage, "BLOCK", 700)
        found = win_probability(np.array([[1.0, 2.0, 6.0], [3.0, 3.0, 2.0]]), rng(), 1234)
        assert found.sum() == pytest.approx(1.0)
        assert (np.abs(found * 1234 - np.round(found * 1234)) < 1e-6).all()


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
