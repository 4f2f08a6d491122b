"""Rules for sums, maxima, products of matrices, and for choosing and placing elements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import fx

from agent.engine import routines
from agent.engine.operations import GATE, Product, Reduction
from agent.engine.translate import NotTranslatable, Translation, kind
from agent.engine.views import View

aten = torch.ops.aten


FEW_TERMS = 4
"""Number of terms up to which a sum is written as one expression."""


def _reduced(
    t: Translation, name: str, kind: str, x: View, dims: Sequence[int], keepdim: bool, dtype: torch.dtype
) -> View:
    """Add a reduction; one of few terms is an element-wise operation."""
    gone = tuple(sorted({x.dim(d) for d in dims}))
    kept = [1 if d in gone else n for d, n in enumerate(x.shape)]
    result = t.new(name, kept, dtype)
    count = math.prod(x.shape[d] for d in gone)
    if count == 1 or (len(gone) == 1 and count <= FEW_TERMS):
        terms = [x.slice(gone[0], i, i + 1) if gone else x for i in range(count)]
        formula = "{0}"
        for i in range(1, count):
            formula = f"{formula} + {{{i}}}" if kind == "sum" else f"{kind}({formula}, {{{i}}})"
        t.pointwise(name, formula, terms, result)
    else:
        t.operations.append(Reduction(name, kind, x, result.expand(x.shape), gone))
    return result if keepdim else result.squeeze(gone)


@kind(aten.sum.dim_IntList, aten.sum.default)
def sum_(t: Translation, node: fx.Node, x: View, dims: Any = None, keepdim: bool = False, **_: Any) -> View:
    """Translate a sum."""
    return _reduced(t, node.name, "sum", x, dims or range(len(x.shape)), keepdim, node.meta["val"].dtype)


@kind(aten.amax.default)
def amax(t: Translation, node: fx.Node, x: View, dims: Any = None, keepdim: bool = False) -> View:
    """Translate a maximum."""
    return _reduced(t, node.name, "maximum", x, dims or range(len(x.shape)), keepdim, x.dtype)


@kind(aten.mean.dim, aten.mean.default)
def mean(t: Translation, node: fx.Node, x: View, dims: Any = None, keepdim: bool = False, **_: Any) -> View:
    """Translate a mean: a sum and a division."""
    dims = dims or range(len(x.shape))
    total = _reduced(t, f"{node.name}_sum", "sum", x, dims, keepdim, x.dtype)
    count = math.prod(x.shape[x.dim(d)] for d in dims)
    return t.pointwise(node.name, "{0} / {1}", [total, count], t.new_like(node))


@kind(aten.bmm.default)
def bmm(t: Translation, node: fx.Node, a: View, b: View) -> View:
    """Translate products of matrices."""
    out = t.new_like(node)
    t.operations.append(Product(node.name, a, b, out))
    return out


@kind(aten.baddbmm.default)
def baddbmm(t: Translation, node: fx.Node, bias: View, a: View, b: View) -> View:
    """Translate products of matrices plus a bias (N, 1, K)."""
    out = t.new_like(node)
    t.operations.append(Product(node.name, a, b, out, bias=bias))
    return out


@kind(aten.threshold_backward.default)
def threshold_backward(t: Translation, node: fx.Node, grad: View, x: View, limit: float) -> View:
    """Translate relu's gradient."""
    if limit:
        raise NotTranslatable("a threshold other than 0")
    return t.pointwise(node.name, GATE, [grad, x], t.new_like(node))


@kind(aten.gather.default)
def gather(t: Translation, node: fx.Node, x: View, d: int, index: View) -> View:
    """Translate a choice of elements along one dimension."""
    out = t.new_like(node)
    t.operations.append(routines.gather(node.name, x, x.dim(d), index, out))
    return out


@kind(aten.cumsum.default)
def cumsum(t: Translation, node: fx.Node, x: View, d: int) -> View:
    """Translate sums of the first 1, 2, ... elements."""
    out = t.new_like(node)
    t.operations.append(routines.cumsum(node.name, x, x.dim(d), out))
    return out


@kind(aten.argmax.default)
def argmax(t: Translation, node: fx.Node, x: View, d: int, keepdim: bool = False) -> View:
    """Translate the index of the first of the largest elements."""
    d = x.dim(d)
    out = t.new(node.name, [1 if i == d else n for i, n in enumerate(x.shape)], torch.int64)
    t.operations.append(routines.argmax(node.name, x, d, out))
    return out if keepdim else out.squeeze([d])


@kind(aten.sort.stable)
def sort(
    t: Translation, node: fx.Node, x: View, *, dim: int = -1, descending: bool = False, **_: Any
) -> list[View | None]:
    """Translate the indices of the largest elements, from the largest down, as many as are used."""
    if not descending or x.dim(dim) != len(x.shape) - 1:
        raise NotTranslatable("a sort other than descending along the last dimension")
    parts = [user for result in node.users if result.args[1] == 1 for user in result.users]
    if any(part.target != aten.slice.Tensor or x.dim(part.args[1]) != x.dim(dim) for part in parts):  # type: ignore[arg-type]
        raise NotTranslatable("a sort of which more is used than the first indices")
    count = max(int(part.args[3]) for part in parts)  # type: ignore[arg-type]
    out = t.new(node.name, [*x.shape[:-1], min(count, x.shape[-1])], torch.int64)
    t.operations.append(routines.largest(node.name, x, out))
    return [None, out]


@kind(aten.scatter_.value, aten.scatter_.src, aten.scatter_add.default)
def scatter(t: Translation, node: fx.Node, x: View, d: int, index: View, source: Any) -> View:
    """Translate writing, or adding, numbers at chosen places of one dimension."""
    adds = node.target == aten.scatter_add.default
    out = t.copy(x) if adds else x
    t.operations.append(routines.scatter(node.name, out, x.dim(d), index, source, adds))
    return out
