"""Coverage of intervals in a short run of `python -m tests.stats.coverage_simulation`.

Margins are 2% plus five binomial standard deviations: with any seed, the false alarm rate is below 1e-6.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.stats import coverage_simulation as simulation


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(0))


def margin(share: float, experiments: int) -> float:
    return 0.02 + 5 * np.sqrt(share * (1 - share) / experiments)


@pytest.mark.parametrize(
    ("name", "n"), [("normal", 10), ("uniform", 10), ("Student, 3 degrees", 20), ("gamma, shape 2", 50)]
)
def test_mean_interval(name: str, n: int, rng: np.random.Generator) -> None:
    assert simulation.mean_interval_coverage(simulation.LAWS[name], n, 4000, 2000, rng) == pytest.approx(
        0.95, abs=margin(0.95, 4000)
    )


@pytest.mark.parametrize("name", simulation.LAWS)
@pytest.mark.parametrize("n", [46, 100])
def test_tolerance_interval(name: str, n: int, rng: np.random.Generator) -> None:
    exact = simulation.exact_tolerance_success_rate(n)
    assert exact >= 0.95
    assert simulation.tolerance_success_rate(simulation.LAWS[name], n, 4000, rng) == pytest.approx(
        exact, abs=margin(exact, 4000) - 0.02
    )


def test_superiority_interval(rng: np.random.Generator) -> None:
    assert simulation.superiority_interval_coverage(0.5, 50, 200, 300, rng) == pytest.approx(
        0.95, abs=margin(0.95, 200)
    )


def test_iqm_interval(rng: np.random.Generator) -> None:
    assert simulation.iqm_interval_coverage(30, 400, 300, rng) == pytest.approx(0.95, abs=margin(0.95, 400))


def test_profile_interval(rng: np.random.Generator) -> None:
    assert simulation.profile_interval_coverage(30, 400, 300, rng) == pytest.approx(0.95, abs=margin(0.95, 400))
