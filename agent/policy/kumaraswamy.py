"""Kumaraswamy policy (Kumaraswamy 1980), independent in every action dimension.

action = low + (high - low) x, density a b x^(a-1) (1 - x^a)^(b-1) / (high - low), distribution function
1 - (1 - x^a)^b, inverted to sample: log x = log(1 - e^(-w/b)) / a with w exponential. The head is [a's | b's], each
1 + softplus of it; mode ((a-1)/(ab-1))^(1/a). There is no sigma, so `clip_stddev` has no part here.
The latent is log x and the log terms are those of Wasserman & Mateos 2024 (arXiv 2410.00660), which neither
cancel nor overflow. In torch.distributions.Kumaraswamy the mode is wrong or NaN, and samples can equal 1, where
the log density is NaN; here a place is kept inside (0, 1), and the mode's numerator and denominator
are computed from a - 1 and b - 1 themselves.
A replay action on or beyond a bound is scored half a float32 rounding of 1 inside it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from agent.policy.base import ActionBox, Policy
from agent.policy.functions import log1mexp, softplus
from utils.streams import Draws

EDGE = 2.0**-24
"""Places in the box are kept in [EDGE, 1 - EDGE]: 1 - EDGE is the largest float32 below 1."""

SMALLEST_EXPONENTIAL = 2.0**-53
"""In place of an exponential number of exactly 0, where x would be 0."""


class Kumaraswamy(Policy):
    """A density on the action box."""

    bounded = True

    def __init__(self, box: ActionBox, clip_stddev: Tensor, **options: Any) -> None:
        """clip_stddev: (R,), without effect."""
        super().__init__(box, clip_stddev, **options)
        self._log_width = float((box.high - box.low).log().sum())

    def _excess(self, head: Tensor) -> tuple[Tensor, Tensor]:
        """a - 1 and b - 1, each (R, B, 1, A), positive."""
        first, second = softplus(head.unsqueeze(2)).clamp(min=torch.finfo(head.dtype).tiny).chunk(2, -1)
        return first, second

    def noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Uniforms (R, rows, k, A)."""
        return draws.uniform(rows, k, self.action_dim)

    def draw(self, head: Tensor, noise: Tensor) -> Tensor:
        """log x."""
        first, second = self._excess(head)
        exponential = torch.clamp(-torch.log1p(-noise.double()), min=SMALLEST_EXPONENTIAL).to(head.dtype)
        return log1mexp(exponential / (1.0 + second)) / (1.0 + first)

    def score(self, head: Tensor, latent: Tensor) -> Tensor:
        """Sum over A of the log density of the action; latents are below 0."""
        first, second = self._excess(head)
        kernel = first * latent + second * log1mexp(-(1.0 + first) * latent)
        return (kernel + torch.log1p(first) + torch.log1p(second)).sum(-1) - self._log_width

    def to_action(self, latent: Tensor) -> Tensor:
        """low + (high - low) x, inside the bounds."""
        place = torch.exp(latent).clamp(EDGE, 1.0 - EDGE)
        return self.box.clip(self.box.low + (self.box.high - self.box.low) * place)

    def to_latent(self, action: Tensor) -> Tensor:
        """log of the action's place in the box, kept inside (0, 1)."""
        return torch.log(((action - self.box.low) / (self.box.high - self.box.low)).clamp(EDGE, 1.0 - EDGE))

    def mode(self, head: Tensor) -> Tensor:
        """The action at ((a-1)/(ab-1))^(1/a), (R, B, A); ab - 1 = (a-1) + (b-1) + (a-1)(b-1)."""
        first, second = self._excess(head)
        log_ratio = torch.log(first / (first + second + first * second))
        return self.to_action((log_ratio / (1.0 + first))[:, :, 0])
