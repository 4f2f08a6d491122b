"""Replaces operations in a traced update whose bits could depend on the number of runs.

A compiler that fuses loops decides for every shape along which axis it vectorizes a sum, hence in which order it adds,
and whether it computes a single number by the vector's or the scalar's exponential. Additions in a given order,
multiplications, divisions and roots have the same bits either way. So, while an update is traced,

- a sum whose terms do not fill whole vectors is written as additions of halves;
- what is summed to one number per run is computed, in vectors, before it is summed;
- softmax, mean and the like are decomposed first, so that their sums are treated in the same way;
- Adam is written out, with its bias corrections computed once per step;
- the new value of a tensor is stored before the tensor is changed: for later reads in the same update, torch 2.11 would
  recompute it from the tensor that was already changed;
- e^x - 1 is written so that it is as exact for small x as torch's own;
- a scatter is written as a comparison with each index;
- a product of matrices is our own code, which also adds the bias and applies relu (`agent.engine.products`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._decomp import get_decompositions

from agent.engine.products import biased_product, product
from agent.networks.network import CACHE_LINE

aten = torch.ops.aten


def stored(x: Tensor) -> Tensor:
    """Return x such that the compiler stores it before anything reads it: a strided view needs it in memory."""
    x = x.contiguous()
    return x.as_strided(x.shape, x.stride())


def sum_of_halves(x: Tensor, dim: int) -> Tensor:
    """Return the sum over one dimension, kept with size 1, as additions whose order depends on its size only."""
    rest: list[Tensor] = []
    while (size := x.shape[dim]) > 1:
        half = size // 2
        if size % 2:
            rest.append(x.narrow(dim, size - 1, 1))
        x = x.narrow(dim, 0, half) + x.narrow(dim, half, half)
    for one in rest:
        x = x + one
    return x


def lies_in_lines(x: Tensor, dims: Sequence[int]) -> bool:
    """Return whether a sum over dims is along, or across, whole cache lines of the last dimension."""
    return len(dims) == 1 and x.ndim > 2 and x.shape[-1] % CACHE_LINE == 0


def summed(x: Tensor, dim: Sequence[int] | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Replace aten.sum by additions of halves; for whole cache lines and integers, NotImplemented keeps it."""
    dims = sorted({d % x.ndim for d in dim or range(x.ndim)})
    if lies_in_lines(x, dims) or not x.is_floating_point() or dtype not in (None, x.dtype):
        return NotImplemented
    if math.prod(size for d, size in enumerate(x.shape) if d and d not in dims) == 1:
        x = stored(x)
    for d in reversed(dims):
        x = sum_of_halves(x, d)
    return x if keepdim else x.squeeze(dims)


def averaged(x: Tensor, dim: Sequence[int] | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Replace aten.mean by a sum and a division."""
    dims = dim or range(x.ndim)
    return x.sum(list(dims), keepdim, dtype=dtype) / math.prod(x.shape[d] for d in dims)


def placed(index: Tensor, src: Tensor, size: int) -> Tensor:
    """Return for each of `size` indices the sum of src where it occurs, (..., size).  index, src: (..., K)."""
    here = index.unsqueeze(-2) == torch.arange(size, device=index.device).unsqueeze(-1)
    return sum_of_halves(here * src.unsqueeze(-2), -1).squeeze(-1)


def scatter_add(x: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Replace aten.scatter_add along the last dimension."""
    assert dim % x.ndim == x.ndim - 1
    return x + placed(index, src, x.shape[-1])


def scatter_(x: Tensor, dim: int, index: Tensor, src: Tensor | float) -> Tensor:
    """Replace aten.scatter_ along the last dimension, for indices without repeats."""
    assert dim % x.ndim == x.ndim - 1
    one = torch.ones_like(index, dtype=x.dtype)
    taken = placed(index, one, x.shape[-1]) > 0.0
    return x.copy_(torch.where(taken, placed(index, one * src, x.shape[-1]), x))


def expm1(x: Tensor) -> Tensor:
    """Replace aten.expm1, which the compiler would compute as e^x - 1, with no correct digit for small x.

    (u - 1) x / log u with u = e^x rounded: the error of u cancels (Higham 2002, Accuracy and Stability of Numerical
    Algorithms, section 1.14.1).
    """
    u = torch.exp(x)
    difference = u - 1.0
    quotient = difference * (x / torch.log(u))
    ends = (difference == -1.0) | torch.isinf(u)
    return torch.where(difference == 0.0, x, torch.where(ends, difference, quotient))


def add_(x: Tensor, y: Tensor | float) -> Tensor:
    """Replace aten.add_."""
    return x.copy_(stored(x + y))


def addcmul_(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Replace aten.addcmul_."""
    return x.copy_(stored(x + a * b))


def lerp_(x: Tensor, end: Tensor, weight: Tensor) -> Tensor:
    """Replace aten.lerp_, which starts from the nearer end, so that weight 1 gives exactly `end`."""
    way = end - x
    return x.copy_(torch.where(weight < 0.5, x + weight * way, end - way * (1.0 - weight)))


def adam_(
    params: list[Tensor], grads: list[Tensor], means: list[Tensor], squares: list[Tensor], _: list[Tensor],
    counts: list[Tensor], *, lr: float, beta1: float, beta2: float, eps: float, **_others: Any,
) -> None:  # fmt: skip
    """Replace aten._fused_adam_; weight decay, amsgrad and maximize are not used here and not supported."""
    for param, grad, mean, square, count in zip(params, grads, means, squares, counts, strict=True):
        mean.copy_(mean + (1.0 - beta1) * (grad - mean))
        square.copy_(beta2 * square + (1.0 - beta2) * (grad * grad))
        root = torch.sqrt(_correction(count, beta2))
        size, floor = (lr * root / _correction(count, beta1)).float(), (eps * root).float()
        param.sub_(size * (mean / (square.sqrt() + floor)))


def _correction(count: Tensor, beta: float) -> Tensor:
    """Return 1 - beta^count, (), float64, as a reduction: the compiler would recompute anything else in every loop."""
    log_beta = math.log(beta) if beta else -math.inf
    return (1.0 - torch.exp(count.double() * log_beta)).expand(CACHE_LINE).amax()


SPELLED_OUT: dict[Any, Callable[..., Any]] = {
    **get_decompositions(
        [
            aten._log_softmax, aten._log_softmax_backward_data, aten._softmax, aten._softmax_backward_data,
            aten.logsumexp,
        ]
    ),
    aten.sum.default: summed,
    aten.sum.dim_IntList: summed,
    aten.mean.default: averaged,
    aten.mean.dim: averaged,
    aten.add_.Tensor: add_,
    aten.addcmul_.default: addcmul_,
    aten.lerp_.Tensor: lerp_,
    aten.expm1.default: expm1,
    aten.bmm.default: product,
    aten.baddbmm.default: biased_product,
    aten.scatter_add.default: scatter_add,
    aten.scatter_.src: scatter_,
    aten.scatter_.value: scatter_,
    aten._fused_adam_.default: adam_,
}  # fmt: skip
"""Replacements by ATen operation."""
