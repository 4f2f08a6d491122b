"""Coverage of intervals in a short run of `python -m tests.stats.coverage_simulation`, and the page's claims.

Margins are five binomial standard deviations: with any seed, the false alarm rate is below 1e-6.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.stats import coverage_simulation as simulation
from tests.stats.battery import LAWS, PAIRS
from tests.stats.tables import read_table
from utils.core.provenance import ROOT


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(0))


def margin(share: float, experiments: int) -> float:
    """Return five standard deviations of a rate, and half a percent for the rounding of the table."""
    return 0.005 + 5 * np.sqrt(share * (1 - share) / experiments)


def table_rate(name: str, row: str, column: int) -> float:
    """Return a rate in a table of the page.  column: number of the rate, from 0."""
    [cells] = [cells for cells in read_table(name) if cells[0] == row]
    rates = [cell for cell in cells[1:] if "." not in cell]
    return int(rates[column].split()[0]) / 100


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("n", [5, 10, 30])
def test_mean_interval_is_as_in_the_table(name: str, n: int, rng: np.random.Generator) -> None:
    expected = table_rate("coverage of mean", name, simulation.MEAN_RUNS.index(n))
    found = simulation.mean_interval_coverage(LAWS[name], n, 4000, rng)
    assert found == pytest.approx(expected, abs=2**0.5 * margin(expected, 4000))


@pytest.mark.parametrize("name", PAIRS)
def test_superiority_interval_is_as_in_the_table(name: str, rng: np.random.Generator) -> None:
    expected = table_rate("coverage of superiority", name, simulation.PAIR_RUNS.index((10, 10)))
    found = simulation.superiority_coverage(PAIRS[name], (10, 10), 2000, rng)
    assert found == pytest.approx(expected, abs=2**0.5 * margin(expected, 2000))


@pytest.mark.parametrize("name", ["normal", "lognormal, s = 1", "Student, 3 degrees"])
@pytest.mark.parametrize("n", [46, 100])
def test_tolerance_interval(name: str, n: int, rng: np.random.Generator) -> None:
    exact = simulation.exact_tolerance_success_rate(n)
    assert exact >= 0.95
    assert simulation.tolerance_success_rate(LAWS[name], n, 4000, rng) == pytest.approx(exact, abs=margin(exact, 4000))


def test_intervals_over_environments(rng: np.random.Generator) -> None:
    found = simulation.several_environments(LAWS["normal"], 10, 300, rng)
    assert all(rate >= 0.95 - margin(0.95, 300) for rate in found.values())


def worst_rate(name: str, column: int) -> int:
    """Return the lowest rate of a column in a table, percent."""
    return min(int(cells[column].split()[0]) for cells in read_table(name))


def test_the_readme_has_the_worst_lines() -> None:
    mean = worst_rate("coverage of mean", 1 + simulation.MEAN_RUNS.index(10))
    mean_30 = worst_rate("coverage of mean", 1 + simulation.MEAN_RUNS.index(30))
    pair = worst_rate("coverage of superiority", 2 + simulation.PAIR_RUNS.index((10, 10)))
    text = " ".join((ROOT / "README.md").read_text().split())
    assert f"a nominal 95% interval of a mean holds at least {mean}% with 10 runs and {mean_30}% with 30" in text
    assert f"that of the probability that one agent beats another at least {pair}% with 10" in text
