"""The functions of an actor-critic that an engine computes, and the eager engine's form of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from agent.base import Batch

if TYPE_CHECKING:
    from agent.actor_critic import ActorCritic


class Functions(NamedTuple):
    """The functions that an engine computes, after the methods of the same names; for the first, `learn`.

    Acting is in one state of each run: observations (R, O) and, if it draws, noise to actions (R, A).
    """

    update_networks: Callable[[Batch, Tensor], Sequence[Tensor]]
    draw_actions: Callable[[np.ndarray, Tensor], np.ndarray]
    greedy_actions: Callable[[np.ndarray], np.ndarray]
    update_targets: Callable[[], Any]


class EagerActing:
    """Acting as torch executes it, operation by operation."""

    def __init__(self, agent: ActorCritic) -> None:
        """Act like an agent."""
        self._agent = agent

    def draw_actions(self, obs: np.ndarray, noise: Tensor) -> np.ndarray:
        """Return `ActorCritic.draw_actions` in one state of each run, (R, A).  obs: (R, O)."""
        return self._agent.draw_actions(self._one_state(obs), noise.to(self._agent.device))[:, 0].cpu().numpy()

    def greedy_actions(self, obs: np.ndarray) -> np.ndarray:
        """Return `ActorCritic.greedy_actions` in one state of each run, (R, A).  obs: (R, O)."""
        return self._agent.greedy_actions(self._one_state(obs))[:, 0].cpu().numpy()

    def _one_state(self, obs: np.ndarray) -> Tensor:
        return torch.from_numpy(obs).to(self._agent.device).unsqueeze(1)


def eager_functions(agent: ActorCritic) -> Functions:
    """Return the functions of an agent as torch executes them. They are methods, so that a deep copy calls its own."""
    acting = EagerActing(agent)
    return Functions(agent.learn, acting.draw_actions, acting.greedy_actions, agent.update_targets)
