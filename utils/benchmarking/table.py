"""The benchmark's table of speeds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from agent import AGENTS
from utils.benchmarking.other_libraries import PEERS, installed, make_peer
from utils.benchmarking.timing import BenchmarkTask, Candidate, in_turn, limit, make_loop

TASKS = (
    BenchmarkTask("SAC", "Pendulum-v1", 64, 32),
    BenchmarkTask("GreedyAC", "Pendulum-v1", 64, 32),
    BenchmarkTask("VAC", "Pendulum-v1", 64, 32),
    BenchmarkTask("SAC", "HalfCheetah-v5", 256, 256),
)
"""What the table shows unless options say otherwise."""


HEADER = ("agent", "environment", "shape", "engine", "stack", "run-steps/s", "limit", "ratio", *PEERS)


WIDTHS = (16, 18, 12, 9, 6, 12, 8, 6, 9, 9)


def rows(
    task: BenchmarkTask, engines: Sequence[str], stacks: Sequence[int], repeats: int, seconds: float
) -> Iterator[tuple]:
    """One row of the table for each engine and stack, as in HEADER; peers' are multiples of their speed."""
    if "hidden_dim" not in AGENTS[task.agent].hyperparameters.model_fields:
        engines = ("eager",)
    peers = {name: make_peer(name, task) for name in installed()} if task.agent == "SAC" else {}
    ours = {(engine, runs): make_loop(task, runs, engine) for engine, runs in itertools.product(engines, stacks)}
    limits = {runs: limit(ours.get(("eager", runs)) or make_loop(task, runs)) for runs in stacks}
    candidates: dict[Any, Candidate] = {
        **peers,
        **{cell: Candidate(loop.train_step, loop.runs) for cell, loop in ours.items()},
        **{runs: candidate for runs, candidate in limits.items() if candidate},
    }
    speed = dict(zip(candidates, in_turn([*candidates.values()], repeats, seconds).T, strict=True))
    nothing, shape = np.full(repeats, math.nan), f"{task.hidden}x2, b{task.batch}"
    for engine, runs in ours:
        steps, bound = speed[engine, runs], speed.get(runs, nothing)
        times = [float(np.median(steps / speed.get(name, nothing))) for name in PEERS]
        yield (
            task.agent, task.env_name, shape, engine, runs, float(np.median(steps)), float(np.median(bound)),
            float(np.median(steps / bound)), *times,
        )  # fmt: skip
    for name in peers:
        yield (name, task.env_name, shape, "", 1, float(np.median(speed[name])))


def cell(value: object) -> str:
    """A value of the table as text."""
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    return str(value)
