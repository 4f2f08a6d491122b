"""An actor: the network whose output is a policy's head, and how it learns. R runs in lock-step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from agent.networks.network import MLP, Network
from agent.networks.optimizer import Adam, copy_into


class Actor:
    """R copies of one network with their optimizer."""

    def __init__(self, mlp: MLP, params: Tensor, step_size: Tensor, betas: tuple[float, float]) -> None:
        """params: (R, P), changed in place.  step_size: (R, 1).  betas: Adam's decay rates."""
        self.mlp, self.params = mlp, params
        self.optimizer = Adam(params, step_size, betas)
        self._network = Network(mlp, params)

    def twin(self) -> Actor:
        """Another actor that starts where this one stands and learns with the same step sizes."""
        return Actor(self.mlp, self.params.clone(), self.optimizer.step_size, self.optimizer.betas)

    def forward(self, obs: Tensor) -> tuple[Tensor, list[Tensor]]:
        """obs (R, B, O) -> head (R, B, D) and the trace that `learn` needs."""
        return self._network.forward(obs)

    def learn(self, trace: list[Tensor], grad: Tensor) -> None:
        """Descend along a loss's gradient (R, B, D) by the head; of a longer pass, by its first B rows."""
        self.optimizer.step(self._network.grad_params(trace, grad))

    def state_dict(self) -> dict[str, Any]:
        """Parameters and the optimizer's state."""
        return {"params": self.params, "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        copy_into(self.state_dict(), state)

    def arrays(self, run: int) -> dict[str, np.ndarray]:
        """One run's parameters without padding, by name."""
        return self.mlp.unpadded(self.params[run])

    def load_arrays(self, run: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over what `arrays` gave.  Raises KeyError for a missing array, ValueError for one of another shape."""
        self.mlp.fill(self.params[run], arrays)
