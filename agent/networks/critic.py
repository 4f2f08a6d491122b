"""Action-value networks: C critics of R runs, their targets (slowly averaged copies), and their optimizer.

A critic of a box takes observation and action, and outputs one value. A critic of n discrete actions takes the
observation, and outputs all n values (Mnih et al. 2015), from which those of given actions are selected. The published
GreedyAC code instead gives the critic the index of a discrete action as if it were a quantity.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from agent import losses
from agent.base import Batch, select_arrays
from agent.diagnostics import Diagnostics
from agent.networks.network import MLP, Network
from agent.networks.optimizer import Adam, copy_into, polyak_update
from utils.core.run_axes import RunAxes


class Critic(ABC):
    """C critics of R runs with their targets."""

    def __init__(self, mlp: MLP, params: Tensor, step_size: Tensor, betas: tuple[float, float]) -> None:
        """Start at params (C, R, P), which are changed in place, with equal targets.

        step_size: (R, 1).  betas: Adam's decay rates.
        """
        self.mlp, self.params = mlp, params
        self.count, self.runs = params.shape[:2]
        self.target_params = params.clone()
        self.optimizer = Adam(params, step_size, betas)
        self._network = Network(mlp, params)
        self._target = Network(mlp, self.target_params)
        self.diagnostics: Diagnostics | None = None
        """Where `fit` notes values, the loss's gradient by them, and the squares of the gradient by the parameters."""

    def values(self, obs: Tensor, action: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return Q (C, R, B, K) of actions (R, B, K, A) in obs (R, B, O), and the trace."""
        return self._values(self._network, obs, action)

    def target_values(self, obs: Tensor, action: Tensor) -> Tensor:
        """Return the targets' Q (C, R, B, K) of actions (R, B, K, A) in obs (R, B, O)."""
        return self._values(self._target, obs, action)[0]

    def fit(self, batch: Batch, target: Tensor) -> Tensor:
        """Move the values of the batch towards target (R, B). Returns the loss (R,)."""
        q, trace = self._batch_values(batch)
        loss, by_q = losses.critic_loss(q, target)
        grad = self._network.grad_params(trace, self._grad_by_output(by_q, batch).flatten(0, 1)).view_as(self.params)
        if self.diagnostics is not None:
            of_runs = {"q": q, "td_error": by_q, "critic_grad_norm": (grad * grad).sum(-1)}
            self.diagnostics.note(**{name: values.transpose(0, 1) for name, values in of_runs.items()})
        self.optimizer.step(grad)
        return loss

    def update_target(self, tau: Tensor) -> None:
        """Move the targets towards the critics by the fraction tau (R, 1)."""
        polyak_update(self.target_params, self.params, tau)

    @abstractmethod
    def _values(self, network: Network, obs: Tensor, action: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return one network's Q (C, R, B, K) of actions (R, B, K, A) in obs (R, B, O), and the trace."""

    @abstractmethod
    def _batch_values(self, batch: Batch) -> tuple[Tensor, list[Tensor]]:
        """Return Q (C, R, B, 1) of the batch's own actions, and the trace."""

    @abstractmethod
    def _grad_by_output(self, grad: Tensor, batch: Batch) -> Tensor:
        """Convert a gradient (C, R, B, 1) by `_batch_values` to one by the network's output, (C, R, B, out)."""

    def _forward(self, network: Network, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return every critic's output (C, R, N, out) for the same input (R, N, I), and the trace."""
        out, trace = network.forward(x.expand(self.count, -1, -1, -1).flatten(0, 1))
        return out.unflatten(0, (self.count, self.runs)), trace

    run_axes: ClassVar[RunAxes] = {"params": 1, "target": 1, "optimizer": Adam.run_axes}

    def state_dict(self) -> dict[str, Any]:
        """Return the parameters of critics and targets, (C, R, P), and the optimizer's state."""
        return {"params": self.params, "target": self.target_params, "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state from `state_dict`."""
        copy_into(self.state_dict(), state)

    def arrays(self, run: int) -> dict[str, np.ndarray]:
        """Return one run's parameters without padding, named critic_0/..., target_0/..., critic_1/..."""
        return {
            f"{name}/{key}": array
            for name, params in self._params_by_name(run).items()
            for key, array in self.mlp.to_arrays(params).items()
        }

    def load_arrays(self, run: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Load one run's parameters from `arrays`.

        Raises KeyError for a missing array and ValueError for one of another shape.
        """
        for name, params in self._params_by_name(run).items():
            self.mlp.load_arrays(params, select_arrays(arrays, name))

    def _params_by_name(self, run: int) -> dict[str, Tensor]:
        """Return one run's parameters (P,) of every critic and target, by name."""
        pairs = (("critic", self.params), ("target", self.target_params))
        return {f"{role}_{c}": params[c, run] for c in range(self.count) for role, params in pairs}


class BoxCritic(Critic):
    """Q(s, a) of actions in a box: observation and action in, one value out."""

    def grad_action(self, trace: list[Tensor], grad: Tensor, dims: int) -> Tensor:
        """Return a loss's gradient (R, B, K, dims) by the actions, from its gradient (C, R, B, K) by `values`."""
        by_input = self._network.grad_input(trace, grad.flatten(0, 1).flatten(1).unsqueeze(-1))
        return by_input[..., -dims:].view(*grad.shape, dims).sum(0)

    def _values(self, network: Network, obs: Tensor, action: Tensor) -> tuple[Tensor, list[Tensor]]:
        k = action.shape[2]
        obs = obs.unsqueeze(2).expand(-1, -1, k, -1)
        q, trace = self._forward(network, torch.cat((obs, action), -1).flatten(1, 2))
        return q.unflatten(2, (-1, k)).squeeze(-1), trace

    def _batch_values(self, batch: Batch) -> tuple[Tensor, list[Tensor]]:
        return self._forward(self._network, batch.obs_action)

    def _grad_by_output(self, grad: Tensor, batch: Batch) -> Tensor:
        return grad


class DiscreteCritic(Critic):
    """Q(s, .) of n discrete actions: observation in, n values out. An action is its index, A = 1."""

    def _values(self, network: Network, obs: Tensor, action: Tensor) -> tuple[Tensor, list[Tensor]]:
        q, trace = self._forward(network, obs)
        return q.gather(-1, self._output_indices(action.squeeze(-1))), trace

    def _batch_values(self, batch: Batch) -> tuple[Tensor, list[Tensor]]:
        q, trace = self._forward(self._network, batch.obs)
        return q.gather(-1, self._output_indices(batch.action)), trace

    def _grad_by_output(self, grad: Tensor, batch: Batch) -> Tensor:
        by_output = grad.new_zeros(*grad.shape[:3], self.mlp.out_dim)
        return by_output.scatter_(-1, self._output_indices(batch.action), grad)

    def _output_indices(self, action: Tensor) -> Tensor:
        """Convert actions (R, B, K) to indices into each critic's outputs, (C, R, B, K) int64."""
        return action.long().expand(self.count, -1, -1, -1)
