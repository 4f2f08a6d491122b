"""Beta policy (Chou, Maturana & Scherer 2017), independent in every action dimension.

a = low + (high - low) x, x ~ Beta(alpha, beta); log pi = (alpha - 1) log x + (beta - 1) log(1 - x) - log B(alpha, beta)
- log(high - low). The head is [alpha's | beta's], each 1 + softplus of it, so that the density is bounded and
unimodal; mode (alpha - 1) / (alpha + beta - 2). There is no sigma, so `clip_stddev` has no part here.
A draw is a ratio of two gamma numbers. Its latent is logit x, from which both log x and log(1 - x) are exact
where a float32 x would be 0 or 1. The published code (qexp) omits the scale's Jacobian; it is included here.
A replay action on or beyond a bound is scored half a float32 rounding of 1 inside it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from agent.policy.base import Policy
from agent.policy.functions import excess_shapes, log_beta, logit, softplus
from agent.policy.gamma import PROPOSALS, draw_gamma
from utils.core.random_streams import Draws


class Beta(Policy):
    """A density on the action box."""

    bounded = True

    def noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Standard normals (R, rows, k, A, 2, PROPOSALS, 2): for each of two gamma numbers its proposals."""
        return draws.normal(rows, k, self.action_dim, 2, PROPOSALS, 2)

    def draw(self, head: Tensor, noise: Tensor) -> Tensor:
        """logit x = log g_alpha - log g_beta."""
        shapes = 1.0 + torch.stack(excess_shapes(head), -1)
        log_gamma = torch.log(draw_gamma(shapes, noise.to(head.dtype)))
        return log_gamma[..., 0] - log_gamma[..., 1]

    def score(self, head: Tensor, latent: Tensor) -> Tensor:
        """Sum over A of the log density of the action."""
        first, second = excess_shapes(head)
        kernel = -first * softplus(-latent) - second * softplus(latent)
        return (kernel - log_beta(1.0 + first, 1.0 + second)).sum(-1) - self.box.log_width

    def to_action(self, latent: Tensor) -> Tensor:
        """low + (high - low) x, inside the bounds."""
        return self.box.at(torch.exp(-softplus(-latent)))

    def to_latent(self, action: Tensor) -> Tensor:
        """logit of the action's place in the box, kept inside (0, 1)."""
        return logit(self.box.place(action))

    def mode(self, head: Tensor) -> Tensor:
        """The action at (alpha - 1) / (alpha + beta - 2), (R, B, A)."""
        first, second = excess_shapes(head)
        return self.box.at((first / (first + second))[:, :, 0])
