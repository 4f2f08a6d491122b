"""Pairwise comparisons of settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from utils.analysis.number_format import NO_VALUE, format_number
from utils.analysis.setting_choice import SettingChoice
from utils.stats.intervals import MIN_SAMPLES
from utils.stats.pairs import compare_pair

MAX_COMPARED_SETTINGS = 8
"""Largest number of settings compared, in 28 pairs."""


@dataclass(frozen=True)
class PairwiseComparison:
    """A table of pairs.  rows: a, b, difference of means, the two p values, superiority and its interval."""

    rows: list[list[str]]
    notes: list[str]


def compare_all_pairs(choices: Sequence[SettingChoice], confidence: float) -> PairwiseComparison:
    """Return the comparison of every pair of settings.  confidence: confidence level of the intervals."""
    compared = [choice for choice in choices if len(choice.outcomes) >= MIN_SAMPLES][:MAX_COMPARED_SETTINGS]
    rows = [_row(a, b, confidence) for a, b in combinations(compared, 2)]
    notes = []
    if len(compared) < len(choices):
        notes.append(
            f"{len(compared)} of {len(choices)} settings are compared: at most {MAX_COMPARED_SETTINGS}, each with "
            f"{MIN_SAMPLES} runs or more."
        )
    if any(len(choice.among) > 1 for choice in compared):
        notes.append("A setting selected on these seeds looks better than it is: compare on fresh seeds.")
    if len(rows) > 1:
        notes.append(f"The p values are not corrected for {len(rows)} comparisons.")
    return PairwiseComparison(rows, notes)


def _row(a: SettingChoice, b: SettingChoice, confidence: float) -> list[str]:
    found = compare_pair(a.performance, b.performance, confidence)
    low, high = found.superiority_interval
    difference = NO_VALUE if np.isnan(found.difference) else format_number(found.difference)
    return [
        a.label, b.label, difference, _p_text(found.welch_p), _p_text(found.mann_whitney_p),
        f"{found.superiority:.2f}", f"{low:.2f} to {high:.2f}",
    ]  # fmt: skip


def _p_text(value: float) -> str:
    if np.isnan(value):
        return NO_VALUE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
