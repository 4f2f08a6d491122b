"""Layer normalization (Ba, Kiros & Hinton 2016, arXiv 1607.06450), with its gradients written out.

The U pre-activations x of a hidden layer become

    y = gain (x - mean) / sqrt(var + EPSILON) + bias,

with mean and (biased) variance over the layer's units, and a learned gain and bias of each unit. Units that only pad a
layer are no part of the statistics; their gain and bias are zero, and so are their outputs and gradients.

Each sum is over the units of one row, or over the rows of one slot, so that it does not depend on the other slots.
"""

from __future__ import annotations

import torch
from torch import Tensor

EPSILON = 1e-5
"""Number that is added to the variance, that of torch.nn.LayerNorm."""


def standardize(x: Tensor, units: int) -> tuple[Tensor, Tensor]:
    """Return (x - mean) / deviation, (N, B, J), and 1 / deviation, (N, B, 1).

    x: (N, B, J), of which the first `units` of the J are in use; the others are returned with arbitrary numbers.
    """
    centred = x - x[..., :units].sum(-1, keepdim=True) / units
    used = centred[..., :units]
    inverse = ((used * used).sum(-1, keepdim=True) / units + EPSILON).rsqrt()
    return centred * inverse, inverse


def standardize_grad(grad: Tensor, standardized: Tensor, inverse: Tensor, units: int) -> Tensor:
    """Return a function's gradient (N, B, J) by x, zero for padding.

    grad: its gradient (N, B, J) by `standardized`, zero for padding.  standardized, inverse: from `standardize`.
    """
    used, kept = grad[..., :units], standardized[..., :units]
    along_mean, along_deviation = used.sum(-1, keepdim=True), (used * kept).sum(-1, keepdim=True)
    by_x = inverse * (used - (along_mean + kept * along_deviation) / units)
    padding = grad.shape[-1] - units
    return torch.cat((by_x, by_x.new_zeros(*by_x.shape[:-1], padding)), -1) if padding else by_x
