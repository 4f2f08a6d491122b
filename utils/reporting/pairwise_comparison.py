"""Pairwise comparisons in a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from utils.analysis.mean_curve import RESAMPLES, answer_rng
from utils.analysis.number_format import NOTHING, brief
from utils.analysis.setting_choice import Choice
from utils.stats.intervals import MIN_SAMPLES
from utils.stats.pairs import compare_pair

MOST_COMPARED = 8
"""Settings; 28 pairs."""


@dataclass(frozen=True)
class Comparisons:
    """rows: a, b, difference of means, the two p values, superiority and its interval."""

    rows: list[list[str]]
    notes: list[str]


def comparisons(choices: Sequence[Choice], confidence: float) -> Comparisons:
    """Every pair of the choices."""
    able = [choice for choice in choices if len(choice.outcomes) >= MIN_SAMPLES][:MOST_COMPARED]
    rows = [_row(a, b, confidence) for a, b in combinations(able, 2)]
    notes = []
    if len(able) < len(choices):
        notes.append(
            f"{len(able)} of {len(choices)} settings: with {MIN_SAMPLES} runs or more, {MOST_COMPARED} at most."
        )
    if any(len(choice.among) > 1 for choice in able):
        notes.append("A setting that was selected on these seeds looks better than it is: compare on fresh ones.")
    if len(rows) > 1:
        notes.append(f"The p values are not corrected for {len(rows)} comparisons.")
    return Comparisons(rows, notes)


def _row(a: Choice, b: Choice, confidence: float) -> list[str]:
    runs = [choice.experiment.performance[choice.setting] for choice in (a, b)]
    found = compare_pair(runs[0], runs[1], confidence, RESAMPLES, rng=answer_rng())
    low, high = found.superiority_interval
    difference = NOTHING if np.isnan(found.difference) else brief(found.difference)
    return [
        a.label, b.label, difference, _p(found.welch_p), _p(found.mann_whitney_p),
        f"{found.superiority:.2f}", f"{low:.2f} to {high:.2f}",
    ]  # fmt: skip


def _p(value: float) -> str:
    if np.isnan(value):
        return NOTHING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
