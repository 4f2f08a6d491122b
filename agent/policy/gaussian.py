"""Gaussian policy: N(mu, sigma^2) in the environment's units, mu squashed into the bounds by tanh.

The draw may lie outside the bounds. It is the draw that is scored and that the critic is shown; the
environment alone clips what it executes. The published GreedyAC code clips first and evaluates the
unclipped density at the clipped point; here that defect is not reproduced.
The head is [mean before tanh | log sigma], the log clamped to +-log(clip_stddev).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from agent.policy.base import Policy
from utils.core.random_streams import Draws

LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


def normal_log_prob(z: Tensor, log_std: Tensor) -> Tensor:
    """log N(x; mu, sigma^2) with z = (x - mu) / sigma, elementwise."""
    return -0.5 * z * z - log_std - LOG_SQRT_2PI


class Gaussian(Policy):
    """Diagonal Gaussian; support R^A, of which the environment executes the part inside its bounds."""

    def noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Standard normals (R, rows, k, A)."""
        return draws.normal(rows, k, self.action_dim)

    def draw(self, head: Tensor, noise: Tensor) -> Tensor:
        """mu + sigma noise."""
        mean, log_std = self._locate(head)
        return mean + log_std.exp() * noise

    def score(self, head: Tensor, latent: Tensor) -> Tensor:
        """Sum over A of log N(latent; mu, sigma^2)."""
        mean, log_std = self._locate(head)
        return normal_log_prob((latent - mean) * torch.exp(-log_std), log_std).sum(-1)
