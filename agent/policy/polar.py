"""Polar generation of Student-t and q-Gaussian variates from two uniforms, smooth in the shape.

z = sqrt((U^(-2 r) - 1) / r) cos(2 pi V) with r = 1/nu is Student-t with nu degrees of freedom (Bailey 1994,
Math. Comp. 62); with r = (q - 1)/(3 - q) it is a q-Gaussian for every q < 3 (Thistleton, Marsh, Nelson &
Tsallis 2007, IEEE Trans. Inf. Theory 53), r = 0 being Box and Muller's normal. The latter paper's
generalised logarithm has the index (q + 1)/(3 - q), that is the exponent 1 - (q + 1)/(3 - q) = -2 r used here.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from agent.policy.functions import exponential_variates
from utils.core.random_streams import Draws

LARGEST_LOG = 70.0
"""Upper bound of log(U^(-2 r)): |z| <= 1.6e15 sqrt(nu), whose square float32 still holds. It is reached with
probability e^(-35 nu): 6e-16 for a Cauchy, 1e-5 at nu = 1/3 (q = 2.5)."""


def uniform_pairs(draws: Draws, rows: int, k: int, action_dim: int) -> Tensor:
    """Draw uniforms (R, rows, k, A, 2)."""
    return draws.uniform(rows, k, action_dim, 2)


def draw_polar(noise: Tensor, r: Tensor | float) -> Tensor:
    """Return standard draws (R, B, K, A), float64, differentiable with respect to r.

    noise: `uniform_pairs`.  r: broadcasts to (R, B, K, A), float64 if a tensor; as a number it may be 0 or negative.
    """
    square = 2.0 * exponential_variates(noise[..., 0])
    if isinstance(r, Tensor) or r != 0.0:
        square = torch.expm1(torch.clamp(square * r, max=LARGEST_LOG)) / r
    return torch.sqrt(square) * torch.cos(2.0 * math.pi * noise[..., 1].double())
