"""Mixture of `num_components` diagonal Gaussians, pi(a) = sum_c w_c N(a; mu_c, sigma_c^2), w a softmax.

Sampled by choosing a component. The choice has no pathwise gradient, so the family says `pathwise = False` and
learners use the likelihood ratio. The head is [mu before tanh | log sigma | logits], of sizes C A, C A and C;
mu and sigma as the Gaussian's. One component is a Gaussian. The unclipped draw is scored and only the
environment clips.
The density's modes have no closed form, and in several dimensions there may be more of them than components,
others between two means (Ray & Lindsay 2005, Ann. Stat. 33). From each mean, and from the middle of the ridge
between each two, the mean-shift fixed point (Carreira-Perpinan 2000, IEEE PAMI 22), which never descends, is
iterated; the densest point reached is the greedy action. No bound says that it is the global maximum.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.special import ndtr

from agent.policy.base import ActionBox, Policy
from agent.policy.gaussian import normal_log_prob
from utils.core.random_streams import Draws

MODE_ITERATIONS = 30
"""Mean-shift steps to a mode. The error shrinks geometrically, slowly only where two modes are about to merge
and the density is nearly level between them."""

FARTHEST = 1e15
"""Most standard deviations a point is counted away from a component. Without clip_stddev one component may be so
narrow that float32 holds neither the square of another's distance nor its derivative."""


def _starts(location: Tensor, log_std: Tensor) -> Tensor:
    """Means weighted by precision, of each two components, a mean itself where they are one.

    location, log_std: (R, B, C, A).  Returns (R, B, C C, A).
    """
    mine, other = log_std.unsqueeze(3), log_std.unsqueeze(2)
    weight = 1.0 / (1.0 + torch.exp(2.0 * (mine - other)))
    return (weight * location.unsqueeze(3) + (1.0 - weight) * location.unsqueeze(2)).flatten(2, 3)


class GaussianMixture(Policy):
    """Support R^A, of which the environment executes the part inside its bounds."""

    options: ClassVar[tuple[str, ...]] = ("num_components",)
    pathwise: ClassVar[bool] = False

    def __init__(self, box: ActionBox, clip_stddev: Tensor, *, num_components: int = 2, **options: Any) -> None:
        """clip_stddev: (R,); sigma lies in [1/clip, clip] where it is positive.  num_components: C >= 1."""
        super().__init__(box, clip_stddev, **options)
        self.num_components = num_components
        self.head_dim = num_components * (2 * self.action_dim + 1)

    def _split(self, head: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Locations and log sigmas (R, B, C, A), log weights (R, B, C)."""
        count, dims = self.num_components, self.action_dim
        location, log_std, logits = head.split((count * dims, count * dims, count), -1)
        location = self._centre + self._scale * torch.tanh(location.unflatten(-1, (count, dims)))
        log_std = torch.clamp(log_std.unflatten(-1, (count, dims)), -self._log_clip, self._log_clip)
        return location, log_std, torch.log_softmax(logits, -1)

    def noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Standard normals (R, rows, k, 1 + A): the first chooses the component."""
        return draws.normal(rows, k, 1 + self.action_dim)

    def draw(self, head: Tensor, noise: Tensor) -> Tensor:
        """mu_c + sigma_c noise, c chosen with probability w_c; without a gradient."""
        location, log_std, log_weight = (x.detach() for x in self._split(head))
        below = torch.cumsum(log_weight.exp(), -1)[..., :-1].unsqueeze(2)
        chosen = (ndtr(noise[..., :1]) >= below).sum(-1)
        index = chosen.unsqueeze(-1).expand(-1, -1, -1, self.action_dim)
        return location.gather(2, index) + log_std.exp().gather(2, index) * noise[..., 1:]

    def score(self, head: Tensor, latent: Tensor) -> Tensor:
        """log sum_c w_c N(latent; mu_c, sigma_c^2)."""
        return torch.logsumexp(self._joint(self._split(head), latent), -1)

    def _joint(self, split: tuple[Tensor, Tensor, Tensor], latent: Tensor) -> Tensor:
        """log(w_c N(latent; mu_c, sigma_c^2)) of latents (R, B, K, A), (R, B, K, C)."""
        location, log_std, log_weight = (x.unsqueeze(2) for x in split)
        z = torch.clamp((latent.unsqueeze(3) - location) * torch.exp(-log_std), -FARTHEST, FARTHEST)
        return log_weight + normal_log_prob(z, log_std).sum(-1)

    def mode(self, head: Tensor) -> Tensor:
        """The densest point (R, B, A) that mean-shift reaches from its starts."""
        split = self._split(head)
        location, log_std, _ = (x.unsqueeze(2) for x in split)
        point = _starts(split[0], split[1])
        for _ in range(MODE_ITERATIONS):
            log_share = self._joint(split, point).unsqueeze(-1) - 2.0 * log_std
            point = (torch.softmax(log_share, 3) * location).sum(3)
        best = torch.logsumexp(self._joint(split, point), -1).argmax(-1)
        index = best.view(*best.shape, 1, 1).expand(-1, -1, 1, self.action_dim)
        return self.box.clip(point.gather(2, index)[:, :, 0])
