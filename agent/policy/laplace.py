"""Laplace policy: density exp(-|a - mu| / b) / (2 b), independent in every action dimension.

Sampled by its inverse distribution function (Devroye 1986, II.2). The head is [mu before tanh | log b]; mu
is squashed into the bounds and b clamped as the Gaussian's sigma is. Entropy 1 + log(2 b), standard
deviation b sqrt(2). As with the Gaussian, the unclipped draw is scored and only the environment clips.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from agent.policy.base import Policy
from utils.core.random_streams import Draws

SMALLEST_TAIL = 2.0**-53
"""In place of a tail probability of exactly 0: draws stay within 37 b."""


class Laplace(Policy):
    """Support R^A, of which the environment executes the part inside its bounds."""

    def noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Uniforms (R, rows, k, A)."""
        return draws.uniform(rows, k, self.action_dim)

    def draw(self, head: Tensor, noise: Tensor) -> Tensor:
        """mu -+ b log(2 min(u, 1 - u))."""
        location, log_scale = self._locate(head)
        tail = torch.log(torch.clamp(2.0 * torch.minimum(noise, 1.0 - noise), min=SMALLEST_TAIL))
        z = torch.where(noise < 0.5, tail, -tail).to(head.dtype)
        return location + log_scale.exp() * z

    def score(self, head: Tensor, latent: Tensor) -> Tensor:
        """Sum over A of -|a - mu| / b - log(2 b)."""
        location, log_scale = self._locate(head)
        return (-(latent - location).abs() * torch.exp(-log_scale) - log_scale - math.log(2.0)).sum(-1)
