"""Student-t policy, independent in every action dimension, with learned degrees of freedom nu.

Density Gamma((nu+1)/2) / (Gamma(nu/2) sqrt(nu pi) sigma) (1 + z^2/nu)^(-(nu+1)/2), z = (a - mu) / sigma.
The head is [mu before tanh | log sigma | s], nu = 1 + softplus(s); mu and sigma as the Gaussian's.
Deviation: the published code (qexp) exponentiates the scale twice, log sigma = exp(s), so that sigma is never below 1;
here it is exponentiated once, unless `scale_exponentiated_twice` asks for theirs. Draws are Bailey's (see
`agent.policy.polar`), not a normal over the root of a chi-square: two uniforms and no rejection, and a pathwise
gradient by nu in closed form. The greedy action is the location: the mean does not exist at nu = 1. Log-probabilities
are evaluated at the unclipped draw, which is clipped only when it is executed.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from agent.policy.base import ActionBox, Policy
from agent.policy.functions import log_beta, softplus, standardize
from agent.policy.polar import draw_polar, uniform_pairs
from utils.core.random_streams import Draws


class Student(Policy):
    """Student-t density on R^A; draws outside the bounds are clipped when executed."""

    options: ClassVar[tuple[str, ...]] = ("scale_exponentiated_twice",)

    def __init__(
        self, box: ActionBox, clip_stddev: Tensor, *, scale_exponentiated_twice: bool = False, **options: Any
    ) -> None:
        """Set the head's size, 3 A.

        clip_stddev: (R,); sigma is clamped to [1/clip, clip] where it is positive.
        scale_exponentiated_twice: whether log sigma is the exponential of the head's number.
        """
        super().__init__(box, clip_stddev, **options)
        self.head_dim, self._twice = 3 * self.action_dim, scale_exponentiated_twice

    def _parameters(self, head: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return location, log sigma and nu, each (R, B, 1, A)."""
        pair, shape = head[..., : 2 * self.action_dim], head[..., 2 * self.action_dim :]
        location, log_std = self.location_and_log_scale(pair)
        if self._twice:
            log_std = torch.clamp(log_std.exp(), max=self._log_clip)
        return location, log_std, 1.0 + softplus(shape.unsqueeze(2))

    def latent_noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Draw uniforms (R, rows, k, A, 2)."""
        return uniform_pairs(draws, rows, k, self.action_dim)

    def draw_latent(self, head: Tensor, noise: Tensor) -> Tensor:
        """Return mu + sigma t."""
        location, log_std, nu = self._parameters(head)
        return location + log_std.exp() * draw_polar(noise, 1.0 / nu.double()).to(head.dtype)

    def spread(self, head: Tensor) -> Tensor:
        """Return sigma (R, B, A)."""
        return self._parameters(head)[1].exp()[:, :, 0]

    def latent_log_prob(self, head: Tensor, latent: Tensor) -> Tensor:
        """Return the log density, summed over A; Gamma(nu/2) sqrt(pi) / Gamma((nu+1)/2) = B(nu/2, 1/2)."""
        location, log_std, nu = self._parameters(head)
        z = standardize(latent, location, log_std)
        constant = log_beta(0.5 * nu, torch.full_like(nu, 0.5)) + 0.5 * torch.log(nu)
        return (-constant - log_std - 0.5 * (nu + 1.0) * torch.log1p(z * z / nu)).sum(-1)
