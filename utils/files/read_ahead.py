"""Reading ahead: on network file systems, waiting for files takes longer than processing them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

THREADS = 8
"""Number of reading threads."""

CHUNK = 16
"""Number of items per unit of work; at most two units per thread are pending."""

Item = TypeVar("Item")
Value = TypeVar("Value")


def map_ahead(function: Callable[[Item], Value], items: Sequence[Item]) -> Iterator[Value]:
    """Yield the function's value for each item, in order, computed slightly ahead by several threads.

    Raises what the function raises.
    """

    def values(start: int) -> list[Value]:
        return [function(item) for item in items[start : start + CHUNK]]

    pending: deque[Future[list[Value]]] = deque()
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(items), CHUNK):
            pending.append(pool.submit(values, start))
            if len(pending) == 2 * THREADS:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
