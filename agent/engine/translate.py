"""From a traced graph of ATen operations to operations on views of buffers: one kind of node, one small function.

A function of `KINDS` takes the translation, the node and the node's arguments, in which each node is replaced by its
view, and returns the node's own view.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import fx

from agent.engine import routines
from agent.engine.operations import Operation, Pointwise, Product, Reduction
from agent.engine.views import Buffer, View, row_major

aten = torch.ops.aten

Kind = Callable[..., Any]

KINDS: dict[Any, Kind] = {}
"""Functions by ATen operation."""


FEW_TERMS = 4
"""Number of terms up to which a sum is written as one expression."""


class NotTranslatable(Exception):
    """A graph contains an operation, or a form of one, that there is no rule for."""


class Translation:
    """The operations of a graph, in order, and the view of each node."""

    def __init__(self, graph: fx.Graph, inputs: Sequence[View]) -> None:
        """Translate a graph.  inputs: views of its arguments.  Raises NotTranslatable."""
        self.operations: list[Operation] = []
        self.outputs: list[View] = []
        self._views: dict[fx.Node, Any] = {}
        remaining = iter(inputs)
        for node in graph.nodes:
            if node.op == "placeholder":
                self._views[node] = next(remaining)
            elif node.op == "output":
                self.outputs = self._resolve(node.args[0])
            else:
                self._views[node] = self._translate(node)

    def _translate(self, node: fx.Node) -> Any:
        kind = KINDS.get(node.target)
        if kind is None:
            raise NotTranslatable(f"there is no rule for {node.target}")
        return kind(self, node, *self._resolve(node.args), **self._resolve(node.kwargs))

    def _resolve(self, argument: Any) -> Any:
        """Replace nodes by their views."""
        if isinstance(argument, fx.Node):
            return self._views[argument]
        if isinstance(argument, tuple | list):
            return [self._resolve(one) for one in argument]
        if isinstance(argument, dict):
            return {key: self._resolve(one) for key, one in argument.items()}
        return argument

    def new(self, name: str, shape: Sequence[int], dtype: torch.dtype) -> View:
        """Return a new tensor in scratch memory."""
        return row_major(Buffer(f"m_{name}", dtype, math.prod(shape)), shape)

    def new_like(self, node: fx.Node) -> View:
        """Return a new tensor of a node's shape and type."""
        value = node.meta["val"]
        return self.new(node.name, value.shape, value.dtype)

    def pointwise(self, name: str, formula: str, operands: Sequence[View | float], out: View) -> View:
        """Add an element-wise operation. Operands are broadcast to out's shape; numbers are written into the formula.

        Floating-point operands are converted to the type in which torch computes.
        """
        views = [operand for operand in operands if isinstance(operand, View)]
        floating = out.dtype if out.dtype.is_floating_point else _promoted(views)
        texts: list[str] = []
        reads: list[View] = []
        for operand in operands:
            if not isinstance(operand, View):
                texts.append(literal(operand, floating))
                continue
            text = f"{{{len(reads)}}}"
            if operand.dtype != floating and operand.dtype.is_floating_point and floating.is_floating_point:
                text = f"({'float' if floating == torch.float32 else 'double'}){text}"
            texts.append(text)
            reads.append(operand.expand(out.shape))
        self.operations.append(Pointwise(name, formula.format(*texts), reads, out))
        return out

    def copy(self, view: View) -> View:
        """Add a copy of a tensor in row-major order."""
        out = self.new(f"copy_{len(self.operations)}", view.shape, view.dtype)
        return self.pointwise(out.buffer.name, "{0}", [view], out)


def _promoted(views: Sequence[View]) -> torch.dtype:
    """Return the type in which torch compares tensors; tensors without dimensions do not widen others."""
    dimensional = [view for view in views if view.shape] or list(views)
    dtype = dimensional[0].dtype if dimensional else torch.float32
    for view in dimensional[1:]:
        dtype = torch.promote_types(dtype, view.dtype)
    return dtype


def literal(number: float, dtype: torch.dtype) -> str:
    """Return a number as a C++ literal, exact in its type."""
    if dtype in (torch.int64, torch.bool) and float(number).is_integer():
        return str(int(number))
    if math.isinf(number):
        return "INFINITY" if number > 0 else "(-INFINITY)"
    single = dtype == torch.float32
    value = float(torch.tensor(float(number), dtype=torch.float32)) if single else float(number)
    text = value.hex() + ("f" if single else "")
    return f"({text})" if value < 0 else text


def kind(*targets: Any) -> Callable[[Kind], Kind]:
    """Register a function in `KINDS`."""

    def register(function: Kind) -> Kind:
        KINDS.update(dict.fromkeys(targets, function))
        return function

    return register


