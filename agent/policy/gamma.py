"""Gamma variates as a pure function of normals, with implicit reparameterization gradients.

Marsaglia & Tsang 2000 (ACM TOMS 26): with d = shape - 1/3 and v = (1 + x / sqrt(9 d))^3, accept d v if
log U < x^2/2 + d - d v + d log v. Instead of proposing until one is accepted, CANDIDATES are drawn beforehand
and the first that is accepted is used. A shape of 1 or above accepts with probability 0.951 or
more, so all are rejected with probability below 3e-11; then the first is used, kept above 0.
The gradient by the shape is -(dF/dshape) / density (Figurnov, Mohamed & Mnih 2018, arXiv 1805.08498).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.special import log_ndtr

CANDIDATES = 8
"""Number of candidates drawn for each gamma variate."""


def marsaglia_tsang(shape: Tensor, noise: Tensor) -> Tensor:
    """Return Gamma(shape, 1) variates (...), without a gradient.

    shape: at least 1, broadcasts to (...).  noise: standard normals (..., CANDIDATES, 2).
    Of each pair of normals the second, turned into a uniform by its distribution function, accepts the first.
    """
    d = shape.unsqueeze(-1) - 1.0 / 3.0
    x, log_uniform = noise[..., 0], log_ndtr(noise[..., 1])
    root = 1.0 + x * torch.rsqrt(9.0 * d)
    v = torch.clamp(root * root * root, min=torch.finfo(root.dtype).tiny)
    accepted = (root > 0) & (log_uniform < 0.5 * x * x + d - d * v + d * torch.log(v))
    chosen = v[..., 0]
    for i in reversed(range(CANDIDATES)):
        chosen = torch.where(accepted[..., i], v[..., i], chosen)
    return d[..., 0] * chosen


class _Gamma(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, shape: Tensor, noise: Tensor) -> Tensor:
        value = marsaglia_tsang(shape, noise)
        ctx.save_for_backward(shape.expand_as(value), value)
        ctx.shape = shape.shape
        return value

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        shape, value = ctx.saved_tensors
        return (grads[0] * torch._standard_gamma_grad(shape, value)).sum_to_size(ctx.shape), None


def draw_gamma(shape: Tensor, noise: Tensor) -> Tensor:
    """Return Gamma(shape, 1) variates (...), differentiable with respect to the shape.

    shape, noise: as in `marsaglia_tsang`.
    """
    return _Gamma.apply(shape, noise)
