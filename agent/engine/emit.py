"""C++ text of scheduled steps: one small function for each kind of step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from agent.engine.loops import element, nest, position
from agent.engine.operations import Pointwise, Product, Reduction
from agent.engine.schedule import CodeStep, ElementLoop, writes
from agent.engine.views import ZERO, Buffer, Distance, View

LANES = 16
"""Number of partial sums of a long sum: term i belongs to partial sum i modulo LANES."""


def emit(step: CodeStep, steps: Sequence[CodeStep]) -> list[str]:
    """Return the statements of one step.  steps: all of them, which show what is read later."""
    if isinstance(step, ElementLoop):
        return [f"// {', '.join(op.name for op in step.operations)}", *emit_loop(step, steps)]
    if isinstance(step, Reduction):
        names = [*(op.name for op in step.terms), step.name]
        return [f"// {', '.join(names)}", *emit_reduction(step)]
    if isinstance(step, Product):
        return [f"// {step.name}", *emit_product(step)]
    return [f"// {step.name}", *step.emit(step)]


class Body:
    """Statements inside a loop, in which each number that is read or computed is a variable."""

    def __init__(self, indices: Sequence[str]) -> None:
        """Begin without statements.  indices: variables of the loops, innermost last."""
        self.indices = indices
        self.lines: list[str] = []
        self.outside: list[str] = []
        """Statements that belong before the innermost loop: reads that do not depend on its index."""
        self._names: dict[Any, str] = {}

    def read(self, view: View) -> str:
        """Return the variable that holds an element."""
        name = self._names.get(view.place)
        if name is None:
            name = self._names[view.place] = f"x{len(self._names)}"
            line = f"const {view.buffer.c_type} {name} = {element(view, self.indices)};"
            inner_stride = view.strides[-1] if view.strides else None
            (self.outside if inner_stride == ZERO else self.lines).append(line)
        return name

    def compute(self, op: Pointwise) -> str:
        """Compute one result. Returns its variable."""
        operands = [self.read(view) for view in op.reads]
        name = self._names[op.out.place] = f"v_{op.name}"
        self.lines.append(f"const {op.out.buffer.c_type} {name} = {op.formula.format(*operands)};")
        return name


def emit_loop(loop: ElementLoop, steps: Sequence[CodeStep]) -> list[str]:
    """Return a loop over all elements of one shape."""
    views = list(dict.fromkeys([*loop.reads, *loop.writes]))
    sizes, merged = merge_dimensions(loop.shape, views)
    order = loop_order(sizes)
    sizes = [sizes[d] for d in order]
    indices = [f"i{d}" for d in range(len(sizes))]
    body = Body(indices)
    for op in loop.operations:
        reads = [merged[view].permute(order) for view in op.reads]
        out = merged[op.out].permute(order)
        name = body.compute(Pointwise(op.name, op.formula, reads, out))
        if is_needed(op, loop, steps):
            body.lines.append(f"{element(out, indices)} = {name};")
    inner = nest(sizes[-1:], indices[-1:], body.lines, independent=True)
    return nest(sizes[:-1], indices[:-1], [*body.outside, *inner]) if sizes else body.lines


def is_needed(op: Pointwise, loop: ElementLoop, steps: Iterable[CodeStep]) -> bool:
    """Return whether a result has to be stored: something outside its loop reads it."""
    buffer = op.out.buffer
    return buffer.kind != "work" or any(
        view.buffer is buffer for step in steps if step is not loop for view in step.reads
    )


def merge_dimensions(shape: Sequence[int], views: Iterable[View]) -> tuple[list[int], dict[View, View]]:
    """Merge neighbouring dimensions through which all views run without a gap.

    Returns the new sizes, and for each view the one with fewer dimensions.
    """
    views = list(views)
    groups: list[list[int]] = []
    for d, size in enumerate(shape):
        if groups and all(view.strides[d - 1] == view.strides[d].times(size) for view in views):
            groups[-1].append(d)
        else:
            groups.append([d])
    sizes = [math.prod(shape[d] for d in group) for group in groups]
    merged = {
        view: View(view.buffer, tuple(sizes), tuple(view.strides[group[-1]] for group in groups), view.offset)
        for view in views
    }
    return sizes, merged


def loop_order(sizes: Sequence[int]) -> list[int]:
    """Return the order of loops: the innermost one is the last dimension or, if that is short, the longest."""
    order = list(range(len(sizes)))
    if sizes and sizes[-1] < LANES:
        order.append(order.pop(max(order, key=lambda d: sizes[d])))
    return order


def emit_reduction(op: Reduction) -> list[str]:
    """Return a sum or a maximum."""
    kept = [d for d in range(len(op.read.shape)) if d not in op.dims]
    last = op.dims[-1]
    reads = op.reads
    along = (
        op.kind == "sum"
        and op.read.shape[last] >= LANES
        and all(view.strides[last] in (ZERO, Distance(1)) for view in reads)
    )
    if along:
        return _sum_in_lanes(op, kept)
    if kept and op.read.shape[kept[-1]] >= LANES // 2:
        return _accumulate_together(op, kept)
    return _accumulate_singly(op, kept)


STEPS = {"sum": ("0", "{0} + {1}"), "maximum": ("-INFINITY", "maximum({0}, {1})")}
"""First value of a reduction, and the expression that adds a term to it, by its kind."""


def _accumulate_singly(op: Reduction, kept: list[int]) -> list[str]:
    """Return a reduction in the order of the terms, one result after another."""
    names, sizes = _index_names(op), op.read.shape
    start, step = STEPS[op.kind]
    body = Body(names)
    line = f"total = {step.format('total', _term(body, op))};"
    lines = [
        f"{op.out.buffer.c_type} total = {start};",
        *nest([sizes[d] for d in op.dims], [names[d] for d in op.dims], [*body.outside, *body.lines, line]),
        f"{element(op.out, names)} = total;",
    ]
    return nest([sizes[d] for d in kept], [names[d] for d in kept], lines)


def _accumulate_together(op: Reduction, kept: list[int]) -> list[str]:
    """Return a reduction in the order of the terms, whose results along the last kept dimension take turns."""
    names, sizes = _index_names(op), op.read.shape
    start, step = STEPS[op.kind]
    place, (*outer, inner) = element(op.out, names), kept
    body = Body(names)
    line = f"{place} = {step.format(place, _term(body, op))};"
    turn = nest([sizes[inner]], [names[inner]], [*body.outside, *body.lines, line], independent=True)
    lines = nest([sizes[inner]], [names[inner]], [f"{place} = {start};"], independent=True)
    lines += nest([sizes[d] for d in op.dims], [names[d] for d in op.dims], turn)
    return nest([sizes[d] for d in outer], [names[d] for d in outer], lines)


def _index_names(op: Reduction) -> list[str]:
    """Return the name of the loop variable of each dimension."""
    return [f"i{d}" for d in range(len(op.read.shape))]


def _sum_in_lanes(op: Reduction, kept: list[int]) -> list[str]:
    """Return a sum as LANES partial sums of every LANES-th term, which are added pairwise at the end."""
    names = _index_names(op)
    last, sizes, c_type = op.dims[-1], op.read.shape, op.out.buffer.c_type
    whole = sizes[last] // LANES * LANES
    lines = [f"{c_type} lanes[{LANES}] = {{}};"]
    inner = [f"for (int64_t {names[last]}_0 = 0; {names[last]}_0 < {whole}; {names[last]}_0 += {LANES})"]
    inner += ["    " + line for line in _lane_loop(op, names, LANES)]
    if whole < sizes[last]:
        inner += ["{", f"    const int64_t {names[last]}_0 = {whole};"]
        inner += ["    " + line for line in _lane_loop(op, names, sizes[last] - whole)] + ["}"]
    before = [d for d in op.dims if d != last]
    lines += nest([sizes[d] for d in before], [names[d] for d in before], inner)
    lines.append(f"{element(op.out, names)} = sum_of_lanes(lanes);")
    return nest([sizes[d] for d in kept], [names[d] for d in kept], lines)


def _lane_loop(op: Reduction, names: Sequence[str], count: int) -> list[str]:
    """Return the addition of `count` neighbouring terms to as many partial sums."""
    last = op.dims[-1]
    index = [f"({name}_0 + l)" if d == last else name for d, name in enumerate(names)]
    body = Body(index)
    term = _term(body, op)
    loop = [f"for (int64_t l = 0; l < {count}; l++) {{"]
    return [*loop, *("    " + line for line in [*body.outside, *body.lines]), f"    lanes[l] += {term};", "}"]


def _term(body: Body, op: Reduction) -> str:
    """Compute a term. Returns its variable."""
    for term in op.terms:
        body.compute(term)
    return body.read(op.read)


def emit_product(op: Product) -> list[str]:
    """Return the products of N pairs of matrices."""
    count, rows, columns = op.out.shape
    inner = op.a.shape[2]

    def start(view: View | None) -> str:
        if view is None:
            return "nullptr"
        place = position(view, ["n", "0", "0"])
        return view.buffer.name if place == "0" else f"{view.buffer.name} + {place}"

    gate_row = op.gate.strides[1] if op.gate else ZERO
    skips_zeros = op.bias is None  # The gradient of a minimum over two critics is 0 in about half of each one's rows.
    call = (
        f"products::product({{{rows}, {inner}, {columns}, {{{start(op.a)}, {op.a.strides[1]}, {op.a.strides[2]}}}, "
        f"{{{start(op.b)}, {op.b.strides[1]}, {op.b.strides[2]}}}, {start(op.out)}, {op.out.strides[1]}, "
        f"{start(op.bias)}, {start(op.gate)}, {gate_row}, {str(op.relu).lower()}, {str(skips_zeros).lower()}}});"
    )
    return nest([count], ["n"], [call])


def plan_memory(steps: Sequence[CodeStep]) -> int:
    """Give every scratch buffer that is stored a place, reusing places. Returns the size of the memory in bytes."""
    kept = {view.buffer for step in steps for view in stored(step, steps) if view.buffer.kind == "work"}
    first: dict[Buffer, int] = {}
    last: dict[Buffer, int] = {}
    for i, step in enumerate(steps):
        for view in [*step.reads, *writes(step)]:
            if view.buffer in kept:
                first.setdefault(view.buffer, i)
                last[view.buffer] = i
    taken: list[tuple[int, int, Buffer]] = []
    total = 0
    for buffer in sorted(first, key=first.__getitem__):
        size = -(-buffer.size * buffer.dtype.itemsize // 64) * 64
        live = sorted((a, b) for a, b, other in taken if last[other] >= first[buffer])
        place = 0
        for begin, end in live:
            if place + size <= begin:
                break
            place = max(place, end)
        buffer.place = place
        taken.append((place, place + size, buffer))
        total = max(total, place + size)
    return total


def stored(step: CodeStep, steps: Sequence[CodeStep]) -> list[View]:
    """Return the views that a step writes to memory."""
    if isinstance(step, ElementLoop):
        return [op.out for op in step.operations if is_needed(op, step, steps)]
    return writes(step)
