"""Adjusted p values and simultaneous intervals, checked against closed testing and by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from utils.stats.multiplicity import holm_adjust, simultaneous_confidence

NAN = np.nan


def test_holm_by_hand() -> None:
    """0.01 * 4, 0.02 * 3, 0.03 * 2 is not below the one before it, 0.5 * 1."""
    found = holm_adjust(np.array([0.5, 0.02, 0.01, 0.03]))
    np.testing.assert_allclose(found, [0.5, 0.06, 0.04, 0.06])


@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_holm_is_the_closure_of_bonferroni(p_values: list[float]) -> None:
    """The adjusted value is the largest of Bonferroni's for all sets of hypotheses that contain the hypothesis."""
    numbers = range(len(p_values))
    subsets = [subset for size in range(1, len(p_values) + 1) for subset in combinations(numbers, size)]
    bonferroni = {subset: min(1.0, len(subset) * min(p_values[k] for k in subset)) for subset in subsets}
    expected = [max(value for subset, value in bonferroni.items() if k in subset) for k in numbers]
    np.testing.assert_allclose(holm_adjust(np.array(p_values)), expected, rtol=1e-12)


def test_tests_that_are_not_defined_are_not_counted() -> None:
    np.testing.assert_allclose(holm_adjust(np.array([NAN, 0.01, NAN, 0.02])), [NAN, 0.02, NAN, 0.02])
    assert holm_adjust(np.array([])).shape == (0,)


def test_error_of_independent_true_hypotheses() -> None:
    """Of k independent uniform p values the smallest is below a / k with probability 1 - (1 - a / k)^k."""
    rng = np.random.Generator(np.random.PCG64(0))
    k, count = 6, 4000
    rejected = sum((holm_adjust(rng.random(k)) <= 0.05).any() for _ in range(count))
    law = scipy_stats.binom(count, 1 - (1 - 0.05 / k) ** k)
    assert law.ppf(2.5e-7) <= rejected <= law.isf(2.5e-7)


def test_simultaneous_confidence() -> None:
    assert simultaneous_confidence(0.95, 1) == 0.95
    assert simultaneous_confidence(0.95, 10) == pytest.approx(0.995)
    with pytest.raises(ValueError, match="count: found 0"):
        simultaneous_confidence(0.95, 0)
    with pytest.raises(ValueError, match="confidence: found 95"):
        simultaneous_confidence(95, 2)
