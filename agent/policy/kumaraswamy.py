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

import torch
from torch import Tensor

from agent.policy.base import EDGE, Policy
from agent.policy.functions import excess_shapes, log1mexp
from utils.core.random_streams import Draws

SMALLEST_EXPONENTIAL = 2.0**-53
"""In place of an exponential number of exactly 0, where x would be 0."""


class Kumaraswamy(Policy):
    """A density on the action box."""

    bounded = True

    def noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Uniforms (R, rows, k, A)."""
        return draws.uniform(rows, k, self.action_dim)

    def draw(self, head: Tensor, noise: Tensor) -> Tensor:
        """log x."""
        first, second = excess_shapes(head)
        exponential = torch.clamp(-torch.log1p(-noise.double()), min=SMALLEST_EXPONENTIAL).to(head.dtype)
        return log1mexp(exponential / (1.0 + second)) / (1.0 + first)

    def score(self, head: Tensor, latent: Tensor) -> Tensor:
        """Sum over A of the log density of the action; latents are below 0."""
        first, second = excess_shapes(head)
        kernel = first * latent + second * log1mexp(-(1.0 + first) * latent)
        return (kernel + torch.log1p(first) + torch.log1p(second)).sum(-1) - self.box.log_width

    def to_action(self, latent: Tensor) -> Tensor:
        """low + (high - low) x, inside the bounds."""
        return self.box.at(torch.exp(latent).clamp(EDGE, 1.0 - EDGE))

    def to_latent(self, action: Tensor) -> Tensor:
        """log of the action's place in the box, kept inside (0, 1)."""
        return torch.log(self.box.place(action))

    def mode(self, head: Tensor) -> Tensor:
        """The action at ((a-1)/(ab-1))^(1/a), (R, B, A); ab - 1 = (a-1) + (b-1) + (a-1)(b-1)."""
        first, second = excess_shapes(head)
        log_ratio = torch.log(first / (first + second + first * second))
        return self.to_action((log_ratio / (1.0 + first))[:, :, 0])
