"""Gaussian policy: N(mu, sigma^2), mu squashed into the bounds by tanh.

The head is [mean before tanh | log sigma], the log clamped to +-log(clip_stddev). A draw may lie outside the
bounds; its log-probability is evaluated there, and clipping happens only where an action is executed.
Deviation: the published GreedyAC code clips first and evaluates the unclipped density at the clipped point.
"""

from __future__ import annotations

import math

from torch import Tensor

from agent.policy.base import Policy
from agent.policy.functions import standardize
from utils.core.random_streams import Draws

LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)
"""Negative log density of the standard normal at 0."""


def normal_log_prob(z: Tensor, log_std: Tensor) -> Tensor:
    """Return log N(x; mu, sigma^2), elementwise, with z = (x - mu) / sigma."""
    return -0.5 * z * z - log_std - LOG_SQRT_2PI


class Gaussian(Policy):
    """Diagonal Gaussian on R^A; draws outside the bounds are clipped when executed."""

    def latent_noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Draw standard normals (R, rows, k, A)."""
        return draws.normal(rows, k, self.action_dim)

    def draw_latent(self, head: Tensor, noise: Tensor) -> Tensor:
        """Return mu + sigma noise."""
        mean, log_std = self.location_and_log_scale(head)
        return mean + log_std.exp() * noise

    def latent_log_prob(self, head: Tensor, latent: Tensor) -> Tensor:
        """Return log N(latent; mu, sigma^2), summed over A."""
        mean, log_std = self.location_and_log_scale(head)
        return normal_log_prob(standardize(latent, mean, log_std), log_std).sum(-1)
