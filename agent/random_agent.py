"""An agent that draws actions uniformly: the baseline that learning has to beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from agent.base import BaseAgent, Spaces
from agent.exploration import uniform_actions
from agent.hyperparameters import RandomHyperparameters
from utils.core.random_streams import Draws
from utils.core.run_axes import RunAxes
from utils.core.transition import Step


class Random(BaseAgent):
    """Uniform over the action box, or over the discrete actions. See `utils.core.interfaces.Agent`.

    A uniform density has no mode, so greedy actions are random too.
    """

    last_batch = None

    def __init__(
        self,
        settings: Sequence[RandomHyperparameters],
        random_seeds: Sequence[int],
        gamma: float,
        spaces: Spaces,
    ) -> None:
        """Create R agents; only random_seeds and spaces have an effect."""
        super().__init__(random_seeds)
        self.action = spaces.action

    def _choose(self, obs: np.ndarray, greedy: bool, draws: Draws) -> np.ndarray:
        return uniform_actions(draws, self.action)

    def observe(self, step: Step) -> None:
        """Ignore a transition."""

    def update(self) -> dict[str, Tensor]:
        """Learn nothing."""
        return {}

    run_axes: ClassVar[RunAxes] = {"act": Draws.run_axes}

    def live_state(self) -> dict[str, Any]:
        """Return the position of the stream of actions."""
        return {"act": self._act_draws.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state from `state_dict`."""
        self._act_draws.load_state_dict(state["act"])

    def learned_params(self, run: int) -> dict[str, np.ndarray]:
        """Return no arrays."""
        return {}

    def load_learned_params(self, params: Mapping[str, np.ndarray], run: int) -> None:
        """Load nothing."""
