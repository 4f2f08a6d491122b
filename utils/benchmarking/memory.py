"""Memory that training takes: the peak of a new process with full replays."""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent import AGENTS
from utils.benchmarking.table import Table
from utils.benchmarking.timing import BenchmarkTask, fill_replay, make_loop

SMALL = BenchmarkTask("SAC", "Pendulum-v1", 64, 32)
"""Task whose stack is measured."""

SMALL_STACK = 32
"""Number of runs in the stack whose memory is measured."""

LARGE = BenchmarkTask("SAC", "HalfCheetah-v5", 256, 256, 1_000_000)
"""Task whose replay's size is computed."""

LARGE_SIZES = (17, 6)
"""Numbers in an observation and in an action of HalfCheetah."""

MEMORY_STEPS = 100
"""Training steps before peak memory is read."""

WIDTHS = (44, 10)
"""Characters per column."""


def make_memory_table(engines: Sequence[str]) -> Table:
    """Return the table of memory, in MB."""
    return Table(("memory", "MB"), WIDTHS, measure_memory(engines))


def measure_memory(engines: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Yield the peak MB of a stack of SMALL with each engine, then the MB of a replay of LARGE."""
    for engine in engines:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peak = pool.apply(peak_of_training, (SMALL, SMALL_STACK, engine))
        yield f"stack of {SMALL_STACK} small runs, {engine}", peak
    setting = AGENTS[LARGE.agent].hyperparameters.model_validate({"replay_capacity": LARGE.replay_capacity})
    replay = setting.replay_bytes(*LARGE_SIZES, LARGE.replay_capacity)
    yield f"replay of a run, {LARGE.env_name}, {LARGE.replay_capacity:.0e}", replay / 1e6


def peak_of_training(task: BenchmarkTask, runs: int, engine: str) -> float:
    """Train a stack with full replays for MEMORY_STEPS steps and return this process's peak memory, in MB."""
    loop = make_loop(task, runs, engine)
    fill_replay(loop)
    for _ in range(MEMORY_STEPS):
        loop.train_step()
    return peak_memory()


def peak_memory() -> float:
    """Return this process's peak memory, in MB; NaN if there is no /proc.

    It is not read from `getrusage`, whose value includes the parent process.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return math.nan
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024 / 1e6
