"""q-Gaussian policy (Tsallis 1995; Zhu et al., ICLR 2025), independent in every action dimension.

Density C (1 + r z^2)^(-1/(q-1)) / sigma with z = (a - mu) / sigma and r = (q - 1)/(3 - q). For 1 < q < 3 it is
Student-t with nu = 1/r degrees of freedom; for q < 1 the symmetric Beta(k, k), k = (2-q)/(1-q), on
mu +- sigma sqrt(-1/r); for q = 1 the Gaussian. The head is [mu before tanh | log sigma], both as the Gaussian's;
q is the hyperparameter `entropic_index`. Draws are the generalised Box-Muller ones of `agent.policy.polar`,
with the index (q + 1)/(3 - q). Deviation: the published code (qexp) has (q - 1)/(3 - q) for q > 1, so it samples
from a density other than the one it evaluates. Log-probabilities are evaluated at the
unclipped draw, which is clipped only when it is executed.
For q < 1 an action from a replay buffer may lie outside the support, where the log density is -inf.
There 1 + r z^2 is replaced by FLOOR: the log density is finite and has no gradient by mu, nor through z. For q <= 0
the density falls so steeply at the support's edge that the likelihood-ratio gradient, although unbiased,
has no finite variance.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor

from agent.policy.base import ActionBox, Policy
from agent.policy.functions import standardize
from agent.policy.gaussian import normal_log_prob
from agent.policy.polar import draw_polar, uniform_pairs
from utils.core.random_streams import Draws

FLOOR = 2.0**-24
"""Lower bound of 1 + r z^2: half the distance from 1 to the next float32."""

NEARLY_ONE = 1e-8
"""Bound of |q - 1| below which the density differs from the Gaussian's by less than a float32 rounding."""


def log_constant(r: float) -> float:
    """Return log C of the standard density, r != 0: sqrt|r| / B(1/2, kappa), kappa = nu/2 or k."""
    kappa = 0.5 / r if r > 0 else 0.5 - 0.5 / r
    log_beta = math.lgamma(0.5) + math.lgamma(kappa) - math.lgamma(kappa + 0.5)
    return 0.5 * math.log(abs(r)) - log_beta


class QGaussian(Policy):
    """q-Gaussian on R^A (q >= 1) or an interval per dimension (q < 1); draws are clipped when executed."""

    options: ClassVar[tuple[str, ...]] = ("entropic_index",)

    def __init__(self, box: ActionBox, clip_stddev: Tensor, *, entropic_index: float = 1.5, **options: Any) -> None:
        """Check q and precompute the density's constants.

        clip_stddev: (R,); sigma is clamped to [1/clip, clip] where it is positive.  entropic_index: q.
        Raises ValueError if q is 3 or above, where there is no density.
        """
        if not entropic_index < 3.0:
            raise ValueError(f"entropic_index is {entropic_index}; allowed: below 3")
        super().__init__(box, clip_stddev, **options)
        self._order = entropic_index - 1.0 if abs(entropic_index - 1.0) >= NEARLY_ONE else 0.0
        self._r = self._order / (2.0 - self._order)
        self._log_constant = log_constant(self._r) if self._r else 0.0

    def latent_noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Draw uniforms (R, rows, k, A, 2)."""
        return uniform_pairs(draws, rows, k, self.action_dim)

    def draw_latent(self, head: Tensor, noise: Tensor) -> Tensor:
        """Return mu + sigma z."""
        location, log_std = self.location_and_log_scale(head)
        return location + log_std.exp() * draw_polar(noise, self._r).to(head.dtype)

    def latent_log_prob(self, head: Tensor, latent: Tensor) -> Tensor:
        """Return the log density, summed over A."""
        location, log_std = self.location_and_log_scale(head)
        z = standardize(latent, location, log_std)
        if not self._r:
            return normal_log_prob(z, log_std).sum(-1)
        kernel = torch.log1p(torch.clamp(self._r * z * z, min=FLOOR - 1.0))
        return (self._log_constant - log_std - kernel / self._order).sum(-1)
