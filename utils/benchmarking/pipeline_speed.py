"""Speed of the whole pipeline, relative to its matrix products and to other libraries.

Everything that is timed for a task takes turns in one process, so that ratios are valid even if the machine's speed
varies. Values are medians over the repeats; a ratio is computed within each repeat. The limit is the speed of the
matrix products of an update alone (`timing.make_products_call`). Other libraries train one run.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from agent import AGENTS
from utils.benchmarking.other_libraries import LIBRARIES, installed_libraries, make_library_call
from utils.benchmarking.table import Table
from utils.benchmarking.timing import BenchmarkTask, TimedCall, make_loop, make_products_call, measure_in_turn

TASKS = (
    BenchmarkTask("SAC", "Pendulum-v1", 64, 32),
    BenchmarkTask("GreedyAC", "Pendulum-v1", 64, 32),
    BenchmarkTask("VAC", "Pendulum-v1", 64, 32),
    BenchmarkTask("SAC", "HalfCheetah-v5", 256, 256),
)
"""Tasks in the table if the options give none."""

HEADER = ("agent", "environment", "shape", "engine", "stack", "run-steps/s", "limit", "ratio", *LIBRARIES)
"""Column names.

ratio: speed / limit.  A library's column: speed / that library's speed.
"""

WIDTHS = (16, 18, 12, 9, 6, 12, 8, 6, 9, 9)
"""Characters per column."""


def make_speed_table(
    tasks: Sequence[BenchmarkTask], engines: Sequence[str], stacks: Sequence[int], repeats: int, seconds: float
) -> Table:
    """Return the table of speeds, with rows for each task.

    stacks: numbers of runs.  seconds: length of each measurement.
    """
    rows = itertools.chain.from_iterable(measure_task(task, engines, stacks, repeats, seconds) for task in tasks)
    return Table(HEADER, WIDTHS, rows)


def measure_task(
    task: BenchmarkTask, engines: Sequence[str], stacks: Sequence[int], repeats: int, seconds: float
) -> Iterator[tuple]:
    """Yield a row for each engine and stack, then one for each other library; columns as in HEADER."""
    if "hidden_dim" not in AGENTS[task.agent].hyperparameters.model_fields:
        engines = ("eager",)
    libraries = {name: make_library_call(name, task) for name in installed_libraries()} if task.agent == "SAC" else {}
    loops = {(engine, runs): make_loop(task, runs, engine) for engine, runs in itertools.product(engines, stacks)}
    products = {runs: make_products_call(loops.get(("eager", runs)) or make_loop(task, runs)) for runs in stacks}
    calls: dict[Any, TimedCall] = {
        **libraries,
        **{row: TimedCall(loop.train_step, loop.runs) for row, loop in loops.items()},
        **{runs: call for runs, call in products.items() if call},
    }
    speeds = dict(zip(calls, measure_in_turn([*calls.values()], repeats, seconds).T, strict=True))
    unknown, shape = np.full(repeats, math.nan), f"{task.hidden}x2, b{task.batch}"
    for engine, runs in loops:
        speed, limit = speeds[engine, runs], speeds.get(runs, unknown)
        ratios = [speed / other for other in (limit, *(speeds.get(name, unknown) for name in LIBRARIES))]
        medians = [float(np.median(values)) for values in (speed, limit, *ratios)]
        yield (task.agent, task.env_name, shape, engine, runs, *medians)
    for name in libraries:
        yield (name, task.env_name, shape, "", 1, float(np.median(speeds[name])))
