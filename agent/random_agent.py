"""Actions drawn uniformly, whatever is observed: the baseline that learning has to beat. R runs wide."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from agent.base import ActsOnStreams, Spaces
from agent.hyperparameters import RandomHyperparameters
from utils.core.random_streams import Draws
from utils.core.transition import Step


class Random(ActsOnStreams):
    """Uniform over the action box, or over the discrete actions. See `agent.base.Agent`.

    A uniform density has no mode: this agent acts at random also where it is asked to be greedy.
    """

    last_batch = None

    def __init__(
        self,
        settings: Sequence[RandomHyperparameters],
        random_seeds: Sequence[int],
        gamma: float,
        spaces: Spaces,
    ) -> None:
        super().__init__(random_seeds)
        self.action = spaces.action

    def _choose(self, obs: np.ndarray, greedy: bool, draws: Draws) -> np.ndarray:
        if isinstance(self.action, int):
            return np.floor(draws.uniform(1).numpy() * self.action).astype(np.float32)
        low, high = self.action.low.numpy(), self.action.high.numpy()
        between = low + draws.uniform(len(low)).numpy() * (high.astype(np.float64) - low)
        return between.astype(np.float32)

    def observe(self, step: Step) -> None:
        """Nothing is remembered."""

    def update(self) -> dict[str, Tensor]:
        """Nothing is learned."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Where the stream of actions stands, copied."""
        return {"act": copy.deepcopy(self._act.state_dict())}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self._act.load_state_dict(state["act"])

    def learned_params(self, run: int) -> dict[str, np.ndarray]:
        """None."""
        return {}

    def load_learned_params(self, params: Mapping[str, np.ndarray], run: int) -> None:
        """There is nothing to load."""
