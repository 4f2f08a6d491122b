"""Simulated errors of the tests of several agents.  Usage: python -m tests.stats.error_simulation

All agents have the same distribution of returns, so that every rejected hypothesis is an error. The command writes the
table into docs/statistics.md.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import stats as scipy_stats

from tests.stats.battery import NULLS, Law
from tests.stats.tables import write_table
from utils.core.markdown import markdown_table
from utils.stats.multiplicity import holm_adjust, simultaneous_confidence
from utils.stats.pairs import MIN_WELCH_RUNS, superiority_interval

EXPERIMENTS = 4000
"""Number of experiments in a cell of the table."""

AGENTS, ERROR_RUNS = (2, 3, 6), (3, 4, 5, 10, 30)
"""Numbers of agents, and of runs of each, in the table."""

TESTS = ("Welch", "Mann-Whitney", "superiority interval")
"""The tests: two p values, and whether the simultaneous interval contains 1/2."""


def p_values(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the p values that `compare_pair` gives for each of many pairs.  a, b: (..., n).  Returns (...) twice."""
    both = np.sort(np.concatenate([a, b], -1), axis=-1)
    welch = np.full(both.shape[:-1], np.nan)
    varies = (np.ptp(a, -1) > 0) | (np.ptp(b, -1) > 0)
    if min(a.shape[-1], b.shape[-1]) >= MIN_WELCH_RUNS:
        moments = [(runs.mean(-1), runs.std(-1, ddof=1), runs.shape[-1]) for runs in (a[varies], b[varies])]
        welch[varies] = scipy_stats.ttest_ind_from_stats(*moments[0], *moments[1], equal_var=False).pvalue
    tied = (np.diff(both, axis=-1) == 0).any(-1)
    ranks = np.ones(tied.shape)
    for some in (tied & (np.ptp(both, -1) > 0), ~tied):
        if some.any():
            ranks[some] = scipy_stats.mannwhitneyu(a[some], b[some], axis=-1).pvalue
    return welch, ranks


def family_wise_errors(
    law: Law, agents: int, n: int, experiments: int, rng: np.random.Generator
) -> dict[str, tuple[float, float]]:
    """Return how often each test rejects any of the pairs at 5%, with the adjustment in use and without."""
    runs = law.draw(rng, (experiments, agents, n))
    pairs = np.array(list(combinations(range(agents), 2)))
    a, b = runs[:, pairs[:, 0]], runs[:, pairs[:, 1]]  # (experiments, pairs, n)
    errors = []
    for each in p_values(a, b):
        holm = np.mean([(holm_adjust(row) <= 0.05).any() for row in each])
        errors.append((float(holm), float(np.mean((each <= 0.05).any(1)))))
    missed = []
    for confidence in (simultaneous_confidence(0.95, len(pairs)), 0.95):
        low, high = superiority_interval(a, b, confidence)
        missed.append(float(np.mean(((low > 0.5) | (high < 0.5)).any(1))))
    return dict(zip(TESTS, [*errors, (missed[0], missed[1])], strict=True))


def errors_table(rng: np.random.Generator) -> str:
    """Return the table: errors with the adjustment in use, and in parentheses without one."""
    rows = []
    for name, law in NULLS.items():
        for agents in AGENTS:
            cells = [family_wise_errors(law, agents, n, EXPERIMENTS, rng) for n in ERROR_RUNS]
            rows += [
                [
                    name,
                    str(agents),
                    test,
                    *(_cell(*cell[test], test, n) for n, cell in zip(ERROR_RUNS, cells, strict=True)),
                ]
                for test in TESTS
            ]
    return markdown_table(["returns", "agents", "test", *(f"n = {n}" for n in ERROR_RUNS)], rows)


def _cell(adjusted: float, plain: float, test: str, n: int) -> str:
    given = test != "Welch" or n >= MIN_WELCH_RUNS
    return f"{100 * adjusted:.1f} ({100 * plain:.1f})" if given else "not given"


if __name__ == "__main__":
    write_table("errors of tests", errors_table(np.random.Generator(np.random.PCG64(0))))
