"""What an update consists of, once its views are resolved: loops over elements, sums, products, and a few routines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from agent.engine.views import View

RELU, GATE, COPY = "relu({0})", "{1} <= 0 ? 0 : {0}", "{0}"
"""Formulas of relu in place, of its gradient, and of a copy, which the schedule treats in a way of its own."""


@dataclass(eq=False)
class Pointwise:
    """One number of `out` from the numbers of `reads` at the same place, each of out's shape.

    name: of the result in C++.  formula: a C++ expression, with {0}, {1}, ... for the operands.
    """

    name: str
    formula: str
    reads: list[View]
    out: View


@dataclass(eq=False)
class Reduction:
    """A sum or a maximum over some dimensions.

    read: the terms.  out: of read's shape, with stride 0 along the reduced dimensions.
    terms: element-wise operations that only compute the terms, so they are part of the same loop.
    """

    name: str
    kind: str
    read: View
    out: View
    dims: tuple[int, ...]
    terms: list[Pointwise] = field(default_factory=list)

    @property
    def reads(self) -> list[View]:
        """Views that the loop reads from memory."""
        own = {term.out.place for term in self.terms}
        needed = [self.read, *(view for term in self.terms for view in term.reads)]
        return [view for view in needed if view.place not in own]


@dataclass(eq=False)
class Product:
    """N products of matrices: a (N, I, J) b (N, J, K) + bias (N, 1, K), then relu, then 0 where gate <= 0.

    out: (N, I, K).  bias and gate (N, I, K) are optional.
    """

    name: str
    a: View
    b: View
    out: View
    bias: View | None = None
    gate: View | None = None
    relu: bool = False

    @property
    def reads(self) -> list[View]:
        """Views that the product reads."""
        return [view for view in (self.a, self.b, self.bias, self.gate) if view is not None]


@dataclass(eq=False)
class Routine:
    """Anything else.  emit: returns C++ statements."""

    name: str
    reads: list[View]
    out: View
    emit: Callable[[Routine], list[str]]


Operation = Pointwise | Reduction | Product | Routine
