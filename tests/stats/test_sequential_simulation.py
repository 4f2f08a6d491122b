"""Sequential rules in a short run of `python -m tests.stats.sequential_simulation`, and the page's tables."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tests.stats.sequential_simulation import DECISION, FIXED, STUDIES, decide_studies, hold_intervals
from tests.stats.tables import read_table


def rng() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(0))


@pytest.mark.parametrize("name", ["normal", "lognormal, s = 1"])
@pytest.mark.parametrize("agents", [2, 3])
def test_the_error_is_at_most_alpha(name: str, agents: int) -> None:
    """The probability of any error is at most 5%; the test fails by chance once in 1e7."""
    found = decide_studies(name, agents, 0.0, DECISION, 600, rng())
    assert found.error * 600 <= scipy_stats.binom.isf(1e-7, 600, 0.05)
    assert np.isnan(found.power)


def test_rates_by_value() -> None:
    few, fixed = (decide_studies("normal", 2, 1.5, looks, 200, rng()) for looks in (DECISION, FIXED))
    assert (few.error, few.power, fixed.power) == (0.0, 1.0, 1.0)
    assert few.runs == pytest.approx(11.15)
    assert fixed.runs == 30.0


def test_intervals_hold_what_the_page_says() -> None:
    held, used = hold_intervals("normal", 25, True, 500, rng())
    plain, fewer = hold_intervals("normal", 25, False, 500, rng())
    assert 500 * held >= scipy_stats.binom.ppf(1e-7, 500, 0.95)
    assert plain < held
    assert fewer < used


def test_the_page_has_no_error_above_what_it_says() -> None:
    """The bound of each error is exceeded by chance once in 1e7 if all are 5%."""
    rows = read_table("errors of sequential decisions")
    assert len(rows) == 16
    bound = 100 * scipy_stats.binom.isf(1e-7, STUDIES, 0.05) / STUDIES
    assert all(float(row[column]) <= bound for row in rows for column in (3, 6))


def test_the_page_has_intervals_that_hold_for_runs_without_rare_kinds() -> None:
    held = {
        row[0]: [float(cell.split()[0]) for cell in row[1:]] for row in read_table("coverage of sequential intervals")
    }
    assert min(held["normal"]) >= 97
    assert min(held["lognormal, s = 1"]) >= 94
