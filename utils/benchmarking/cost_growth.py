"""Growth of the cost of a run-step with stack, batch, width and replay.

One quantity is varied at a time; the others are those of BASE_STACK runs of BASE. A replay whose capacity is varied is
filled first, so that its rows lie far apart in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from utils.benchmarking.table import Table
from utils.benchmarking.timing import BenchmarkTask, TimedCall, fill_replay, make_loop, measure_in_turn
from utils.training.loop import Loop

BASE = BenchmarkTask("SAC", "Pendulum-v1", 64, 32)
"""Task of which one quantity is varied."""

BASE_STACK = 8
"""Number of runs in a stack, unless it is varied."""

VARIED_VALUES: dict[str, tuple[int, ...]] = {
    "stack": (1, 2, 4, 8, 16, 32, 64),
    "batch": (16, 32, 64, 128, 256),
    "hidden": (32, 64, 128, 256),
    "replay_capacity": (1_000, 10_000, 100_000, 1_000_000),
}
"""Values of each varied quantity: "stack" or a field of BenchmarkTask."""

HEADER = ("us per run-step, varied:", "value")
"""Column names, before those of the engines."""

WIDTHS = (24, 12, 12, 12)
"""Characters per column."""


def make_growth_table(engines: Sequence[str], repeats: int, seconds: float) -> Table:
    """Return the table of costs, with a column for each engine.  seconds: length of each measurement."""
    return Table((*HEADER, *engines), WIDTHS, measure_growth(engines, repeats, seconds))


def measure_growth(engines: Sequence[str], repeats: int, seconds: float) -> Iterator[tuple]:
    """Yield the varied quantity, its value, and for each engine the median of the microseconds per run-step."""
    for varied, values in VARIED_VALUES.items():
        loops = [make_varied_loop(varied, value, engine) for value in values for engine in engines]
        calls = [TimedCall(loop.train_step, loop.runs) for loop in loops]
        costs = np.median(1e6 / measure_in_turn(calls, repeats, seconds), 0).reshape(len(values), len(engines))
        for value, row in zip(values, costs.tolist(), strict=True):
            yield (varied, value, *row)


def make_varied_loop(varied: str, value: int, engine: str) -> Loop:
    """Return a loop that differs from BASE in one quantity.  varied: a key of VARIED_VALUES."""
    if varied == "stack":
        return make_loop(BASE, value, engine)
    change: dict[str, Any] = {varied: value}
    loop = make_loop(BASE._replace(**change), BASE_STACK, engine)
    if varied == "replay_capacity":
        fill_replay(loop)
    return loop
