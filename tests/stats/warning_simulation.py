"""Simulated rates of warnings.  Usage: python -m tests.stats.warning_simulation

The command writes the table into docs/statistics.md.
"""

from __future__ import annotations

import numpy as np

from tests.stats.battery import LAWS, WELL_BEHAVED, Law
from tests.stats.tables import write_table
from utils.core.markdown import markdown_table
from utils.stats.sample_warnings import sample_warnings

EXPERIMENTS = 4000
"""Number of samples in a cell of the table."""

WARNED_RUNS = (5, 7, 10, 15, 20, 30, 50)
"""Numbers of runs in the table."""


def warned(law: Law, n: int, experiments: int, rng: np.random.Generator) -> list[set[str]]:
    """Return the kinds of warnings of some samples of n runs."""
    return [{each.kind for each in sample_warnings(runs)} for runs in law.draw(rng, (experiments, n))]


def false_alarm_rates(law: Law, n: int, experiments: int, rng: np.random.Generator) -> dict[str, float]:
    """Return how often there is a warning of each kind that depends on the returns."""
    found = warned(law, n, experiments, rng)
    return {kind: float(np.mean([kind in kinds for kinds in found])) for kind in ("tie", "gap", "far")}


def detection_rate(law: Law, n: int, experiments: int, rng: np.random.Generator) -> float:
    """Return how often there is a warning that depends on the returns."""
    return float(np.mean([bool(kinds - {"few"}) for kinds in warned(law, n, experiments, rng)]))


def warnings_table(rng: np.random.Generator) -> str:
    """Return the table: rates on well-behaved returns, which are false alarms, then on the battery."""
    laws = {f"{name} (false alarms)": law for name, law in WELL_BEHAVED.items()} | LAWS
    rows = [
        [name, *(f"{100 * detection_rate(law, n, EXPERIMENTS, rng):.1f}" for n in WARNED_RUNS)]
        for name, law in laws.items()
        if name not in WELL_BEHAVED
    ]
    return markdown_table(["returns", *(f"n = {n}" for n in WARNED_RUNS)], rows)


if __name__ == "__main__":
    write_table("rates of warnings", warnings_table(np.random.Generator(np.random.PCG64(0))))
