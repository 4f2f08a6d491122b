"""Action-value networks: C critics of R runs, the averaged copies that give targets, their optimizer.

A critic of a box takes obs|action and puts out one value; a critic of n discrete actions takes obs and
puts out all n values (Mnih et al. 2015), of which those asked for are read off. The published GreedyAC
code hands the number of a discrete action to the critic as if it were a quantity; that is not done here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agent import losses
from agent.base import Batch, arrays_of
from agent.networks.network import MLP, Network
from agent.networks.optimizer import Adam, copy_into, polyak


class Critic(ABC):
    """C critics of R runs."""

    def __init__(self, mlp: MLP, params: Tensor, step_size: Tensor, betas: tuple[float, float]) -> None:
        """params: (C, R, P), changed in place; the targets start equal.  step_size: (R, 1)."""
        self.mlp, self.params = mlp, params
        self.count, self.runs = params.shape[:2]
        self.target_params = params.clone()
        self.optimizer = Adam(params, step_size, betas)
        self._network = Network(mlp, params)
        self._target = Network(mlp, self.target_params)

    def values(self, obs: Tensor, action: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Q of actions (R, B, K, A) in obs (R, B, O), (C, R, B, K), and the pass's trace."""
        return self._values(self._network, obs, action)

    def target_values(self, obs: Tensor, action: Tensor) -> Tensor:
        """The targets' Q of actions (R, B, K, A) in obs (R, B, O), (C, R, B, K)."""
        return self._values(self._target, obs, action)[0]

    def fit(self, batch: Batch, target: Tensor) -> Tensor:
        """Move the batch's values towards targets (R, B). Returns the loss (R,)."""
        q, trace = self._taken(batch)
        loss, grad = losses.critic_loss(q, target)
        grad = self._network.grad_params(trace, self._by_output(grad, batch).flatten(0, 1))
        self.optimizer.step(grad.view_as(self.params))
        return loss

    def average(self, tau: Tensor) -> None:
        """Move the targets towards the critics by tau (R, 1)."""
        polyak(self.target_params, self.params, tau)

    @abstractmethod
    def _values(self, network: Network, obs: Tensor, action: Tensor) -> tuple[Tensor, list[Tensor]]:
        """As `values`, by one of the two networks."""

    @abstractmethod
    def _taken(self, batch: Batch) -> tuple[Tensor, list[Tensor]]:
        """Q of the batch's own actions, (C, R, B, 1), and the trace."""

    @abstractmethod
    def _by_output(self, grad: Tensor, batch: Batch) -> Tensor:
        """A gradient (C, R, B, 1) by `_taken`'s values as one by the network's output."""

    def _forward(self, network: Network, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Every critic's output (C, R, N, out) for the same input (R, N, I), and the trace."""
        out, trace = network.forward(x.expand(self.count, -1, -1, -1).flatten(0, 1))
        return out.unflatten(0, (self.count, self.runs)), trace

    def state_dict(self) -> dict[str, Any]:
        """Parameters, the targets' and the optimizer's state."""
        return {"params": self.params, "target": self.target_params, "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        copy_into(self.state_dict(), state)

    def arrays(self, run: int) -> dict[str, np.ndarray]:
        """One run's parameters without padding: critic_0/..., target_0/..., critic_1/..."""
        return {
            f"{name}/{key}": array
            for name, params in self._copies(run).items()
            for key, array in self.mlp.unpadded(params).items()
        }

    def load_arrays(self, run: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over what `arrays` gave.  Raises KeyError for a missing array, ValueError for one of another shape."""
        for name, params in self._copies(run).items():
            self.mlp.fill(params, arrays_of(arrays, name))

    def _copies(self, run: int) -> dict[str, Tensor]:
        """One run's parameters (P,) of every critic and target, by name."""
        pairs = (("critic", self.params), ("target", self.target_params))
        return {f"{role}_{c}": params[c, run] for c in range(self.count) for role, params in pairs}


class BoxCritic(Critic):
    """Q(s, a) of actions in a box: obs|action in, one value out."""

    def grad_action(self, trace: list[Tensor], grad: Tensor, dims: int) -> Tensor:
        """Gradient by actions (R, B, K, dims) of a loss, from its gradient by `values`, (C, R, B, K)."""
        by_input = self._network.grad_input(trace, grad.flatten(0, 1).flatten(1).unsqueeze(-1))
        return by_input[..., -dims:].view(*grad.shape, dims).sum(0)

    def _values(self, network: Network, obs: Tensor, action: Tensor) -> tuple[Tensor, list[Tensor]]:
        k = action.shape[2]
        obs = obs.unsqueeze(2).expand(-1, -1, k, -1)
        q, trace = self._forward(network, torch.cat((obs, action), -1).flatten(1, 2))
        return q.unflatten(2, (-1, k)).squeeze(-1), trace

    def _taken(self, batch: Batch) -> tuple[Tensor, list[Tensor]]:
        return self._forward(self._network, batch.obs_action)

    def _by_output(self, grad: Tensor, batch: Batch) -> Tensor:
        return grad


class DiscreteCritic(Critic):
    """Q(s, .) of n discrete actions: obs in, n values out. An action is its number, A = 1."""

    def _values(self, network: Network, obs: Tensor, action: Tensor) -> tuple[Tensor, list[Tensor]]:
        q, trace = self._forward(network, obs)
        return q.gather(-1, self._places(action.squeeze(-1))), trace

    def _taken(self, batch: Batch) -> tuple[Tensor, list[Tensor]]:
        q, trace = self._forward(self._network, batch.obs)
        return q.gather(-1, self._places(batch.action)), trace

    def _by_output(self, grad: Tensor, batch: Batch) -> Tensor:
        by_all = grad.new_zeros(*grad.shape[:3], self.mlp.out_dim)
        return by_all.scatter_(-1, self._places(batch.action), grad)

    def _places(self, action: Tensor) -> Tensor:
        """Action numbers (R, B, K) as places among each critic's outputs, (C, R, B, K) int64."""
        return action.long().expand(self.count, -1, -1, -1)
