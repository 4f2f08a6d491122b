"""Reading ahead: on network file systems, waiting for files takes longer than working on what is in them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

THREADS = 8
CHUNK = 16
"""Items that a thread takes at a time; each has two such in hand, at most."""

Item = TypeVar("Item")
Value = TypeVar("Value")


def map_ahead(function: Callable[[Item], Value], items: Sequence[Item]) -> Iterator[Value]:
    """The function of each item, in their order, worked out a little before it is asked for.

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
