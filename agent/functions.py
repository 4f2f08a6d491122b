"""The functions of an actor-critic that an engine computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from agent.base import Batch


class Functions(NamedTuple):
    """The functions that an engine computes, after the methods of the same names.

    Acting is in one state of each run: observations (R, O) and, if it draws, noise to actions (R, A).
    """

    update_networks: Callable[[Batch, Tensor], Sequence[Tensor]]
    draw_actions: Callable[[np.ndarray, Tensor], np.ndarray]
    greedy_actions: Callable[[np.ndarray], np.ndarray]
    update_targets: Callable[[], Any]
