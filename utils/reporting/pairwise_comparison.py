"""Pairwise comparisons of the settings on each axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from utils.analysis.pairwise import SettingPair, compare_settings, describe_correction
from utils.analysis.setting_choice import SettingChoice
from utils.stats.intervals import MIN_SAMPLES

MAX_COMPARED_SETTINGS = 8
"""Largest number of settings of an axis that are compared, in 28 pairs."""


@dataclass(frozen=True)
class PairwiseComparison:
    """A table of pairs.  rows: cells, with `utils.analysis.pairwise.PAIR_COLUMNS`."""

    rows: list[list[str]]
    notes: list[str]


def compare_all_pairs(axes: Sequence[Sequence[SettingChoice]], confidence: float) -> list[PairwiseComparison]:
    """Return the comparison of every pair of settings on each axis, corrected for the pairs of all axes.

    confidence: confidence level of the intervals of all axes together.
    """
    compared = [[each for each in axis if len(each.outcomes) >= MIN_SAMPLES][:MAX_COMPARED_SETTINGS] for axis in axes]
    found = compare_settings(compared, confidence)
    count = sum(map(len, found))
    return [_table(*each, count) for each in zip(axes, compared, found, strict=True)]


def _table(
    axis: Sequence[SettingChoice], compared: Sequence[SettingChoice], pairs: Sequence[SettingPair], count: int
) -> PairwiseComparison:
    """Return the table of one axis.  count: number of pairs on all axes."""
    notes = []
    if len(compared) < len(axis):
        notes.append(
            f"{len(compared)} of {len(axis)} settings are compared: at most {MAX_COMPARED_SETTINGS}, each with "
            f"{MIN_SAMPLES} runs or more."
        )
    if any(len(choice.among) > 1 for choice in compared):
        notes.append("A setting selected on these seeds looks better than it is: compare on fresh seeds.")
    if pairs and count > 1:
        notes.append(describe_correction(count))
    return PairwiseComparison([pair.cells for pair in pairs], notes)
