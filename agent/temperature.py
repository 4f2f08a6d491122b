"""The entropy temperature that tunes itself (Haarnoja et al. 2018, arXiv 1812.05905, section 5). R runs."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from agent import losses
from agent.networks.network import LINE
from agent.networks.optimizer import Adam, copy_into


class Temperature:
    """log alpha of each run, descended by Adam towards a target entropy."""

    def __init__(self, alpha: Tensor, target_entropy: float, step_size: Tensor, betas: tuple[float, float]) -> None:
        """alpha: (R, 1, 1), changed in place.  step_size: (R, 1)."""
        self.alpha, self.target_entropy = alpha, target_entropy
        # A line of equal numbers a run: a lone one would be computed otherwise than beside others.
        self.log_alpha = alpha.view(-1, 1).log().repeat(1, LINE)
        self.optimizer = Adam(self.log_alpha, step_size, betas)

    def learn(self, log_prob: Tensor, weight: Tensor | float) -> None:
        """One step.  log_prob, weight: of the policy's actions, (R, B, K)."""
        grad = losses.temperature_grad(log_prob, weight, self.target_entropy)
        self.optimizer.step(grad.unsqueeze(1).expand(-1, LINE).contiguous())
        self.alpha.copy_(self.log_alpha.exp().amax(1).view_as(self.alpha))

    def state_dict(self) -> dict[str, Any]:
        """log alpha, alpha and the optimizer's state."""
        return {"log_alpha": self.log_alpha, "alpha": self.alpha, "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        copy_into(self.state_dict(), state)
