"""The order of operations: which are part of one loop, which write directly to where their result is needed.

Element-wise operations of one shape become one loop, in which intermediate results are local variables. The order of
additions within a sum is never changed, so none of this changes a bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from agent.engine.operations import COPY, GATE, RELU, Operation, Pointwise, Product, Reduction, Routine
from agent.engine.views import Buffer, View

SLOW = ("exp", "log", "tanh", "erf", "gamma", "cos", "sin")
"""Parts of the names of functions that are computed for several elements at once, not while adding in order."""


@dataclass(eq=False)
class ElementLoop:
    """Element-wise operations of one shape, in order."""

    operations: list[Pointwise]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all results."""
        return self.operations[0].out.shape

    @property
    def reads(self) -> list[View]:
        """Views that are read."""
        return [view for op in self.operations for view in op.reads]

    @property
    def writes(self) -> list[View]:
        """Views that are written."""
        return [op.out for op in self.operations]


CodeStep = ElementLoop | Reduction | Product | Routine
"""A part of the code."""


def writes(step: Operation | ElementLoop) -> list[View]:
    """Return the views that a step writes."""
    return step.writes if isinstance(step, ElementLoop) else [step.out]


def schedule(operations: Sequence[Operation]) -> list[CodeStep]:
    """Return the steps that compute the operations."""
    operations = merge_into_products(list(operations))
    operations = write_to_parts(operations)
    operations = [without_ones(op) for op in operations]
    operations = compute_terms_in_sums(operations)
    return merge_loops(operations)


def users(operations: Iterable[Operation]) -> dict[Buffer, list[Operation]]:
    """Return the operations that read or write each buffer, in order."""
    found: dict[Buffer, list[Operation]] = {}
    for op in operations:
        for buffer in dict.fromkeys(view.buffer for view in [*op.reads, op.out]):
            found.setdefault(buffer, []).append(op)
    return found


def merge_into_products(operations: list[Operation]) -> list[Operation]:
    """Compute relu, or its gradient, while a product's result is still in registers."""
    use = users(operations)
    merged: list[Operation] = []
    for op in operations:
        first = op.reads[0] if isinstance(op, Pointwise) and op.reads else None
        maker = next((one for one in reversed(merged) if first and one.out.buffer is first.buffer), None)
        if isinstance(op, Pointwise) and isinstance(maker, Product) and op.reads[0].place == maker.out.place:
            together = use[maker.out.buffer][:2] == [maker, op]  # Nothing uses the product before.
            if op.formula == RELU and op.out.place == maker.out.place and together:
                maker.relu = True
                continue
            if op.formula == GATE and use[maker.out.buffer] == [maker, op]:
                merged.remove(maker)
                merged.append(replace(maker, gate=op.reads[1], out=op.out))
                continue
        merged.append(op)
    return merged


def write_to_parts(operations: list[Operation]) -> list[Operation]:
    """Write a result that is only copied, into a part of a concatenation, directly to that part."""
    use = users(operations)
    gone: set[Operation] = set()
    for op in operations:
        if not (isinstance(op, Pointwise) and op.formula == COPY and len(op.reads) == 1):
            continue
        source = op.reads[0]
        pair = use[source.buffer]
        if (
            source.buffer.kind != "work"
            or len(pair) != 2
            or source.numel != source.buffer.size
            or not source.contiguous
        ):
            continue
        maker = pair[0]
        if maker is op or maker.out.buffer is not source.buffer or maker.out.dtype != op.out.dtype:
            continue
        if isinstance(maker, Routine) or source.buffer in {view.buffer for view in maker.reads}:
            continue
        if any(one.out.buffer is op.out.buffer and one.out.numel == op.out.buffer.size for one in use[op.out.buffer]):
            continue  # Something else sets the whole tensor first.
        shape = _result_shape(maker)
        part = op.out.reshape(shape)
        if part is None or (isinstance(maker, Product) and part.strides[-1].fixed != 1 and part.shape[-1] != 1):
            continue
        maker.out = part.expand(maker.out.shape)
        gone.add(op)
    return [op for op in operations if op not in gone]


