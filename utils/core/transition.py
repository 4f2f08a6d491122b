"""One transition of each run in a stack."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Step(NamedTuple):
    """One transition of each run in a stack of R runs; float32 arrays, except that `reward` may be float64.

    obs: (R, O), the observations acted on.
    action: (R, A), as the agent chose them, before clipping.
    reward: (R,).
    next_obs: (R, O), the true successors, never the observations after a reset.
    terminated: (R,), 1 where the value of the successor must not be bootstrapped.
    truncated: (R,), 1 where the episode was cut off, by a step limit, without reaching a terminal state.
    """

    obs: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    next_obs: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
