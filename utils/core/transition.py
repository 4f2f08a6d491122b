"""One transition of each run of a stack."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Step(NamedTuple):
    """One transition of each run; arrays (R, ...), float32.

    `next_obs` is the true successor, never the observation after a reset. `terminated` is 1 where
    nothing is to be bootstrapped, `truncated` 1 where the episode ended all the same.
    """

    obs: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    next_obs: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
