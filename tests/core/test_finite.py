"""utils/core/finite.py: few and many numbers, in any shape and type."""

from __future__ import annotations

import numpy as np
import pytest

from utils.core.finite import FEW, all_finite


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(0,), (1,), (FEW,), (FEW + 1,), (3, 2, 2), (40, 3)])
def test_one_number_that_is_not_finite_is_found_wherever_it_is(shape, dtype):
    values = np.full(shape, np.finfo(dtype).max, dtype)
    assert all_finite(values), "their sum would overflow"
    for place in range(values.size):
        for wrong in (np.nan, np.inf, -np.inf):
            changed = values.copy()
            changed.flat[place] = wrong
            assert not all_finite(changed)
            assert not all_finite(changed[::-1])


def test_integers_are_finite():
    assert all_finite(np.arange(3))
