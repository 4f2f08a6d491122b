"""Adam (Kingma & Ba 2015) with one step size per run, and averaging for target networks."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from utils.core.run_axes import RunAxes

EPSILON = 1e-8
"""Adam's epsilon: that of Kingma & Ba, and the default of torch.optim.Adam."""


class Adam:
    """Adam on one tensor (..., R, P), P a multiple of 16, with step sizes (R, 1).

    torch's fused kernel has one step size for the whole tensor. So it is run with step size 1 on a tensor of zeros,
    which then holds minus the direction, and the direction is scaled run by run. This rounds once more than
    torch.optim.Adam does: the results agree to within a unit in the last place.
    """

    def __init__(self, params: Tensor, step_size: Tensor, betas: tuple[float, float]) -> None:
        """Optimize params, which `step` changes in place.  step_size: (R, 1).  betas: decay rates, in [0, 1)."""
        self.params, self.step_size, self.betas = params, step_size, betas
        self.mean = torch.zeros_like(params)
        self.square = torch.zeros_like(params)
        self.count = torch.zeros((), device=params.device)

    def step(self, grad: Tensor) -> None:
        """Descend along grad (..., R, P)."""
        self.count += 1
        direction = torch.zeros_like(self.params)
        torch._fused_adam_(
            [direction], [grad], [self.mean], [self.square], [], [self.count],
            lr=1.0, beta1=self.betas[0], beta2=self.betas[1], weight_decay=0.0, eps=EPSILON,
            amsgrad=False, maximize=False,
        )  # fmt: skip
        self.params.addcmul_(direction, self.step_size)

    run_axes: ClassVar[RunAxes] = {"mean": -2, "square": -2, "count": "shared"}

    def state_dict(self) -> dict[str, Tensor]:
        """Return the moments (..., R, P) and the number of steps."""
        return {"mean": self.mean, "square": self.square, "count": self.count}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load a state from `state_dict`."""
        copy_into(self.state_dict(), state)


def copy_into(live: dict[str, Any], state: dict[str, Any]) -> None:
    """Copy the numbers of `state` into the tensors of `live`, in nested dictionaries too."""
    for name, part in live.items():
        if isinstance(part, dict):
            copy_into(part, state[name])
        else:
            part.copy_(state[name])


def polyak_update(target: Tensor, source: Tensor, tau: Tensor) -> None:
    """Set target <- (1 - tau) target + tau source, in place; both (..., R, P), tau (R, 1)."""
    target.lerp_(source, tau)
