"""Rules for operations that only change a view, and for concatenations."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch import fx

from agent.engine.translate import Translation, kind
from agent.engine.views import View

aten = torch.ops.aten


@kind(aten.alias.default, aten.detach.default)
def alias(_: Translation, __: fx.Node, x: View) -> View:
    """Translate another name of a tensor."""
    return x


@kind(aten.view.default, aten._unsafe_view.default, aten.reshape.default)
def view(t: Translation, _: fx.Node, x: View, shape: Sequence[int]) -> View:
    """Translate another shape; elements that do not lie suitably are copied."""
    return x.reshape(shape) or _required(t.copy(x).reshape(shape))


def _required(view: View | None) -> View:
    assert view is not None
    return view


@kind(aten.slice.Tensor)
def slice_(_: Translation, __: fx.Node, x: View, d: int = 0, start: Any = None, end: Any = None, step: int = 1) -> View:
    """Translate a range of one dimension."""
    return x.slice(d, start or 0, x.shape[x.dim(d)] if end is None else end, step)


@kind(aten.select.int)
def select(_: Translation, __: fx.Node, x: View, d: int, index: int) -> View:
    """Translate one index of a dimension."""
    return x.select(d, index)


@kind(aten.transpose.int)
def transpose(_: Translation, __: fx.Node, x: View, a: int, b: int) -> View:
    """Translate the exchange of two dimensions."""
    return x.transpose(a, b)


@kind(aten.permute.default)
def permute(_: Translation, __: fx.Node, x: View, order: Sequence[int]) -> View:
    """Translate another order of the dimensions."""
    return x.permute([x.dim(d) for d in order])


@kind(aten.unsqueeze.default)
def unsqueeze(_: Translation, __: fx.Node, x: View, d: int) -> View:
    """Translate a new dimension of size 1."""
    return x.unsqueeze(d)


@kind(aten.squeeze.dim, aten.squeeze.dims)
def squeeze(_: Translation, __: fx.Node, x: View, dims: Any) -> View:
    """Translate the removal of dimensions of size 1."""
    return x.squeeze([dims] if isinstance(dims, int) else dims)


@kind(aten.expand.default)
def expand(_: Translation, __: fx.Node, x: View, shape: Sequence[int], **___: Any) -> View:
    """Translate a repetition along dimensions of size 1."""
    return x.expand(shape)


@kind(aten.split.Tensor, aten.split_with_sizes.default)
def split(_: Translation, __: fx.Node, x: View, sizes: Any, d: int = 0) -> list[View]:
    """Translate the parts of one dimension."""
    total = x.shape[x.dim(d)]
    if isinstance(sizes, int):
        sizes = [min(sizes, total - start) for start in range(0, total, sizes)]
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    return [x.slice(d, end - size, end) for end, size in zip(ends, sizes, strict=True)]


@kind(operator.getitem)
def getitem(_: Translation, __: fx.Node, parts: Sequence[View], index: int) -> View:
    """Translate one of several results."""
    return parts[index]


@kind(aten.cat.default)
def cat(t: Translation, node: fx.Node, parts: Sequence[View], d: int = 0) -> View:
    """Translate a concatenation: each part is copied to its place."""
    out = t.new_like(node)
    d, start = out.dim(d), 0
    for i, part in enumerate(parts):
        if not part.numel:
            continue
        end = start + part.shape[d]
        t.pointwise(f"{node.name}_{i}", "{0}", [part], out.slice(d, start, end))
        start = end
    return out


@kind(aten.slice_backward.default)
def slice_backward(
    t: Translation, node: fx.Node, grad: View, shape: Sequence[int], d: int, start: int, end: int, step: int
) -> View:
    """Translate a tensor of zeros with `grad` in a range of one dimension."""
    out = t.pointwise(f"{node.name}_zeros", "{0}", [0.0], t.new_like(node))
    t.pointwise(node.name, "{0}", [grad], out.slice(d, start, end, step))
    return out


@kind(aten.select_backward.default)
def select_backward(t: Translation, node: fx.Node, grad: View, shape: Sequence[int], d: int, index: int) -> View:
    """Translate a tensor of zeros with `grad` at one index of a dimension."""
    out = t.pointwise(f"{node.name}_zeros", "{0}", [0.0], t.new_like(node))
    t.pointwise(node.name, "{0}", [grad], out.select(d, index))
    return out


@kind(aten.stack.default)
def stack(t: Translation, node: fx.Node, parts: Sequence[View], d: int = 0) -> View:
    """Translate a concatenation along a new dimension."""
    out = t.new_like(node)
    for i, part in enumerate(parts):
        t.pointwise(f"{node.name}_{i}", "{0}", [part], out.select(d, i))
    return out
