"""Speed of the whole pipeline, relative to its matrix products and to peers.

Everything that is timed for a task takes turns, so that ratios are valid even if the machine's speed varies. Values are
medians over the repeats; a ratio is computed within each repeat. The limit is the speed of the matrix products of an
update alone (`product_limit`). A peer that can train several runs together is compared by the fastest of its stacks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from agent import AGENTS
from utils.benchmarking.peers import PEERS
from utils.benchmarking.peers.catalogue import PeerRuns, make_peer_calls
from utils.benchmarking.peers.environments import NotAvailable
from utils.benchmarking.product_limit import make_limit_calls
from utils.benchmarking.table import Table
from utils.benchmarking.timing import BenchmarkTask, TimedCall, make_loop, measure_in_turn

TASKS = (
    BenchmarkTask("SAC", "Pendulum-v1", 64, 32),
    BenchmarkTask("GreedyAC", "Pendulum-v1", 64, 32),
    BenchmarkTask("VAC", "Pendulum-v1", 64, 32),
    BenchmarkTask("SAC", "HalfCheetah-v5", 256, 256),
)
"""Tasks in the table if the options give none."""

HEADER = (
    "agent", "environment", "shape", "engine", "stack", "run-steps/s", "limit", "by", "ratio",
    *(f"x {name}" for name in PEERS),
)  # fmt: skip
"""Column names.

limit: speed of the matrix products alone.  by: the faster implementation of them.  ratio: speed / limit.
A peer's column: speed / that of the peer.
"""

WIDTHS = (20, 18, 12, 9, 6, 12, 8, 5, 6, 7, 7, 8, 10)
"""Characters per column."""


def make_speed_table(
    tasks: Sequence[BenchmarkTask], engines: Sequence[str], stacks: Sequence[int], peers: Sequence[str],
    repeats: int, seconds: float,
) -> Table:  # fmt: skip
    """Return the table of speeds, with rows for each task.

    stacks: numbers of runs.  peers: names.  seconds: length of each measurement.
    """
    rows = (measure_task(task, engines, stacks, peers, repeats, seconds) for task in tasks)
    return Table(HEADER, WIDTHS, itertools.chain.from_iterable(rows))


def measure_task(
    task: BenchmarkTask, engines: Sequence[str], stacks: Sequence[int], peers: Sequence[str], repeats: int,
    seconds: float,
) -> Iterator[tuple]:  # fmt: skip
    """Yield a row for each engine and stack, then those of the peers; columns as in HEADER."""
    if "hidden_dim" not in AGENTS[task.agent].hyperparameters.model_fields:
        engines = ("eager",)
    with ExitStack() as opened:
        calls: dict[Any, TimedCall] = {}
        unavailable: dict[str, str] = {}
        for name in peers if task.agent == "SAC" else ():
            try:
                calls |= make_peer_calls(name, task, stacks, opened)
            except NotAvailable as error:
                unavailable[name] = str(error)
        loops = {(engine, runs): make_loop(task, runs, engine) for engine, runs in itertools.product(engines, stacks)}
        calls |= {row: TimedCall(loop.train_step, loop.runs) for row, loop in loops.items()}
        for runs in stacks:
            limits = make_limit_calls(loops.get(("eager", runs)) or make_loop(task, runs))
            calls |= {(name, runs): call for name, call in limits.items()}
        measured = measure_in_turn([*calls.values()], repeats, seconds)
    speeds = dict(zip(calls, measured.T, strict=True))
    yield from our_rows(task, loops, speeds)
    yield from peer_rows(task, speeds)
    for name, reason in unavailable.items():
        yield (name, "", f"not available: {reason}")


def our_rows(task: BenchmarkTask, rows: Iterable[tuple[str, int]], speeds: Mapping[Any, np.ndarray]) -> Iterator[tuple]:
    """Yield our rows.  rows: engine and stack of each.  speeds: of each call in each repeat."""
    unknown = np.full(len(next(iter(speeds.values()))), math.nan)
    peers = [fastest_runs(name, task, speeds) for name in PEERS]
    for engine, runs in rows:
        limits = {name: speeds[name, runs] for name in ("BLAS", "own") if (name, runs) in speeds}
        limit = np.max([*limits.values()], axis=0) if limits else unknown
        faster = max(limits, key=lambda name: float(np.median(limits[name])), default="-")
        speed = speeds[engine, runs]
        ratios = [speed / (unknown if other is None else other) for other in (limit, *peers)]
        ratio, *multiples = (float(np.median(values)) for values in ratios)
        medians = (float(np.median(speed)), float(np.median(limit)))
        yield (task.agent, task.env_name, shape_of(task), engine, runs, *medians, faster, ratio, *multiples)


def fastest_runs(peer: str, task: BenchmarkTask, speeds: Mapping[Any, np.ndarray]) -> np.ndarray | None:
    """Return a peer's speed in each repeat, that of the fastest of its stacks; None if it was not timed."""
    found = [
        speed
        for row, speed in speeds.items()
        if isinstance(row, PeerRuns) and (row.peer, row.replay) == (peer, task.replay_capacity)
    ]
    return np.max(found, axis=0) if found else None


def peer_rows(task: BenchmarkTask, speeds: Mapping[Any, np.ndarray]) -> Iterator[tuple]:
    """Yield a row for each number of runs of each peer, with the simulator in the place of the environment."""
    for row, speed in speeds.items():
        if isinstance(row, PeerRuns):
            replay = "" if row.replay == task.replay_capacity else f", replay {row.replay}"
            yield (f"{row.peer}{replay}", row.simulator, shape_of(task), "", row.runs, float(np.median(speed)))


def shape_of(task: BenchmarkTask) -> str:
    """Return the sizes of a task as text."""
    return f"{task.hidden}x2, b{task.batch}"
