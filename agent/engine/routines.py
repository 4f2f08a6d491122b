"""Operations that are neither element-wise nor sums or products: choosing, ordering and placing elements."""

from __future__ import annotations

from agent.engine.loops import element, index_names, nest, replaced
from agent.engine.operations import Routine
from agent.engine.views import View


def gather(name: str, x: View, d: int, index: View, out: View) -> Routine:
    """Set out[..., i, ...] = x[..., index[..., i, ...], ...] along dimension d."""

    def emit(routine: Routine) -> list[str]:
        x, index = routine.reads
        at = index_names(out)
        chosen = replaced(at, d, f"({element(index, at)})")
        return nest(out.shape, at, [f"{element(out, at)} = {element(x, chosen)};"])

    return Routine(name, [x, index], out, emit)


def cumsum(name: str, x: View, d: int, out: View) -> Routine:
    """Set out to the sums of the first 1, 2, ... elements along dimension d."""

    def emit(routine: Routine) -> list[str]:
        (x,) = routine.reads
        at = index_names(out)
        outer = [1 if i == d else size for i, size in enumerate(out.shape)]
        body = [f"{out.buffer.c_type} sum = 0;"]
        body += nest([out.shape[d]], [f"i{d}"], [f"sum += {element(x, at)};", f"{element(out, at)} = sum;"])
        return nest(outer, at, body)

    return Routine(name, [x], out, emit)


def argmax(name: str, x: View, d: int, out: View) -> Routine:
    """Set out to the index of the first of the largest elements along dimension d; NaN counts as the largest."""

    def emit(routine: Routine) -> list[str]:
        (x,) = routine.reads
        at = index_names(x)
        outer = [1 if i == d else size for i, size in enumerate(x.shape)]
        other = element(x, replaced(at, d, "best"))
        body = ["int64_t best = 0;"]
        body += nest([x.shape[d]], [f"i{d}"], [f"if (larger({element(x, at)}, {other})) best = i{d};"])
        body.append(f"{element(out, replaced(at, d, '0'))} = best;")
        return nest(outer, at, body)

    return Routine(name, [x], out, emit)


def largest(name: str, x: View, out: View) -> Routine:
    """Set out (..., M) to the indices of the M largest of the last dimension, from the largest down."""

    def emit(routine: Routine) -> list[str]:
        (x,) = routine.reads
        at = index_names(x)
        rows, draws, kept = at[:-1], x.shape[-1], out.shape[-1]
        first, best = f"&{element(x, [*rows, '0'])}", f"&{element(out, [*rows, '0'])}"
        call = f"largest<{draws}, {kept}>({first}, {x.strides[-1]}, {best});"
        return nest(x.shape[:-1], rows, [call])

    return Routine(name, [x], out, emit)


def scatter(name: str, x: View, d: int, index: View, source: View | float, adds: bool) -> Routine:
    """Set, or add to, x[..., index[..., i, ...], ...] the source's element i along dimension d."""

    def emit(routine: Routine) -> list[str]:
        index, *rest = routine.reads
        at = index_names(index)
        value = element(rest[0], at) if rest else repr(float(source)) + "f"  # type: ignore[arg-type]
        place = element(x, replaced(at, d, f"({element(index, at)})"))
        return nest(index.shape, at, [f"{place} {'+=' if adds else '='} {value};"])

    reads = [index, source] if isinstance(source, View) else [index]
    return Routine(name, reads, x, emit)
