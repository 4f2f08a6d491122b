"""C++ text of loops over the elements of views."""

from __future__ import annotations

from collections.abc import Sequence

from agent.engine.views import Distance, View


def element(view: View, indices: Sequence[str]) -> str:
    """Return a C++ expression for one element.  indices: a variable, or a number, for each dimension."""
    return f"{view.buffer.name}[{position(view, indices)}]"


def position(view: View, indices: Sequence[str]) -> str:
    """Return a C++ expression for an element's distance from the buffer's start."""
    terms = [str(view.offset)] if view.offset != Distance(0) else []
    for size, stride, index in zip(view.shape, view.strides, indices, strict=True):
        if size == 1 or stride == Distance(0) or index == "0":
            continue
        terms.append(
            index if stride == Distance(1) else f"{index} * ({stride})" if stride.per_run else f"{index} * {stride}"
        )
    return " + ".join(terms) or "0"


def nest(sizes: Sequence[int], indices: Sequence[str], body: Sequence[str], independent: bool = False) -> list[str]:
    """Return loops around statements, one for each dimension that is longer than 1.

    independent: no iteration of the innermost loop reads what another writes.
    """
    lines, depth = [], 0
    loops = [(size, index) for size, index in zip(sizes, indices, strict=True) if size != 1]
    for number, (size, index) in enumerate(loops):
        if independent and number == len(loops) - 1:
            lines.append("    " * depth + "INDEPENDENT")
        lines.append("    " * depth + f"for (int64_t {index} = 0; {index} < {size}; {index}++) {{")
        depth += 1
    lines += ["    " * depth + line for line in body]
    lines += ["    " * d + "}" for d in reversed(range(depth))]
    return lines


def index_names(view: View) -> list[str]:
    """Return a variable for each dimension; "0" for one of size 1."""
    return ["0" if size == 1 else f"i{d}" for d, size in enumerate(view.shape)]


def replaced(indices: Sequence[str], d: int, index: str) -> list[str]:
    """Return the indices with that of one dimension replaced."""
    return [index if i == d else name for i, name in enumerate(indices)]
