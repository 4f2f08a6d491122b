"""From a traced graph of ATen operations to operations on views of buffers: one kind of node, one small function.

A function of `KINDS` takes the translation, the node and the node's arguments, in which each node is replaced by its
view, and returns the node's own view. The modules `rules_...` contain these functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import fx

from agent.engine.operations import COPY, Operation, Pointwise
from agent.engine.views import Buffer, View, row_major

aten = torch.ops.aten

Kind = Callable[..., Any]

KINDS: dict[Any, Kind] = {}
"""Functions by ATen operation."""


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
        return self.pointwise(out.buffer.name, COPY, [view], out)


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
