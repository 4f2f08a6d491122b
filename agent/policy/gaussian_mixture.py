"""Mixture of `num_components` diagonal Gaussians, pi(a) = sum_c w_c N(a; mu_c, sigma_c^2), w a softmax.

The head is [mu before tanh | log sigma | logits], of sizes C A, C A and C; mu and sigma as the Gaussian's. One
component is a Gaussian. Sampling chooses a component, and the choice has no pathwise gradient; so `pathwise` is false
and learners use the likelihood ratio. Log-probabilities are evaluated at the unclipped draw, which is clipped only when
it is executed.
The density's modes have no closed form, and in several dimensions there may be more of them than components,
some between two means (Ray & Lindsay 2005, Ann. Stat. 33). From each mean, and from the middle of the ridge
between each pair, the mean-shift fixed point (Carreira-Perpinan 2000, IEEE PAMI 22), which never descends, is
iterated; the densest point reached is the greedy action. It is not guaranteed to be the global maximum.
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

MAX_DEVIATIONS = 1e15
"""Limit of a point's distance from a component, in standard deviations. Without clip_stddev one component may be so
narrow that float32 holds neither the square of another's distance nor its derivative."""


def _mode_starts(location: Tensor, log_std: Tensor) -> Tensor:
    """Return the precision-weighted mean of every pair of components; for a component with itself, its mean.

    location, log_std: (R, B, C, A).  Returns (R, B, C C, A).
    """
    own, other = log_std.unsqueeze(3), log_std.unsqueeze(2)
    weight = 1.0 / (1.0 + torch.exp(2.0 * (own - other)))
    return (weight * location.unsqueeze(3) + (1.0 - weight) * location.unsqueeze(2)).flatten(2, 3)


class GaussianMixture(Policy):
    """Gaussian mixture on R^A; draws outside the bounds are clipped when executed."""

    options: ClassVar[tuple[str, ...]] = ("num_components",)
    pathwise: ClassVar[bool] = False

    def __init__(self, box: ActionBox, clip_stddev: Tensor, *, num_components: int = 2, **options: Any) -> None:
        """Set the number of components and the head's size, C (2 A + 1).

        clip_stddev: (R,); sigma is clamped to [1/clip, clip] where it is positive.  num_components: C >= 1.
        """
        super().__init__(box, clip_stddev, **options)
        self.num_components = num_components
        self.head_dim = num_components * (2 * self.action_dim + 1)

    def _components(self, head: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return locations and log sigmas (R, B, C, A), and log weights (R, B, C)."""
        count, dims = self.num_components, self.action_dim
        location, log_std, logits = head.split((count * dims, count * dims, count), -1)
        location = self._centre + self._scale * torch.tanh(location.unflatten(-1, (count, dims)))
        log_std = torch.clamp(log_std.unflatten(-1, (count, dims)), -self._log_clip, self._log_clip)
        return location, log_std, torch.log_softmax(logits, -1)

    def latent_noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Draw standard normals (R, rows, k, 1 + A), the first of which chooses the component."""
        return draws.normal(rows, k, 1 + self.action_dim)

    def draw_latent(self, head: Tensor, noise: Tensor) -> Tensor:
        """Return mu_c + sigma_c noise, c chosen with probability w_c, without a gradient."""
        location, log_std, log_weight = (x.detach() for x in self._components(head))
        below = torch.cumsum(log_weight.exp(), -1)[..., :-1].unsqueeze(2)
        chosen = (ndtr(noise[..., :1]) >= below).sum(-1)
        index = chosen.unsqueeze(-1).expand(-1, -1, -1, self.action_dim)
        return location.gather(2, index) + log_std.exp().gather(2, index) * noise[..., 1:]

    def latent_log_prob(self, head: Tensor, latent: Tensor) -> Tensor:
        """Return log sum_c w_c N(latent; mu_c, sigma_c^2)."""
        return torch.logsumexp(self._joint_log_prob(self._components(head), latent), -1)

    def _joint_log_prob(self, components: tuple[Tensor, Tensor, Tensor], latent: Tensor) -> Tensor:
        """Return log(w_c N(latent; mu_c, sigma_c^2)), (R, B, K, C), of latents (R, B, K, A)."""
        location, log_std, log_weight = (x.unsqueeze(2) for x in components)
        z = torch.clamp((latent.unsqueeze(3) - location) * torch.exp(-log_std), -MAX_DEVIATIONS, MAX_DEVIATIONS)
        return log_weight + normal_log_prob(z, log_std).sum(-1)

    def mode(self, head: Tensor) -> Tensor:
        """Return the densest point (R, B, A) that mean-shift reaches from its starts."""
        components = self._components(head)
        location, log_std, _ = (x.unsqueeze(2) for x in components)
        point = _mode_starts(components[0], components[1])
        for _ in range(MODE_ITERATIONS):
            log_share = self._joint_log_prob(components, point).unsqueeze(-1) - 2.0 * log_std
            point = (torch.softmax(log_share, 3) * location).sum(3)
        best = torch.logsumexp(self._joint_log_prob(components, point), -1).argmax(-1)
        index = best.view(*best.shape, 1, 1).expand(-1, -1, 1, self.action_dim)
        return self.box.clip(point.gather(2, index)[:, :, 0])
