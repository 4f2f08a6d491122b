"""An actor: the network that outputs a policy's head, and its optimizer, R runs in lock-step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from agent.diagnostics import Diagnostics
from agent.networks.network import MLP, Network
from agent.networks.optimizer import Adam, copy_into
from utils.core.run_axes import RunAxes


class Actor:
    """R copies of one network with their optimizer."""

    def __init__(self, mlp: MLP, params: Tensor, step_size: Tensor, betas: tuple[float, float]) -> None:
        """Start at params (R, P), which are changed in place.  step_size: (R, 1).  betas: Adam's decay rates."""
        self.mlp, self.params = mlp, params
        self.optimizer = Adam(params, step_size, betas)
        self._network = Network(mlp, params)
        self.diagnostics: Diagnostics | None = None
        """Where `descend` notes the squares of the gradient."""

    def clone(self) -> Actor:
        """Return another actor with equal parameters and step sizes, and a fresh optimizer."""
        return Actor(self.mlp, self.params.clone(), self.optimizer.step_size, self.optimizer.betas)

    def forward(self, obs: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Map obs (R, B, O) to the head (R, B, D), and return the trace that `descend` needs."""
        return self._network.forward(obs)

    def descend(self, trace: list[Tensor], grad: Tensor) -> None:
        """Descend along a loss's gradient (R, B, D) by the head; in a longer pass, by that of its first B rows."""
        by_params = self._network.grad_params(trace, grad)
        if self.diagnostics is not None:
            self.diagnostics.note(actor_grad_norm=(by_params * by_params).sum(-1))
        self.optimizer.step(by_params)

    run_axes: ClassVar[RunAxes] = {"params": 0, "optimizer": Adam.run_axes}

    def state_dict(self) -> dict[str, Any]:
        """Return the parameters (R, P) and the optimizer's state."""
        return {"params": self.params, "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state from `state_dict`."""
        copy_into(self.state_dict(), state)

    def arrays(self, run: int) -> dict[str, np.ndarray]:
        """Return one run's parameters without padding, by name."""
        return self.mlp.to_arrays(self.params[run])

    def load_arrays(self, run: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Load one run's parameters from `arrays`.

        Raises KeyError for a missing array and ValueError for one of another shape.
        """
        self.mlp.load_arrays(self.params[run], arrays)
