"""Special functions that several densities share.

They are composed of operations whose bits do not depend on an element's position in its tensor;
torch's own softplus, sigmoid, atanh and pow round some positions differently from others.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

LOG_2 = math.log(2.0)
"""Natural logarithm of 2."""

SMALLEST_EXPONENTIAL = 2.0**-53
"""Lower bound of an exponential variate, which a uniform of exactly 0 would make 0."""


MAX_DEVIATIONS = 1e15
"""Limit of a point's distance from a location, in scales. Without clip_stddev one component of a mixture may be so
narrow that float32 holds neither the square of another's distance nor its derivative."""


def standardize(x: Tensor, location: Tensor, log_scale: Tensor) -> Tensor:
    """Return (x - location) / scale, elementwise, limited to +-MAX_DEVIATIONS."""
    return torch.clamp((x - location) * torch.exp(-log_scale), -MAX_DEVIATIONS, MAX_DEVIATIONS)


def softplus(x: Tensor) -> Tensor:
    """Return log(1 + e^x), elementwise; (x + |x|) / 2 has the right derivative 1/2 at 0, where a clamp has 1."""
    size = x.abs()
    return 0.5 * (x + size) + torch.log1p(torch.exp(-size))


def excess_shapes(head: Tensor) -> tuple[Tensor, Tensor]:
    """Return two shape parameters per action dimension, both minus 1: softplus of the head, positive.

    head: (R, B, 2 A).  Returns two tensors (R, B, 1, A).
    """
    first, second = softplus(head.unsqueeze(2)).clamp(min=torch.finfo(head.dtype).tiny).chunk(2, -1)
    return first, second


def exponential_variates(uniform: Tensor) -> Tensor:
    """Return -log(1 - u), elementwise, float64 and positive: exponential variates of mean 1."""
    return torch.clamp(-torch.log1p(-uniform.double()), min=SMALLEST_EXPONENTIAL)


def log1mexp(w: Tensor) -> Tensor:
    """Return log(1 - e^-w), elementwise, w > 0 (Maechler 2012); value and derivative without cancellation."""
    small, large = torch.clamp(w, max=LOG_2), torch.clamp(w, min=LOG_2)
    return torch.where(w < LOG_2, torch.log(-torch.expm1(-small)), torch.log1p(-torch.exp(-large)))


def log_beta(a: Tensor, b: Tensor) -> Tensor:
    """Return log B(a, b), elementwise, in a's dtype; computed in float64, as its three terms cancel."""
    wide_a, wide_b = a.double(), b.double()
    return (torch.lgamma(wide_a) + torch.lgamma(wide_b) - torch.lgamma(wide_a + wide_b)).to(a.dtype)


def logit(y: Tensor) -> Tensor:
    """Return log(y / (1 - y)), elementwise, y in (0, 1)."""
    return torch.log(y) - torch.log1p(-y)
