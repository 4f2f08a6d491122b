"""Kumaraswamy policy (Kumaraswamy 1980), independent in every action dimension.

action = low + (high - low) x, density a b x^(a-1) (1 - x^a)^(b-1) / (high - low), distribution function
1 - (1 - x^a)^b, inverted to sample: log x = log(1 - e^(-w/b)) / a with w exponential. The head is [a's | b's]; each
shape is 1 + softplus of its output; mode ((a-1)/(ab-1))^(1/a). There is no sigma: `clip_stddev` has no effect.
The latent is log x and the log terms are those of Wasserman & Mateos 2024 (arXiv 2410.00660), which neither
cancel nor overflow. In torch.distributions.Kumaraswamy the mode is wrong or NaN, and samples can equal 1, where
the log density is NaN; here x is kept inside (0, 1), and the mode's numerator and denominator
are computed from a - 1 and b - 1 themselves.
A replay action on or beyond a bound is evaluated half a float32 rounding of 1 inside it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from agent.policy.base import EDGE_MARGIN, Policy
from agent.policy.functions import excess_shapes, exponential_variates, log1mexp
from utils.core.random_streams import Draws


class Kumaraswamy(Policy):
    """Kumaraswamy density on the action box."""

    bounded = True
    spread_name = "concentration"

    def latent_noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Draw uniforms (R, rows, k, A)."""
        return draws.uniform(rows, k, self.action_dim)

    def draw_latent(self, head: Tensor, noise: Tensor) -> Tensor:
        """Return log x."""
        first, second = excess_shapes(head)
        exponential = exponential_variates(noise).to(head.dtype)
        return log1mexp(exponential / (1.0 + second)) / (1.0 + first)

    def latent_log_prob(self, head: Tensor, latent: Tensor) -> Tensor:
        """Return the action's log density, summed over A.  latent: negative."""
        first, second = excess_shapes(head)
        kernel = first * latent + second * log1mexp(-(1.0 + first) * latent)
        return (kernel + torch.log1p(first) + torch.log1p(second)).sum(-1) - self.box.log_width

    def spread(self, head: Tensor) -> Tensor:
        """Return the mean of the two shape parameters, (R, B, A); 1 is uniform, more is narrower."""
        first, second = excess_shapes(head)
        return 1.0 + 0.5 * (first + second)[:, :, 0]

    def to_action(self, latent: Tensor) -> Tensor:
        """Return low + (high - low) x, inside the bounds."""
        return self.box.from_unit(torch.exp(latent).clamp(EDGE_MARGIN, 1.0 - EDGE_MARGIN))

    def to_latent(self, action: Tensor) -> Tensor:
        """Return the log of the action's position in the box, which is kept inside (0, 1)."""
        return torch.log(self.box.to_unit(action))

    def mode(self, head: Tensor) -> Tensor:
        """Return the action at x = ((a-1)/(ab-1))^(1/a), (R, B, A); ab - 1 = (a-1) + (b-1) + (a-1)(b-1)."""
        first, second = excess_shapes(head)
        log_ratio = torch.log(first / (first + second + first * second))
        return self.to_action((log_ratio / (1.0 + first))[:, :, 0])
