"""Rules for element-wise operations: an expression, or a function that returns one."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from agent.engine.operations import COPY, RELU
from agent.engine.translate import NotTranslatable, Translation, kind
from agent.engine.views import View

aten = torch.ops.aten


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
    aten.clone.default: COPY,
    aten._to_copy.default: COPY,
}
"""C++ expressions of element-wise operations."""

IN_PLACE: dict[Any, str] = {
    aten.copy_.default: "{1}",
    aten.relu_.default: RELU,
    aten.tanh_.default: "tanh({0})",
    aten.mul_.Tensor: "{0} * {1}",
    aten.sub_.Tensor: "{0} - {1}",
    aten.logical_and_.default: "{0} & {1}",
    aten.lerp_.Tensor: "lerp({0}, {1}, {2})",
    aten.addcmul_.default: "{0} + {1} * {2}",
}
"""C++ expressions of operations that replace their first argument."""

FLOAT32_ONLY = (aten.special_log_ndtr.default, aten._standard_gamma_grad.default)
"""Operations whose C++ function takes float32 alone."""


@kind(*FORMULAS)
def pointwise(t: Translation, node: fx.Node, *operands: Any, **_: Any) -> View:
    """Translate an element-wise operation."""
    if node.target in FLOAT32_ONLY and node.meta["val"].dtype != torch.float32:
        raise NotTranslatable(f"there is no rule for {node.target} of {node.meta['val'].dtype}")
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
    formula, operands = COPY, [x]
    if low is not None:
        formula, operands = "at_least({0}, {1})", [x, low]
    if high is not None:
        formula, operands = f"at_most({formula}, {{{len(operands)}}})", [*operands, high]
    return t.pointwise(node.name, formula, operands, t.new_like(node))


@kind(aten.zeros_like.default, aten.new_zeros.default, aten.zeros.default)
def zeros(t: Translation, node: fx.Node, *_: Any, **__: Any) -> View:
    """Translate a tensor of zeros."""
    return t.pointwise(node.name, COPY, [0.0], t.new_like(node))


@kind(aten.full_like.default, aten.new_full.default, aten.full.default)
def full(t: Translation, node: fx.Node, _: Any, number: float, *__: Any, **___: Any) -> View:
    """Translate a tensor of equal numbers; new_full has its size in between."""
    value: Any = node.args[2] if node.target == aten.new_full.default else number
    return t.pointwise(node.name, COPY, [value], t.new_like(node))


@kind(aten.scalar_tensor.default)
def scalar(t: Translation, node: fx.Node, number: float, **_: Any) -> View:
    """Translate a number as a tensor."""
    return t.pointwise(node.name, COPY, [number], t.new_like(node))
