"""The mean of the selected setting, checked against enumeration and in a short simulation."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tests.stats import selection_simulation as simulation
from tests.stats.tables import read_table
from utils.stats import selection
from utils.stats.selection import selected_mean


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def test_against_all_resamples() -> None:
    """Two settings of three runs have 27 * 27 resamples; the interval's ends are among the means left out."""
    performance = np.array([[0.0, 3.0, 7.0], [1.0, 2.0, 5.5]])
    judged = []
    for drawn in product(product(range(3), repeat=3), repeat=2):
        means = [performance[setting, list(runs)].mean() for setting, runs in enumerate(drawn)]
        chosen = int(np.argmax(means))
        left = [run for run in range(3) if run not in drawn[chosen]]
        if left:
            judged.append(performance[chosen, left].mean())
    found = selected_mean(performance, 0.8, 40_000, rng=rng())
    values = np.array(judged)
    assert found.mean == pytest.approx(values.mean(), abs=5 * values.std() / np.sqrt(30_000))
    for bound, level in zip((found.low, found.high), (0.1, 0.9), strict=True):
        assert (values < bound - 1e-9).mean() - 0.0125 < level < (values <= bound + 1e-9).mean() + 0.0125


def test_the_selection_lowers_the_mean() -> None:
    """Of 50 equal settings with mean 0 and standard errors of 0.3, the highest found mean is about 0.7."""
    performance = rng(1).normal(size=(50, 10))
    found = selected_mean(performance, rng=rng())
    assert performance.mean(1).max() > 0.5
    assert found.low < 0 < found.high
    assert found.mean < 0.4


def test_one_setting_has_nothing_to_select() -> None:
    runs = rng(1).normal(size=(1, 20))
    found = selected_mean(runs, rng=rng(), resamples=20_000)
    assert found.mean == pytest.approx(runs.mean(), abs=0.02)


def test_blocks_change_nothing_but_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    performance = rng(1).normal(size=(4, 6))
    whole = selected_mean(performance, resamples=20_000, rng=rng())
    monkeypatch.setattr(selection, "BLOCK", 2400)
    np.testing.assert_allclose(selected_mean(performance, resamples=20_000, rng=rng()), whole, atol=0.1)


def test_out_of_range() -> None:
    with pytest.raises(ValueError, match="found 2 runs per setting; choosing again needs at least 3"):
        selected_mean(np.zeros((4, 2)), rng=rng())
    with pytest.raises(ValueError, match="confidence: found 95"):
        selected_mean(np.zeros((4, 3)), 95, rng=rng())
    with pytest.raises(ValueError, match="not finite"):
        selected_mean(np.full((4, 3), np.nan), rng=rng())


def test_coverage_is_as_in_the_table() -> None:
    """Five binomial standard deviations of the difference, and half a percent for the rounding of the table."""
    row = next(cells for cells in read_table("coverage of the selected setting") if cells[:2] == ["normal", "36"])
    expected = int(row[2 + simulation.SELECTED_RUNS.index(10)].split()[0]) / 100
    count = 20 * len(simulation.MEANS)
    found, _ = simulation.selected_coverage("normal", 36, 10, 20, rng())
    assert found == pytest.approx(expected, abs=0.005 + 5 * np.sqrt(2 * expected * (1 - expected) / count + 1e-4))


def test_win_probabilities_are_calibrated() -> None:
    """In a short simulation, the mean probability of the first-ranked setting is its rate of being best."""
    found = simulation.win_rates(2, rng())
    count = len(found["best"])
    assert found["now"].mean() == pytest.approx(found["best"].mean(), abs=0.03 + 5 * 0.5 / np.sqrt(count))
    assert found["before"].mean() > found["best"].mean() + 0.05


def test_the_page_says_how_far_win_probabilities_are_off() -> None:
    for stated, best, _ in read_table("calibration of win probabilities"):
        low, high = (float(bound) for bound in stated.split(" to "))
        assert low - 8 <= float(best.split()[0]) <= high + 8
