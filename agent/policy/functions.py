"""Special functions that several densities share.

They are composed of operations whose bits do not depend on an element's place in its tensor;
torch's own softplus, sigmoid, atanh and pow round some places differently from others.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

LOG_2 = math.log(2.0)


def softplus(x: Tensor) -> Tensor:
    """log(1 + e^x), elementwise; (x + |x|) / 2 has the right derivative 1/2 at 0, where a clamp has 1."""
    size = x.abs()
    return 0.5 * (x + size) + torch.log1p(torch.exp(-size))


def excess_shapes(head: Tensor) -> tuple[Tensor, Tensor]:
    """Two shapes above 1 for each action dimension, less that 1: softplus of the head (R, B, 2 A), positive.

    Each (R, B, 1, A).
    """
    first, second = softplus(head.unsqueeze(2)).clamp(min=torch.finfo(head.dtype).tiny).chunk(2, -1)
    return first, second


def log1mexp(w: Tensor) -> Tensor:
    """log(1 - e^-w) for w > 0, elementwise (Maechler 2012); value and derivative without cancellation."""
    small, large = torch.clamp(w, max=LOG_2), torch.clamp(w, min=LOG_2)
    return torch.where(w < LOG_2, torch.log(-torch.expm1(-small)), torch.log1p(-torch.exp(-large)))


def log_beta(a: Tensor, b: Tensor) -> Tensor:
    """log B(a, b), elementwise, in float64 as its three terms cancel; returned as a's dtype."""
    wide_a, wide_b = a.double(), b.double()
    return (torch.lgamma(wide_a) + torch.lgamma(wide_b) - torch.lgamma(wide_a + wide_b)).to(a.dtype)


def logit(y: Tensor) -> Tensor:
    """log(y / (1 - y)), elementwise, for y in (0, 1)."""
    return torch.log(y) - torch.log1p(-y)
