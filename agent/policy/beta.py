"""Beta policy (Chou, Maturana & Scherer 2017), independent in every action dimension.

a = low + (high - low) x, x ~ Beta(alpha, beta); log pi = (alpha - 1) log x + (beta - 1) log(1 - x) - log B(alpha, beta)
- log(high - low). The head is [alpha's | beta's], each 1 + softplus of it, so that the density is bounded and
unimodal; mode (alpha - 1) / (alpha + beta - 2). There is no sigma, so `clip_stddev` has no part here.
A draw is a ratio of two gamma numbers. Its latent is logit x, from which both log x and log(1 - x) are exact
where a float32 x would be 0 or 1. The published code (qexp) omits the scale's Jacobian; it is included here.
A replay action on or beyond a bound is scored half a float32 rounding of 1 inside it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from agent.policy.base import ActionBox, Policy
from agent.policy.functions import log_beta, logit, softplus
from agent.policy.gamma import PROPOSALS, draw_gamma
from utils.streams import Draws

EDGE = 2.0**-24
"""Places in the box are kept in [EDGE, 1 - EDGE]: 1 - EDGE is the largest float32 below 1."""


class Beta(Policy):
    """A density on the action box."""

    bounded = True

    def __init__(self, box: ActionBox, clip_stddev: Tensor, **options: Any) -> None:
        """clip_stddev: (R,), without effect."""
        super().__init__(box, clip_stddev, **options)
        self._log_width = float((box.high - box.low).log().sum())

    def _excess(self, head: Tensor) -> tuple[Tensor, Tensor]:
        """alpha - 1 and beta - 1, each (R, B, 1, A), positive."""
        first, second = softplus(head.unsqueeze(2)).clamp(min=torch.finfo(head.dtype).tiny).chunk(2, -1)
        return first, second

    def noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Standard normals (R, rows, k, A, 2, PROPOSALS, 2): for each of two gamma numbers its proposals."""
        return draws.normal(rows, k, self.action_dim, 2, PROPOSALS, 2)

    def draw(self, head: Tensor, noise: Tensor) -> Tensor:
        """logit x = log g_alpha - log g_beta."""
        shapes = 1.0 + torch.stack(self._excess(head), -1)
        log_gamma = torch.log(draw_gamma(shapes, noise.to(head.dtype)))
        return log_gamma[..., 0] - log_gamma[..., 1]

    def score(self, head: Tensor, latent: Tensor) -> Tensor:
        """Sum over A of the log density of the action."""
        first, second = self._excess(head)
        kernel = -first * softplus(-latent) - second * softplus(latent)
        return (kernel - log_beta(1.0 + first, 1.0 + second)).sum(-1) - self._log_width

    def to_action(self, latent: Tensor) -> Tensor:
        """low + (high - low) x, inside the bounds."""
        return self._at(torch.exp(-softplus(-latent)))

    def _at(self, place: Tensor) -> Tensor:
        """Action at a place in [0, 1]."""
        return self.box.clip(self.box.low + (self.box.high - self.box.low) * place)

    def to_latent(self, action: Tensor) -> Tensor:
        """logit of the action's place in the box, kept inside (0, 1)."""
        return logit(((action - self.box.low) / (self.box.high - self.box.low)).clamp(EDGE, 1.0 - EDGE))

    def mode(self, head: Tensor) -> Tensor:
        """The action at (alpha - 1) / (alpha + beta - 2), (R, B, A)."""
        first, second = self._excess(head)
        return self._at((first / (first + second))[:, :, 0])
