"""Check the coverage of intervals in a short run of `python -m tests.stats.coverage_simulation`.

Margins are 2% and five binomial deviations: with any other seed, too, a false alarm is rarer than 1e-6.
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
def test_of_the_mean(name: str, n: int, rng: np.random.Generator) -> None:
    assert simulation.of_the_mean(simulation.LAWS[name], n, 4000, 2000, rng) == pytest.approx(
        0.95, abs=margin(0.95, 4000)
    )


@pytest.mark.parametrize("name", simulation.LAWS)
@pytest.mark.parametrize("n", [46, 100])
def test_of_tolerance(name: str, n: int, rng: np.random.Generator) -> None:
    promise = simulation.tolerance_promise(n)
    assert promise >= 0.95
    assert simulation.of_tolerance(simulation.LAWS[name], n, 4000, rng) == pytest.approx(
        promise, abs=margin(promise, 4000) - 0.02
    )


def test_of_superiority(rng: np.random.Generator) -> None:
    assert simulation.of_superiority(0.5, 50, 200, 300, rng) == pytest.approx(0.95, abs=margin(0.95, 200))


def test_of_iqm(rng: np.random.Generator) -> None:
    assert simulation.of_iqm(30, 400, 300, rng) == pytest.approx(0.95, abs=margin(0.95, 400))


def test_of_profile(rng: np.random.Generator) -> None:
    assert simulation.of_profile(30, 400, 300, rng) == pytest.approx(0.95, abs=margin(0.95, 400))