FORMULAS: dict[Any, str] = {
    aten.abs.default: "absolute({0})",
    aten.cos.default: "cos({0})",
    aten.sin.default: "sin({0})",
    aten.digamma.default: "digamma({0})",
    aten.erf.default: "erf({0})",
    aten.erfinv.default: "erfinv({0})",
    aten.exp.default: "exp({0})",
    aten.expm1.default: "expm1({0})",
    aten.lgamma.default: "lgamma({0})",
    aten.log.default: "log({0})",
    aten.log1p.default: "log1p({0})",
    aten.neg.default: "-{0}",
    aten.reciprocal.default: "1 / {0}",
    aten.rsqrt.default: "1 / square_root({0})",
    aten.sgn.default: "sign({0})",
    aten.special_log_ndtr.default: "log_ndtr({0})",
    aten.sqrt.default: "square_root({0})",
    aten.tanh.default: "tanh({0})",
    aten._standard_gamma_grad.default: "standard_gamma_grad({0}, {1})",
    aten.div.Tensor: "{0} / {1}",
    aten.mul.Tensor: "{0} * {1}",
    aten.mul.Scalar: "{0} * {1}",
    aten.minimum.default: "minimum({0}, {1})",
    aten.maximum.default: "maximum({0}, {1})",
    aten.eq.Scalar: "{0} == {1}",
    aten.eq.Tensor: "{0} == {1}",
    aten.ge.Scalar: "{0} >= {1}",
    aten.ge.Tensor: "{0} >= {1}",
    aten.gt.Scalar: "{0} > {1}",
    aten.gt.Tensor: "{0} > {1}",
    aten.le.Scalar: "{0} <= {1}",
    aten.le.Tensor: "{0} <= {1}",
    aten.lt.Scalar: "{0} < {1}",
    aten.lt.Tensor: "{0} < {1}",
    aten.bitwise_and.Tensor: "{0} & {1}",
    aten.logical_and.default: "{0} & {1}",
    aten.where.self: "{0} ? {1} : {2}",
    aten.masked_fill.Scalar: "{1} ? {2} : {0}",
    aten.pow.Scalar: "power({0}, {1})",
    aten.tanh_backward.default: "{0} * (1 - {1} * {1})",
    aten.lerp.Tensor: "lerp({0}, {1}, {2})",
    aten.addcmul.default: "{0} + {1} * {2}",
    aten.clone.default: "{0}",
    aten._to_copy.default: "{0}",
}
"""C++ expressions of element-wise operations."""

IN_PLACE: dict[Any, str] = {
    aten.copy_.default: "{1}",
    aten.relu_.default: "relu({0})",
    aten.tanh_.default: "tanh({0})",
    aten.mul_.Tensor: "{0} * {1}",
    aten.sub_.Tensor: "{0} - {1}",
    aten.logical_and_.default: "{0} & {1}",
    aten.lerp_.Tensor: "lerp({0}, {1}, {2})",
    aten.addcmul_.default: "{0} + {1} * {2}",
}
"""C++ expressions of operations that replace their first argument."""


@kind(*FORMULAS)
def pointwise(t: Translation, node: fx.Node, *operands: Any, **_: Any) -> View:
    """Translate an element-wise operation."""
    return t.pointwise(node.name, FORMULAS[node.target], operands, t.new_like(node))


@kind(*IN_PLACE)
def in_place(t: Translation, node: fx.Node, *operands: Any) -> View:
    """Translate an element-wise operation that replaces its first argument."""
    return t.pointwise(node.name, IN_PLACE[node.target], operands, operands[0])


@kind(aten.add.Tensor, aten.add.Scalar, aten.sub.Tensor, aten.rsub.Scalar)
def add(t: Translation, node: fx.Node, a: Any, b: Any, alpha: float = 1) -> View:
    """Translate a + b, a - b or b - a."""
    if alpha != 1:
        raise NotTranslatable(f"{node.target} with a factor")
    formulas: dict[Any, str] = {aten.sub.Tensor: "{0} - {1}", aten.rsub.Scalar: "{1} - {0}"}
    return t.pointwise(node.name, formulas.get(node.target, "{0} + {1}"), [a, b], t.new_like(node))


@kind(aten.add_.Tensor)
def add_(t: Translation, node: fx.Node, a: View, b: Any) -> View:
    """Translate a += b."""
    return t.pointwise(node.name, "{0} + {1}", [a, b], a)


@kind(aten.pow.Tensor_Scalar)
def power(t: Translation, node: fx.Node, x: View, exponent: float) -> View:
    """Translate x to a small whole power."""
    if exponent not in (1, 2, 3):
        raise NotTranslatable(f"a power of {exponent}")
    return t.pointwise(node.name, " * ".join(["{0}"] * int(exponent)), [x], t.new_like(node))


@kind(aten.clamp.default, aten.clamp.Tensor)
def clamp(t: Translation, node: fx.Node, x: View, low: Any = None, high: Any = None) -> View:
    """Translate a limit to [low, high], each of which may be None; NaN stays NaN."""
    formula, operands = "{0}", [x]
    if low is not None:
        formula, operands = "at_least({0}, {1})", [x, low]
    if high is not None:
        formula, operands = f"at_most({formula}, {{{len(operands)}}})", [*operands, high]
    return t.pointwise(node.name, formula, operands, t.new_like(node))


@kind(aten.zeros_like.default, aten.new_zeros.default, aten.zeros.default)
def zeros(t: Translation, node: fx.Node, *_: Any, **__: Any) -> View:
    """Translate a tensor of zeros."""
    return t.pointwise(node.name, "{0}", [0.0], t.new_like(node))


@kind(aten.full_like.default, aten.new_full.default, aten.full.default)
def full(t: Translation, node: fx.Node, _: Any, number: float, *__: Any, **___: Any) -> View:
    """Translate a tensor of equal numbers; new_full has its size in between."""
    value: Any = node.args[2] if node.target == aten.new_full.default else number
    return t.pointwise(node.name, "{0}", [value], t.new_like(node))


@kind(aten.scalar_tensor.default)
def scalar(t: Translation, node: fx.Node, number: float, **_: Any) -> View:
    """Translate a number as a tensor."""
    return t.pointwise(node.name, "{0}", [number], t.new_like(node))


# Views -----------------------------------------------------------------------------------------------------------


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


# Sums and products -----------------------------------------------------------------------------------------------


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
    return t.pointwise(node.name, "{1} <= 0 ? 0 : {0}", [grad, x], t.new_like(node))


# Everything else -------------------------------------------------------------------------------------------------


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
