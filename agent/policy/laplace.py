"""Laplace policy: density exp(-|a - mu| / b) / (2 b), independent in every action dimension.

The head is [mu before tanh | log b]; mu is squashed into the bounds and b is clamped as the Gaussian's sigma is.
Sampled by its inverse distribution function (Devroye 1986, II.2). Entropy 1 + log(2 b), standard deviation
b sqrt(2). As with the Gaussian, log-probabilities are evaluated at the
unclipped draw, which is clipped only when it is executed.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from agent.policy.base import Policy
from utils.core.random_streams import Draws

SMALLEST_TAIL = 2.0**-53
"""Lower bound of a tail probability: draws stay within 37 b of mu."""


class Laplace(Policy):
    """Laplace density on R^A; draws outside the bounds are clipped when executed."""

    def latent_noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Draw uniforms (R, rows, k, A)."""
        return draws.uniform(rows, k, self.action_dim)

    def draw_latent(self, head: Tensor, noise: Tensor) -> Tensor:
        """Return mu -+ b log(2 min(u, 1 - u))."""
        location, log_scale = self.location_and_log_scale(head)
        tail = torch.log(torch.clamp(2.0 * torch.minimum(noise, 1.0 - noise), min=SMALLEST_TAIL))
        z = torch.where(noise < 0.5, tail, -tail).to(head.dtype)
        return location + log_scale.exp() * z

    def latent_log_prob(self, head: Tensor, latent: Tensor) -> Tensor:
        """Return -|a - mu| / b - log(2 b), summed over A."""
        location, log_scale = self.location_and_log_scale(head)
        return (-(latent - location).abs() * torch.exp(-log_scale) - log_scale - math.log(2.0)).sum(-1)
