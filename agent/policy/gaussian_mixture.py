"""Mixture of `num_components` diagonal Gaussians, pi(a) = sum_c w_c N(a; mu_c, sigma_c^2), w a softmax.

The head is [mu before tanh | log sigma | logits], of sizes C A, C A and C; mu and sigma as the Gaussian's. One
component is a Gaussian. Draws and gradients are those of every mixture (see `agent.policy.mixture`). Log-probabilities
are evaluated at the unclipped draw, which is clipped only when it is executed.
The density's modes have no closed form, and in several dimensions there may be more of them than components,
some between two means (Ray & Lindsay 2005, Ann. Stat. 33). From each mean, and from the middle of the ridge
between each pair, the mean-shift fixed point (Carreira-Perpinan 2000, IEEE PAMI 22), which never descends, is
iterated; the densest point reached is the greedy action. It is not guaranteed to be the global maximum.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from agent.policy.base import ActionBox
from agent.policy.gaussian import normal_log_prob
from agent.policy.mixture import Mixture

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


class GaussianMixture(Mixture):
    """Gaussian mixture on R^A; draws outside the bounds are clipped when executed."""

    options: ClassVar[tuple[str, ...]] = ("num_components",)

    def __init__(self, box: ActionBox, clip_stddev: Tensor, **options: Any) -> None:
        """Set the number of components and the head's size, C (2 A + 1).

        clip_stddev: (R,); sigma is clamped to [1/clip, clip] where it is positive.  options: num_components, C >= 1.
        """
        super().__init__(box, clip_stddev, component_policy="Gaussian", **options)

    def _locations_and_log_scales(self, each: Tensor) -> tuple[Tensor, Tensor]:
        """Return locations and log sigmas (R, B, C, A) of the components' heads (R, B, C, 2 A)."""
        pairs = self.location_and_log_scale(each.flatten(1, 2))
        location, log_std = (x.squeeze(2).unflatten(1, each.shape[1:3]) for x in pairs)
        return location, log_std

    def _joint_log_prob(self, split: tuple[Tensor, Tensor], latent: Tensor) -> Tensor:
        each, log_weight = split
        location, log_std = (x.unsqueeze(2) for x in self._locations_and_log_scales(each))
        z = torch.clamp((latent.unsqueeze(3) - location) * torch.exp(-log_std), -MAX_DEVIATIONS, MAX_DEVIATIONS)
        return log_weight.unsqueeze(2) + normal_log_prob(z, log_std).sum(-1)

    def mode(self, head: Tensor) -> Tensor:
        """Return the densest point (R, B, A) that mean-shift reaches from its starts."""
        split = self._split(head)
        components = self._locations_and_log_scales(split[0])
        location, log_std = (x.unsqueeze(2) for x in components)
        point = _mode_starts(*components)
        for _ in range(MODE_ITERATIONS):
            log_share = self._joint_log_prob(split, point).unsqueeze(-1) - 2.0 * log_std
            point = (torch.softmax(log_share, 3) * location).sum(3)
        best = torch.logsumexp(self._joint_log_prob(split, point), -1).argmax(-1)
        index = best.view(*best.shape, 1, 1).expand(-1, -1, 1, self.action_dim)
        return self.box.clip(point.gather(2, index)[:, :, 0])
