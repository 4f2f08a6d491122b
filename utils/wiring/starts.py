"""Training that begins from learned parameters: loading them into agents, and whether they fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from utils.core.errors import BadInput

if TYPE_CHECKING:
    from utils.core.interfaces import Agent
    from utils.experiment.experiment import Run
    from utils.experiment.starts import Start


def load_starts(agent: Agent, runs: Sequence[Run]) -> None:
    """Make each slot of a new agent begin from its run's start, if the run has one.

    Raises BadInput if the parameters cannot be read or do not fit.
    """
    for slot, run in enumerate(runs):
        if run.start is not None:
            _load(agent, slot, run.start, run.start.read_arrays())


def _load(agent: Agent, slot: int, start: Start, arrays: Mapping[str, np.ndarray]) -> None:
    """Make a slot begin from arrays.  Raises BadInput if they do not fit."""
    difference = find_shape_difference(arrays, agent.learned_params(slot))
    if difference is not None:
        raise BadInput(f"start_from: {start.path}: {difference}; allowed: learned parameters of the same shapes")
    agent.begin_from(arrays, start.timesteps, slot)


def find_shape_difference(found: Mapping[str, np.ndarray], here: Mapping[str, np.ndarray]) -> str | None:
    """Return the first array that only one side has or whose shape differs; None if there is no such array.

    A temperature is not compared: only one that is tuned is learned.
    """
    for name in dict.fromkeys([*here, *found]):
        if name == "alpha":
            continue
        if name not in found or name not in here:
            side = "its learned parameters have" if name in found else "its learned parameters lack"
            return f"{side} '{name}'"
        if found[name].shape != here[name].shape:
            return f"its '{name}' has shape {list(found[name].shape)}, and here {list(here[name].shape)}"
    return None
