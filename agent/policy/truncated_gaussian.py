"""Truncated Gaussian policy: N(mu, sigma^2) restricted to the action box, independent in every dimension.

Density phi(z) / (sigma Z), z = (a - mu) / sigma, Z the normal's mass inside the bounds. The head is
[mu before tanh | log sigma], both as the Gaussian's. As mu lies inside the bounds, Z is half the sum of
two error functions of non-negative numbers: nothing cancels and no tail needs log_ndtr or a change of sign.
Sampled by the inverse distribution function, in float64: z = sqrt(2) erfinv(e), e uniform between the
bounds' error functions. A replay action beyond a bound is evaluated at the bound, where the density is least.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from agent.policy.base import Policy
from agent.policy.gaussian import normal_log_prob
from utils.core.random_streams import Draws

LARGEST_ERF = 1.0 - 2.0**-53
"""The largest float64 below 1: draws stay within 8.3 sigma of mu."""


class TruncatedGaussian(Policy):
    """Diagonal Gaussian restricted to the action box."""

    bounded = True

    def _bound_distances(self, location: Tensor, log_std: Tensor) -> tuple[Tensor, Tensor]:
        """Return the distances from mu to the lower and upper bounds in units of sqrt(2) sigma, each (R, B, 1, A)."""
        unit = torch.exp(-log_std) * math.sqrt(0.5)
        return (location - self.box.low) * unit, (self.box.high - location) * unit

    def _clipped_location_and_log_scale(self, head: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu, clipped as rounding may put it outside the bounds, and log sigma."""
        location, log_std = self.location_and_log_scale(head)
        return self.box.clip(location), log_std

    def latent_noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Draw uniforms (R, rows, k, A)."""
        return draws.uniform(rows, k, self.action_dim)

    def draw_latent(self, head: Tensor, noise: Tensor) -> Tensor:
        """Return mu + sigma z, z the quantile of a uniform number."""
        location, log_std = (x.double() for x in self._clipped_location_and_log_scale(head))
        below, above = (torch.erf(distance) for distance in self._bound_distances(location, log_std))
        error = torch.clamp(noise.double() * (below + above) - below, -LARGEST_ERF, LARGEST_ERF)
        latent = location + log_std.exp() * (math.sqrt(2.0) * torch.erfinv(error))
        return self.box.clip(latent.to(head.dtype))

    def latent_log_prob(self, head: Tensor, latent: Tensor) -> Tensor:
        """Return log N(latent; mu, sigma^2) - log Z, summed over A."""
        location, log_std = self._clipped_location_and_log_scale(head)
        below, above = self._bound_distances(location, log_std)
        log_mass = torch.log(0.5 * (torch.erf(below) + torch.erf(above)))
        return (normal_log_prob((latent - location) * torch.exp(-log_std), log_std) - log_mass).sum(-1)

    def to_latent(self, action: Tensor) -> Tensor:
        """Return the action, clipped to the bounds."""
        return self.box.clip(action)
