"""Beta policy (Chou, Maturana & Scherer 2017), independent in every action dimension.

a = low + (high - low) x, x ~ Beta(alpha, beta); log pi = (alpha - 1) log x + (beta - 1) log(1 - x) - log B(alpha, beta)
- log(high - low). The head is [alpha's | beta's]; each shape is 1 + softplus of its output, so that the density is
bounded and unimodal, with mode (alpha - 1) / (alpha + beta - 2). There is no sigma: `clip_stddev` has no effect.
A draw is a ratio of two gamma variates. Its latent is logit x, from which both log x and log(1 - x) are exact
where a float32 x would be 0 or 1.
Deviation: the published code (qexp) omits the scale's Jacobian; it is included here.
A replay action on or beyond a bound is evaluated half a float32 rounding of 1 inside it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from agent.policy.base import Policy
from agent.policy.functions import excess_shapes, log_beta, logit, softplus
from agent.policy.gamma import CANDIDATES, draw_gamma
from utils.core.random_streams import Draws


class Beta(Policy):
    """Beta density on the action box."""

    bounded = True
    spread_name = "concentration"

    def latent_noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Draw standard normals (R, rows, k, A, 2, CANDIDATES, 2): the candidates of two gamma variates."""
        return draws.normal(rows, k, self.action_dim, 2, CANDIDATES, 2)

    def draw_latent(self, head: Tensor, noise: Tensor) -> Tensor:
        """Return logit x = log g_alpha - log g_beta."""
        shapes = 1.0 + torch.stack(excess_shapes(head), -1)
        log_gamma = torch.log(draw_gamma(shapes, noise.to(head.dtype)))
        return log_gamma[..., 0] - log_gamma[..., 1]

    def latent_log_prob(self, head: Tensor, latent: Tensor) -> Tensor:
        """Return the action's log density, summed over A."""
        first, second = excess_shapes(head)
        kernel = -first * softplus(-latent) - second * softplus(latent)
        return (kernel - log_beta(1.0 + first, 1.0 + second)).sum(-1) - self.box.log_width

    def spread(self, head: Tensor) -> Tensor:
        """Return the mean of the two shape parameters, (R, B, A); 1 is uniform, more is narrower."""
        first, second = excess_shapes(head)
        return 1.0 + 0.5 * (first + second)[:, :, 0]

    def to_action(self, latent: Tensor) -> Tensor:
        """Return low + (high - low) x, inside the bounds."""
        return self.box.from_unit(torch.exp(-softplus(-latent)))

    def to_latent(self, action: Tensor) -> Tensor:
        """Return the logit of the action's position in the box, which is kept inside (0, 1)."""
        return logit(self.box.to_unit(action))

    def mode(self, head: Tensor) -> Tensor:
        """Return the action at x = (alpha - 1) / (alpha + beta - 2), (R, B, A)."""
        first, second = excess_shapes(head)
        return self.box.from_unit((first / (first + second))[:, :, 0])
