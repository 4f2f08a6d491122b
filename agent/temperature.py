"""The self-tuning entropy temperature (Haarnoja et al. 2018, arXiv 1812.05905, section 5) of R runs."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from agent import losses
from agent.networks.network import CACHE_LINE
from agent.networks.optimizer import Adam, copy_into
from utils.core.run_axes import RunAxes


class Temperature:
    """log alpha of each run, adjusted by Adam towards a target entropy."""

    def __init__(self, alpha: Tensor, target_entropy: Tensor, step_size: Tensor, betas: tuple[float, float]) -> None:
        """Start at alpha (R, 1, 1), which is changed in place.

        target_entropy: (R,), in nats.  step_size: (R, 1).  betas: Adam's decay rates.
        """
        self.alpha, self.target_entropy = alpha, target_entropy
        # A cache line of equal numbers per run: a single number would be rounded differently from several at once.
        self.log_alpha = alpha.view(-1, 1).log().repeat(1, CACHE_LINE)
        self.optimizer = Adam(self.log_alpha, step_size, betas)

    def begin_at(self, alpha: float, run: int) -> None:
        """Set one run's temperature, from a whole cache line, so that its bits do not depend on the other runs."""
        self.alpha[run] = alpha
        self.log_alpha[run] = torch.full_like(self.log_alpha[run], alpha).log()

    def tune(self, log_prob: Tensor, weight: Tensor | float) -> None:
        """Make one step.  log_prob, weight: of the policy's actions, (R, B, K)."""
        grad = losses.temperature_grad(log_prob, weight, self.target_entropy)
        self.optimizer.step(grad.unsqueeze(1).expand(-1, CACHE_LINE).contiguous())
        self.alpha.copy_(self.log_alpha.exp().amax(1).view_as(self.alpha))

    run_axes: ClassVar[RunAxes] = {"log_alpha": 0, "alpha": 0, "optimizer": Adam.run_axes}

    def state_dict(self) -> dict[str, Any]:
        """Return log alpha (R, CACHE_LINE), alpha and the optimizer's state."""
        return {"log_alpha": self.log_alpha, "alpha": self.alpha, "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state from `state_dict`."""
        copy_into(self.state_dict(), state)
