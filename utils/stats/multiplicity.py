"""Several comparisons at once: p values and confidence levels that control the family-wise error.

The family-wise error is the probability that any of several true hypotheses is rejected.
"""

from __future__ import annotations

import numpy as np

from utils.stats.intervals import check_fraction


def holm_adjust(p_values: np.ndarray) -> np.ndarray:
    """Return the p values adjusted for their number: rejecting those below a has a family-wise error of at most a.

    p_values: (k,), in [0, 1], NaN for a test that is not defined; such a test is not counted. The tests may depend on
    each other in any way (Holm 1979, Scandinavian Journal of Statistics 6(2)).
    Returns (k,), NaN where the p value is.
    """
    adjusted = np.full(len(p_values), np.nan)
    defined = np.flatnonzero(~np.isnan(p_values))
    order = defined[np.argsort(p_values[defined], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted


def simultaneous_confidence(confidence: float, count: int) -> float:
    """Return the level of each of several intervals that all hold with the given confidence (Bonferroni).

    confidence: in (0, 1).  count: number of intervals, 1 or more.  Raises ValueError for an argument out of range.
    """
    check_fraction("confidence", confidence)
    if count < 1:
        raise ValueError(f"count: found {count}; allowed: 1 or more")
    return 1 - (1 - confidence) / count
