"""Figures of a study: values of a hyperparameter of several arms, in one order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.studies.test_claims import arm, study
from utils.studies.figures import best_by_value, draw_sensitivity
from utils.studies.study import Arm, Study


def two_arms(a: list[Any], b: list[Any]) -> Study:
    arms = {
        name: Arm(agent_name="SAC", parameters={"alpha": values}) for name, values in zip("AB", (a, b), strict=True)
    }
    return study().model_copy(update={"arms": arms})


def test_the_best_with_each_value():
    """A setting with a run that diverged does not count, and a value without another setting has NaN."""
    choosing = np.array([[1.0], [np.nan], [3.0], [np.nan]])
    np.testing.assert_equal(best_by_value(study(), arm("A", choosing, []), "alpha"), {"0.1": 3.0, "1.0": np.nan})


@pytest.mark.parametrize(
    ("a", "b", "order", "places"),
    [
        ([1.0, 0.01], [0.1, 1.0], ["0.01", "0.1", "1.0"], [[0, 2], [1, 2]]),
        ([0.1, None], [0.01, 0.1], ["0.01", "0.1", "null"], [[1, 2], [0, 1]]),
        (["relu", "tanh"], ["relu"], ["relu", "tanh"], [[0, 1], [0]]),
    ],
)
def test_values_of_two_arms_share_an_axis(a, b, order, places):
    known = {"e": {name: arm(name, np.ones((len(values), 3)), []) for name, values in (("A", a), ("B", b))}}
    figure = draw_sensitivity(two_arms(a, b), known, ["A", "B"], "alpha")
    assert figure is not None
    [axis] = figure.axes
    assert [label.get_text() for label in axis.get_xticklabels()] == order
    assert [np.asarray(line.get_xdata()).tolist() for line in axis.lines] == places
