"""How the cost of a run-step grows with stack, batch, width and replay: a part of the benchmark.

One quantity is varied at a time, from BASE_STACK runs of BASE. A replay that is varied is filled beforehand: it is
a full one whose rows lie far apart in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from utils.benchmarking.timing import BenchmarkTask, Candidate, fill, in_turn, make_loop
from utils.training.loop import Loop

BASE = BenchmarkTask("SAC", "Pendulum-v1", 64, 32)
BASE_STACK = 8

VALUES: dict[str, tuple[int, ...]] = {
    "stack": (1, 2, 4, 8, 16, 32, 64),
    "batch": (16, 32, 64, 128, 256),
    "hidden": (32, 64, 128, 256),
    "replay_capacity": (1_000, 10_000, 100_000, 1_000_000),
}

HEADER = ("us a run-step, varied:", "value")
WIDTHS = (24, 12, 12, 12)


def rows(engines: Sequence[str], repeats: int, seconds: float) -> Iterator[tuple]:
    """What is varied, its value, and microseconds a run-step by each engine; medians of so many `repeats`."""
    for varied, values in VALUES.items():
        loops = [[varied_loop(varied, value, engine) for engine in engines] for value in values]
        candidates = [Candidate(loop.train_step, loop.runs) for line in loops for loop in line]
        costs = np.median(1e6 / in_turn(candidates, repeats, seconds), 0).reshape(len(values), len(engines))
        for value, line in zip(values, costs.tolist(), strict=True):
            yield (varied, value, *line)


def varied_loop(varied: str, value: int, engine: str) -> Loop:
    """A loop that learns, as BASE but for one quantity."""
    if varied == "stack":
        return make_loop(BASE, value, engine)
    change: dict[str, Any] = {varied: value}
    loop = make_loop(BASE._replace(**change), BASE_STACK, engine)
    if varied == "replay_capacity":
        fill(loop)
    return loop