def _result_shape(op: Operation) -> list[int]:
    """Return the shape of an operation's result; a reduction's view of it repeats elements."""
    gone = op.dims if isinstance(op, Reduction) else ()
    return [1 if d in gone else size for d, size in enumerate(op.out.shape)]


def without_ones(op: Operation) -> Operation:
    """Return an element-wise operation or a reduction without dimensions of size 1."""
    if not isinstance(op, Pointwise | Reduction):
        return op
    ones = [d for d, size in enumerate(op.out.shape) if size == 1]
    out = op.out.squeeze(ones)
    if isinstance(op, Pointwise):
        return replace(op, reads=[view.squeeze(ones) for view in op.reads], out=out)
    kept = [d for d in range(len(op.out.shape)) if d not in ones]
    return replace(op, read=op.read.squeeze(ones), out=out, dims=tuple(kept.index(d) for d in op.dims if d in kept))


def compute_terms_in_sums(operations: list[Operation]) -> list[Operation]:
    """Compute terms of a sum within its loop where nothing else needs them."""
    use = users(operations)
    position = {op: i for i, op in enumerate(operations)}
    gone: set[Operation] = set()
    for op in operations:
        if not isinstance(op, Reduction):
            continue
        waiting = [op.read]
        while waiting:
            view = waiting.pop()
            maker = use[view.buffer][0]
            if (
                isinstance(maker, Pointwise)
                and maker not in gone
                and not any(name in maker.formula for name in SLOW)
                and use[view.buffer] == [maker, op]
                and view.buffer.kind == "work"
                and maker.out.place == view.place
                and maker.out.shape == view.shape
                and not _changed(operations[position[maker] + 1 : position[op]], maker.reads)
            ):
                op.terms.append(maker)
                gone.add(maker)
                for read in maker.reads:
                    inner = [op if user is maker else user for user in use[read.buffer]]
                    use[read.buffer] = list(dict.fromkeys(inner))
                waiting += maker.reads
        op.terms.sort(key=position.__getitem__)
    return [op for op in operations if op not in gone]


def _changed(between: Iterable[Operation], reads: Iterable[View]) -> bool:
    """Return whether an operation in between writes to what is read."""
    buffers = {view.buffer for view in reads}
    return any(op.out.buffer in buffers for op in between)


def merge_loops(operations: Iterable[Operation]) -> list[CodeStep]:
    """Put each element-wise operation into the first loop of its shape that may contain it."""
    steps: list[CodeStep] = []
    for op in operations:
        if not isinstance(op, Pointwise):
            steps.append(op)
            continue
        last = max((i for i, step in enumerate(steps) if _conflict(step, op)), default=-1)
        first = last if last >= 0 and _same_elements(steps[last], op) else last + 1
        for step in steps[first:]:
            if isinstance(step, ElementLoop) and step.shape == op.out.shape:
                step.operations.append(op)
                break
        else:
            steps.append(ElementLoop([op]))
    return steps


def _conflict(step: CodeStep, op: Operation) -> bool:
    """Return whether an operation must not come before a step."""
    written = {view.buffer for view in writes(step)}
    read = {view.buffer for view in step.reads}
    return op.out.buffer in written | read or any(view.buffer in written for view in op.reads)


def _same_elements(step: CodeStep, op: Pointwise) -> bool:
    """Return whether an operation can be part of a loop: its numbers depend only on the loop's at the same place."""
    if not isinstance(step, ElementLoop) or step.shape != op.out.shape:
        return False
    changed = [(view, [op.out, *op.reads]) for view in step.writes] + [(view, [op.out]) for view in step.reads]
    return all(own.place == view.place for view, views in changed for own in views if own.buffer is view.buffer)
