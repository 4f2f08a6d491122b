"""Simulated coverage of the intervals.  Usage: python -m tests.stats.coverage_simulation

Each function simulates experiments with a known true value and returns how often the interval contains it, for the
intervals in use and for those they replaced. The command writes the tables into docs/statistics.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats as scipy_stats

from tests.stats.battery import LAWS, PAIRS, Law, true_superiority
from tests.stats.tables import percent, write_table
from utils.core.markdown import markdown_table
from utils.stats.environments import (
    improvement_interval,
    iqm,
    optimality_gap,
    optimality_gap_interval,
    performance_profile,
    stratified_interval,
)
from utils.stats.intervals import expanded_tail, mean_interval, tolerance_interval, tolerance_ranks
from utils.stats.pairs import superiority_interval

EXPERIMENTS, RESAMPLES = 4000, 1000
"""Numbers of experiments in a cell of a table, and of resamples of a bootstrap."""

Bounds = tuple[np.ndarray, np.ndarray]
"""Low and high of some intervals."""


def coverage_rate(low: np.ndarray, truth: float | np.ndarray, high: np.ndarray) -> float:
    """Return the fraction of intervals that contain the true value, up to rounding."""
    return float(np.mean((low <= truth + 1e-9) & (truth - 1e-9 <= high)))


def mean_interval_coverage(law: Law, n: int, experiments: int, rng: np.random.Generator) -> float:
    """Return the coverage of `mean_interval` at 95% for n runs."""
    low, high = mean_interval(law.draw(rng, (n, experiments)), 0.95)
    return coverage_rate(low, law.mean, high)


def bootstrap_mean_coverage(law: Law, n: int, experiments: int, rng: np.random.Generator) -> float:
    """Return the coverage of the expanded-percentile bootstrap of the mean at 95% for n runs."""
    counts = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) / n
    tail = expanded_tail(n, 0.95)
    low, high = np.quantile(counts @ law.draw(rng, (n, experiments)), [tail, 1 - tail], axis=0)
    return coverage_rate(low, law.mean, high)


def superiority_coverage(
    pair: tuple[Law, Law], sizes: tuple[int, int], experiments: int, rng: np.random.Generator
) -> float:
    """Return the coverage of `superiority_interval` at 95% for n and m runs."""
    a, b = (law.draw(rng, (experiments, size)) for law, size in zip(pair, sizes, strict=True))
    low, high = superiority_interval(a, b, 0.95)
    return coverage_rate(low, true_superiority(pair, rng), high)


def bootstrap_superiority_coverage(
    pair: tuple[Law, Law], sizes: tuple[int, int], experiments: int, rng: np.random.Generator
) -> float:
    """Return the coverage of the percentile bootstrap of the probability of superiority at 95%."""
    truth, covered = true_superiority(pair, rng), []
    for _ in range(experiments // 100):
        a, b = (law.draw(rng, (100, size)) for law, size in zip(pair, sizes, strict=True))
        beats = (a[:, :, None] > b[:, None]) + 0.5 * (a[:, :, None] == b[:, None])
        counts = [rng.multinomial(size, np.full(size, 1 / size), size=RESAMPLES // 2) / size for size in sizes]
        drawn = ((counts[0] @ beats) * counts[1]).sum(-1)  # (100, resamples)
        low, high = np.quantile(drawn, [0.025, 0.975], axis=1)
        covered.append(coverage_rate(low, truth, high))
    return float(np.mean(covered))


def tolerance_success_rate(law: Law, n: int, experiments: int, rng: np.random.Generator) -> float:
    """Return how often `tolerance_interval` contains 90% of a large sample of the distribution."""
    low, high = tolerance_interval(law.draw(rng, (n, experiments)))
    every = np.sort(law.draw(rng, (1_000_000,)))
    inside = np.searchsorted(every, high, "right") - np.searchsorted(every, low, "left")
    return float(np.mean(inside / len(every) >= 0.9))


def exact_tolerance_success_rate(n: int) -> float:
    """Return the exact probability that `tolerance_success_rate` estimates for a continuous law, at least 95%."""
    low, high = tolerance_ranks(n)
    return float(scipy_stats.beta.sf(0.9, high - low, n - (high - low) + 1))


SHIFTS = np.array([0.0, 1.0, 2.0, 3.0])
"""Differences between the environments of an agent, in the unit of the battery."""


def several_environments(law: Law, n: int, experiments: int, rng: np.random.Generator) -> dict[str, float]:
    """Return the coverage of each interval over four environments with n runs each.

    The scores are shifted by SHIFTS. The profile is at the median score, and the target of the gap is the upper
    quartile. The other agent of the probability of improvement is lower by 1.
    """

    def draw(runs: int, shift: float = 0.0) -> np.ndarray:
        return law.draw(rng, (len(SHIFTS), runs)) + SHIFTS[:, None] + shift

    large = draw(1_000_000)
    middle, target = np.quantile(large, [0.5, 0.75])

    def profile(scores: np.ndarray) -> np.ndarray:
        return performance_profile(scores, np.array([middle]))[..., 0]

    improvement = true_superiority((law, Law(lambda rng, shape: law.draw(rng, shape) - 1.0, 0.0)), rng)
    found_truths = (iqm(large), profile(large), optimality_gap(large, target), improvement)
    truths = [float(truth) for truth in found_truths]
    covered = np.zeros(len(truths))
    for _ in range(experiments):
        scores, other = draw(n), draw(n, -1.0)
        found: list[tuple[Any, Any]] = [
            stratified_interval(iqm, scores, 0.95, RESAMPLES, rng=rng),
            stratified_interval(profile, scores, 0.95, RESAMPLES, rng=rng),
            optimality_gap_interval(scores, target, 0.95),
            improvement_interval(list(scores), list(other), 0.95),
        ]
        covered += [low - 1e-9 <= truth <= high + 1e-9 for (low, high), truth in zip(found, truths, strict=True)]
    names = ["interquartile mean", "performance profile", "optimality gap", "probability of improvement"]
    return dict(zip(names, (covered / experiments).tolist(), strict=True))


MEAN_RUNS = (2, 3, 5, 10, 20, 30, 50)
PAIR_RUNS = ((3, 3), (5, 5), (10, 10), (20, 20), (50, 50), (5, 20), (20, 5))
ENVIRONMENT_RUNS = (3, 5, 10, 20)
TOLERANCE_RUNS = (46, 60, 100)
"""Numbers of runs in the tables."""


def mean_table(rng: np.random.Generator) -> str:
    """Return the table of the interval of a mean: coverage, and in parentheses that of the former interval."""
    rows = [
        [name, *(
            f"{percent(mean_interval_coverage(law, n, EXPERIMENTS, rng))} "
            f"({percent(bootstrap_mean_coverage(law, n, EXPERIMENTS, rng))})" for n in MEAN_RUNS
        )]
        for name, law in LAWS.items()
    ]  # fmt: skip
    return markdown_table(["returns", *(f"n = {n}" for n in MEAN_RUNS)], rows)


def superiority_table(rng: np.random.Generator) -> str:
    """Return the table of the probability of superiority, with the former interval in parentheses."""
    rows = [
        [name, f"{true_superiority(pair, rng):.2f}", *(
            f"{percent(superiority_coverage(pair, sizes, EXPERIMENTS, rng))} "
            f"({percent(bootstrap_superiority_coverage(pair, sizes, EXPERIMENTS, rng))})" for sizes in PAIR_RUNS
        )]
        for name, pair in PAIRS.items()
    ]  # fmt: skip
    return markdown_table(["returns", "true value", *(f"n = {n}, {m}" for n, m in PAIR_RUNS)], rows)


def environments_table(rng: np.random.Generator) -> str:
    """Return the table of the intervals over four environments."""
    laws = ["normal", "lognormal, s = 1", "10% failures", "80% exactly 1000", "Student, 2 degrees"]
    rows = []
    for law in laws:
        cells = [several_environments(LAWS[law], n, EXPERIMENTS // 4, rng) for n in ENVIRONMENT_RUNS]
        rows += [[law, name, *(percent(cell[name]) for cell in cells)] for name in cells[0]]
    return markdown_table(["returns", "interval of", *(f"n = {n}" for n in ENVIRONMENT_RUNS)], rows)


def tolerance_table(rng: np.random.Generator) -> str:
    """Return the table of tolerance intervals."""
    rows = [
        [name, *(percent(tolerance_success_rate(law, n, EXPERIMENTS, rng)) for n in TOLERANCE_RUNS)]
        for name, law in LAWS.items()
    ]
    return markdown_table(["returns", *(f"n = {n}" for n in TOLERANCE_RUNS)], rows)


def main() -> None:
    """Write the tables into docs/statistics.md; takes a few minutes."""
    for name, table in {
        "mean": mean_table, "superiority": superiority_table, "environments": environments_table,
        "tolerance": tolerance_table,
    }.items():  # fmt: skip
        write_table(f"coverage of {name}", table(np.random.Generator(np.random.PCG64(0))))


if __name__ == "__main__":
    main()
