"""Simulated coverage of the intervals.  Usage: python -m tests.stats.coverage_simulation

Each function simulates experiments with a known true value and returns how often the interval contains it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import integrate, optimize
from scipy import stats as scipy_stats

from utils.stats.environments import iqm, performance_profile, stratified_interval
from utils.stats.intervals import bootstrap_interval, tolerance_interval, tolerance_ranks
from utils.stats.pairs import compare_pair
from utils.stats.settings import win_probability

LAWS: dict[str, Any] = {
    "normal": scipy_stats.norm(),
    "gamma, shape 2": scipy_stats.gamma(2.0),
    "uniform": scipy_stats.uniform(),
    "Student, 3 degrees": scipy_stats.t(3),
}


def coverage_rate(low: np.ndarray, truth: float | np.ndarray, high: np.ndarray) -> float:
    """Return the fraction of intervals that contain the true value, up to rounding."""
    return float(np.mean((low <= truth + 1e-12) & (truth - 1e-12 <= high)))


def mean_interval_coverage(law: Any, n: int, experiments: int, resamples: int, rng: np.random.Generator) -> float:
    """Return the coverage of `bootstrap_interval` at 95% for n runs."""
    samples = law.rvs((n, experiments), random_state=rng)
    low, high = bootstrap_interval(samples, 0.95, resamples, rng=rng)
    return coverage_rate(low, law.mean(), high)


def tolerance_success_rate(law: Any, n: int, experiments: int, rng: np.random.Generator) -> float:
    """Return how often `tolerance_interval` contains 90% of the distribution."""
    low, high = tolerance_interval(law.rvs((n, experiments), random_state=rng))
    return float(np.mean(law.cdf(high) - law.cdf(low) >= 0.9))


def exact_tolerance_success_rate(n: int) -> float:
    """Return the exact probability that `tolerance_success_rate` estimates, at least 95%."""
    low, high = tolerance_ranks(n)
    return float(scipy_stats.beta.sf(0.9, high - low, n - (high - low) + 1))


def superiority_interval_coverage(
    distance: float, n: int, experiments: int, resamples: int, rng: np.random.Generator
) -> float:
    """Return the coverage of `compare_pair` at 95% for two unit normals, n runs each, with means a distance apart."""
    truth = scipy_stats.norm.cdf(distance / np.sqrt(2))
    a, b = rng.normal(distance, 1.0, (experiments, n)), rng.normal(0.0, 1.0, (experiments, n))
    pairs = [compare_pair(*pair, resamples=resamples, rng=rng) for pair in zip(a, b, strict=True)]
    low, high = np.transpose([pair.superiority_interval for pair in pairs])
    return coverage_rate(low, truth, high)


ENVIRONMENTS = (0.0, 0.3, 0.6, 1.0)
"""Mean scores of four environments with standard deviation 0.3."""


def iqm_interval_coverage(n: int, experiments: int, resamples: int, rng: np.random.Generator) -> float:
    """Return the coverage of `stratified_interval` of `iqm` at 95% for n runs in each of four environments."""
    mixture = [scipy_stats.norm(mean, 0.3) for mean in ENVIRONMENTS]

    def cdf(score: float) -> float:
        return float(np.mean([law.cdf(score) for law in mixture]))

    def mean_times_density(score: float) -> float:
        return score * float(np.mean([law.pdf(score) for law in mixture]))

    quartiles = [optimize.brentq(lambda score, p=p: cdf(score) - p, -5, 5) for p in (0.25, 0.75)]
    truth = 2 * integrate.quad(mean_times_density, *quartiles)[0]
    scores = rng.normal(np.array(ENVIRONMENTS)[:, None], 0.3, (experiments, len(ENVIRONMENTS), n))
    low, high = np.transpose([stratified_interval(iqm, each, 0.95, resamples, rng=rng) for each in scores])
    return coverage_rate(low, truth, high)


def profile_interval_coverage(n: int, experiments: int, resamples: int, rng: np.random.Generator) -> float:
    """Return the coverage of `stratified_interval` of the profile at 0.5, at 95% for n runs in four environments."""
    truth = float(np.mean([scipy_stats.norm.sf(0.5, mean, 0.3) for mean in ENVIRONMENTS]))
    scores = rng.normal(np.array(ENVIRONMENTS)[:, None], 0.3, (experiments, len(ENVIRONMENTS), n))

    def profile(each: np.ndarray) -> np.ndarray:
        return performance_profile(each, np.array([0.5]))[..., 0]

    low, high = np.transpose([stratified_interval(profile, each, 0.95, resamples, rng=rng) for each in scores])
    return coverage_rate(low, truth, high)


def choice_rate_and_win_probability(
    n: int, experiments: int, resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Return how often a fresh sweep of five settings chooses setting 0, and the mean `win_probability` of setting 0.

    Runs are normal with unit deviation and means 0.5, 0.3, 0.2, 0 and 0, n runs per setting.
    """
    means = np.array([0.5, 0.3, 0.2, 0.0, 0.0])[:, None]
    sweeps = rng.normal(means, 1.0, (experiments, len(means), n))
    chosen = float(np.mean(sweeps.mean(-1).argmax(1) == 0))
    return chosen, float(np.mean([win_probability(sweep, rng, resamples)[0] for sweep in sweeps]))


def main() -> None:
    """Print the table; takes a few minutes."""
    rng = np.random.Generator(np.random.PCG64(0))
    for name, law in LAWS.items():
        for n in (5, 10, 20, 30, 50, 100):
            print(
                f"mean, 95%: {name}, n = {n}: {100 * mean_interval_coverage(law, n, 10_000, 2_000, rng):.1f}%",
                flush=True,
            )
        for n in (46, 60, 100, 200):
            found = 100 * tolerance_success_rate(law, n, 20_000, rng)
            print(
                f"tolerance: {name}, n = {n}: {found:.1f}% (exact: {100 * exact_tolerance_success_rate(n):.1f}%)",
                flush=True,
            )
    for n in (10, 20, 30, 50, 100):
        for distance in (0.0, 0.5, 1.0):
            found = 100 * superiority_interval_coverage(distance, n, 4_000, 1_000, rng)
            print(f"superiority, 95%: distance {distance}, n = m = {n}: {found:.1f}%", flush=True)
        print(f"IQM, 95%: 4 environments of {n}: {100 * iqm_interval_coverage(n, 4_000, 1_000, rng):.1f}%", flush=True)
        print(
            f"profile, 95%: 4 environments of {n}: {100 * profile_interval_coverage(n, 4_000, 1_000, rng):.1f}%",
            flush=True,
        )
        chosen, estimated = choice_rate_and_win_probability(n, 2_000, 1_000, rng)
        print(f"win probability, n = {n}: chosen in {100 * chosen:.1f}%, estimated {100 * estimated:.1f}%", flush=True)


if __name__ == "__main__":
    main()
