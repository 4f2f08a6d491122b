"""Pairwise comparisons of settings, corrected for the number of pairs in all environments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from utils.analysis.number_format import NO_VALUE, format_number
from utils.analysis.setting_choice import SettingChoice
from utils.stats.intervals import MIN_SAMPLES
from utils.stats.multiplicity import holm_adjust, simultaneous_confidence
from utils.stats.pairs import PairComparison, compare_pair

PAIR_COLUMNS = ("a", "b", "mean a \N{MINUS SIGN} mean b", "Welch p", "Mann\N{EN DASH}Whitney p", "superiority of a",
                "interval")  # fmt: skip
"""Columns of a table of pairs."""

SUPERIORITY_NOTE = (
    "Superiority: the probability that a run of a beats a run of b, with ties counted as half; a failed run is worse "
    "than all others."
)
"""What superiority is, in a note below a table."""


@dataclass(frozen=True)
class SettingPair:
    """Two settings of one environment and their comparison.

    found: differences, and an interval that holds simultaneously with those of all other pairs.
    welch_p, mann_whitney_p: p values, adjusted for the number of pairs.
    """

    a: SettingChoice
    b: SettingChoice
    found: PairComparison
    welch_p: float
    mann_whitney_p: float

    @property
    def cells(self) -> list[str]:
        """The row of a table, with PAIR_COLUMNS."""
        low, high = self.found.superiority_interval
        difference = NO_VALUE if np.isnan(self.found.difference) else format_number(self.found.difference)
        return [
            self.a.label, self.b.label, difference, format_p(self.welch_p), format_p(self.mann_whitney_p),
            f"{self.found.superiority:.2f}", f"{low:.2f} to {high:.2f}",
        ]  # fmt: skip


def compare_settings(groups: Sequence[Sequence[SettingChoice]], confidence: float) -> list[list[SettingPair]]:
    """Return the comparisons of every pair of settings within each group, such as the settings of one environment.

    The p values of each test are adjusted by Holm's method, and the intervals hold simultaneously, over the pairs of
    all groups. Settings with fewer than two runs are left out.  confidence: in (0, 1), of all intervals together.
    """
    enough = [[choice for choice in group if len(choice.outcomes) >= MIN_SAMPLES] for group in groups]
    pairs = [list(combinations(group, 2)) for group in enough]
    every = [pair for group in pairs for pair in group]
    level = simultaneous_confidence(confidence, max(1, len(every)))
    found = [compare_pair(a.performance, b.performance, level) for a, b in every]
    welch, mann_whitney = (
        holm_adjust(np.array([getattr(each, name) for each in found])) for name in ("welch_p", "mann_whitney_p")
    )
    rows = [
        SettingPair(*pair, each, float(one), float(other))
        for pair, each, one, other in zip(every, found, welch, mann_whitney, strict=True)
    ]
    ends = np.cumsum([0, *map(len, pairs)])
    return [rows[start:end] for start, end in pairwise(ends)]


def describe_correction(count: int) -> str:
    """Return how a table of pairs is corrected for their number; "" for one pair.  count: pairs in all environments."""
    if count < 2:
        return ""
    return (
        f"The p values of each test are adjusted for {count} pairs by Holm's method, and the {count} intervals hold "
        "simultaneously (Bonferroni)."
    )


def format_p(value: float) -> str:
    """Format a p value."""
    if np.isnan(value):
        return NO_VALUE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
