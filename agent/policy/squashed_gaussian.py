"""Squashed Gaussian policy (Haarnoja et al. 2018, arXiv 1812.05905, appendix C).

a = centre + scale tanh(u), u ~ N(mu, sigma^2), and
log pi(a) = log N(u) - sum_A [log scale + 2 (log 2 - u - softplus(-2 u))],
the last term being log(1 - tanh(u)^2) without cancellation. As u + softplus(-2 u) is even in u, it
is computed as |u| + log(1 + e^(-2 |u|)), whose exponential never overflows.
Deviation: the published GreedyAC code adds 1e-6 inside that logarithm and evaluates with a random value before the
tanh. The greedy action is the squashed mean, the usual choice; it is the density's median, and its mode
only while sigma is small.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from agent.policy.base import VJP, ActionBox, Policy, Proposals, split_head
from agent.policy.functions import standardize
from agent.policy.gaussian import LOG_SQRT_2PI
from utils.core.random_streams import Draws

LARGEST_TANH = 1.0 - 2.0**-24
"""The largest float32 below 1; its atanh is 8.66."""


def log_2cosh(u: Tensor) -> Tensor:
    """Return log(2 cosh u) = u + softplus(-2 u), elementwise.

    Composed of operations whose bits do not depend on an element's position in its tensor;
    torch.nn.functional.softplus rounds the last elements differently from the others.
    """
    size = u.abs()
    return size + torch.log1p(torch.exp(-2.0 * size))


class SquashedGaussian(Policy):
    """Diagonal Gaussian squashed into the action box by tanh."""

    bounded = True

    def __init__(self, box: ActionBox, clip_stddev: Tensor, **options: Any) -> None:
        """Precompute the density's constant.

        clip_stddev: (R,); sigma is clamped to [1/clip, clip] where it is positive.
        """
        super().__init__(box, clip_stddev, **options)
        per_dim = LOG_SQRT_2PI + 2.0 * math.log(2.0)
        self._log_constant = float(box.scale.log().sum()) + self.action_dim * per_dim

    def latent_noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Draw standard normals (R, rows, k, A)."""
        return draws.normal(rows, k, self.action_dim)

    def draw_latent(self, head: Tensor, noise: Tensor) -> Tensor:
        """Return u = mu + sigma noise."""
        mean, log_std = split_head(head, self._log_clip)
        return mean + log_std.exp() * noise

    def latent_log_prob(self, head: Tensor, latent: Tensor) -> Tensor:
        """Return log N(u) minus the log Jacobian of a = centre + scale tanh(u)."""
        mean, log_std = split_head(head, self._log_clip)
        return self._standardized_log_prob(standardize(latent, mean, log_std), log_std, latent)

    def sample(self, head: Tensor, noise: Tensor) -> Proposals:
        """Return proposals (see `Policy.sample`); z = (u - mu) / sigma is the noise itself."""
        return self.sample_with_vjp(head, noise)[0]

    def sample_with_vjp(self, head: Tensor, noise: Tensor) -> tuple[Proposals, VJP]:
        """Return proposals and their vector-Jacobian product (see `Policy.sample_with_vjp`), in closed form.

        With y = tanh(u): da/du = scale (1 - y^2), dlog pi/du = 2 y, du/dmu = 1, du/dlog sigma =
        sigma noise, and log pi also contains -log sigma. The gradient by log sigma is 0 where it is clamped.
        """
        mean, log_std = split_head(head, self._log_clip)
        deviation = log_std.exp() * noise
        latent = mean + deviation
        y = torch.tanh(latent)
        log_prob = self._standardized_log_prob(noise, log_std, latent)
        proposals = Proposals(self._scale_to_box(y), log_prob, 1.0 / noise.shape[2], latent)

        def vjp(by_action: Tensor, by_log_prob: Tensor, _by_weight: Tensor | None) -> Tensor:
            by_log_prob = by_log_prob.unsqueeze(-1)
            by_latent = by_action * (self._scale * (1.0 - y * y)) + by_log_prob * (2.0 * y)
            by_log_std = (by_latent * deviation - by_log_prob).sum(2)
            unclamped = head[..., self.action_dim :] == log_std[:, :, 0]
            return torch.cat((by_latent.sum(2), by_log_std * unclamped), -1)

        return proposals, vjp

    def _standardized_log_prob(self, z: Tensor, log_std: Tensor, latent: Tensor) -> Tensor:
        """Return log N(u) minus the log Jacobian, summed over A; z = (u - mu) / sigma."""
        return (2.0 * log_2cosh(latent) - 0.5 * z * z - log_std).sum(-1) - self._log_constant

    def to_action(self, latent: Tensor) -> Tensor:
        """Return centre + scale tanh(u)."""
        return self._scale_to_box(torch.tanh(latent))

    def _scale_to_box(self, y: Tensor) -> Tensor:
        """Map y in [-1, 1] to an action inside the bounds."""
        return self.box.clip(self._centre + self._scale * y)

    def to_latent(self, action: Tensor) -> Tensor:
        """Return atanh of the action's position in [-1, 1], clamped to the float32 numbers inside (-1, 1)."""
        y = ((action - self._centre) / self._scale).clamp(-LARGEST_TANH, LARGEST_TANH)
        return 0.5 * (torch.log1p(y) - torch.log1p(-y))

    def mode(self, head: Tensor) -> Tensor:
        """Return centre + scale tanh(mu), (R, B, A)."""
        return self.to_action(split_head(head, self._log_clip)[0][:, :, 0])
