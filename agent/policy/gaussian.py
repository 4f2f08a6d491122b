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

from agent.policy.base import ActionBox, Policy
from utils.streams import Draws

LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


def normal_log_prob(z: Tensor, log_std: Tensor) -> Tensor:
    """log N(x; mu, sigma^2) with z = (x - mu) / sigma, elementwise."""
    return -0.5 * z * z - log_std - LOG_SQRT_2PI


def split_head(head: Tensor, log_clip: Tensor) -> tuple[Tensor, Tensor]:
    """Head (R, B, 2 A) -> location and log sigma clamped to +-log_clip (R, 1, 1, 1), each (R, B, 1, A)."""
    location, log_std = head.unsqueeze(2).chunk(2, -1)
    return location, torch.clamp(log_std, -log_clip, log_clip)


def log_clip_of(clip_stddev: Tensor) -> Tensor:
    """log(clip_stddev) (R, 1, 1, 1), infinite (no clamp) where clip_stddev <= 0.  clip_stddev: (R,), not in (0, 1)."""
    unlimited = torch.full_like(clip_stddev, math.inf)
    return torch.where(clip_stddev > 0, clip_stddev.log(), unlimited).view(-1, 1, 1, 1)


class Gaussian(Policy):
    """Diagonal Gaussian; support R^A, of which the environment executes the part inside its bounds."""

    def __init__(self, box: ActionBox, clip_stddev: Tensor) -> None:
        """clip_stddev: (R,); sigma lies in [1/clip, clip] where it is positive."""
        self.box = box
        self.action_dim = box.low.shape[0]
        self.head_dim = 2 * self.action_dim
        self._scale, self._centre = box.scale, box.centre
        self._log_clip = log_clip_of(clip_stddev)

    def _split(self, head: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log sigma, each (R, B, 1, A)."""
        location, log_std = split_head(head, self._log_clip)
        return self._centre + self._scale * torch.tanh(location), log_std

    def noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Standard normals (R, rows, k, A)."""
        return draws.normal(rows, k, self.action_dim)

    def draw(self, head: Tensor, noise: Tensor) -> Tensor:
        """mu + sigma noise."""
        mean, log_std = self._split(head)
        return mean + log_std.exp() * noise

    def score(self, head: Tensor, latent: Tensor) -> Tensor:
        """Sum over A of log N(latent; mu, sigma^2)."""
        mean, log_std = self._split(head)
        return normal_log_prob((latent - mean) * torch.exp(-log_std), log_std).sum(-1)

    def to_action(self, latent: Tensor) -> Tensor:
        """The draw itself."""
        return latent

    def to_latent(self, action: Tensor) -> Tensor:
        """The action itself."""
        return action

    def mode(self, head: Tensor) -> Tensor:
        """The mean (R, B, A), inside the bounds."""
        return self.box.clip(self._split(head)[0][:, :, 0])
