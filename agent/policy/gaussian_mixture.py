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
from agent.policy.functions import standardize
from agent.policy.gaussian import normal_log_prob
from agent.policy.mixture import Mixture

MODE_ITERATIONS = 30
"""Mean-shift steps to a mode. The error shrinks geometrically, slowly only where two modes are about to merge
and the density is nearly level between them."""


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

    def mode(self, head: Tensor) -> Tensor:
        """Return the densest point (R, B, A) that mean-shift reaches from its starts."""
        each, log_weight = self._split(head)
        pairs = self.location_and_log_scale(each.flatten(1, 2))
        location, log_std = (x.unflatten(1, each.shape[1:3]).transpose(2, 3) for x in pairs)  # (R, B, 1, C, A)

        def joint_log_prob(point: Tensor) -> Tensor:
            z = standardize(point.unsqueeze(3), location, log_std)
            return log_weight.unsqueeze(2) + normal_log_prob(z, log_std).sum(-1)

        point = _mode_starts(location[:, :, 0], log_std[:, :, 0])
        for _ in range(MODE_ITERATIONS):
            log_share = joint_log_prob(point).unsqueeze(-1) - 2.0 * log_std
            point = (torch.softmax(log_share, 3) * location).sum(3)
        best = torch.logsumexp(joint_log_prob(point), -1).argmax(-1)
        index = best.view(*best.shape, 1, 1).expand(-1, -1, 1, self.action_dim)
        return self.box.clip(point.gather(2, index)[:, :, 0])
