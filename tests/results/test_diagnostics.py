"""Warning signs in a run's diagnostics, by value."""

from __future__ import annotations

import numpy as np
import pytest

from utils.results.diagnostics import warning_signs


@pytest.mark.parametrize(
    ("diagnostics", "signs"),
    [
        ({"alpha": [1.0, 4e2, 5.7e6]}, ["alpha has grown from 1 to 5.7e+06"]),
        ({"alpha": [0.05, 10.0]}, ["alpha has grown from 0.05 to 10"]),
        ({"alpha": [0.05, 9.9]}, []),
        ({"alpha": [1.0, 10.0]}, ["alpha has grown from 1 to 10"]),
        ({"alpha": [2.0, 19.0]}, []),
        ({"alpha": [1e3, 1.0]}, []),
        ({"alpha": [np.nan, 2.0, 500.0, np.nan]}, ["alpha has grown from 2 to 500"]),
        ({"q": [1.0, -2e6], "critic_loss": [1e9, 3.0]}, ["q is -2e+06"]),
        ({"q": [np.nan], "alpha": []}, []),
        ({}, []),
    ],
)
def test_warning_signs(diagnostics, signs):
    assert warning_signs(diagnostics) == signs
    assert warning_signs({name: np.array(values) for name, values in diagnostics.items()}) == signs
