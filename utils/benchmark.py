"""Speed of the whole pipeline on one core, beside the limit its matrix products set and beside other libraries.

Run with nothing else going on, pinned to a core:  taskset -c 0 python utils/benchmark.py
All that a task is timed with takes its turns in this one process, again and again, so that ratios hold where
the machine's speed does not. Medians; a ratio is taken within a round. The limit is the bare products of one
update, called back to back; peers (utils/peers.py) train one run. Further parts: utils/growth.py, utils/footprint.py.
"""

from __future__ import annotations

import itertools
import math
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[1])
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import click
import numpy as np

from agent import AGENTS
from utils import footprint, growth
from utils.peers import PEERS, installed, make_peer
from utils.timing import Candidate, Task, in_turn, limit, make_loop

TASKS = (
    Task("SAC", "Pendulum-v1", 64, 32),
    Task("GreedyAC", "Pendulum-v1", 64, 32),
    Task("VAC", "Pendulum-v1", 64, 32),
    Task("SAC", "HalfCheetah-v5", 256, 256),
)
"""What the table shows unless options say otherwise."""

HEADER = ("agent", "environment", "shape", "engine", "stack", "run-steps/s", "limit", "ratio", *PEERS)
WIDTHS = (16, 18, 12, 9, 6, 12, 8, 6, 9, 9)


def rows(task: Task, engines: Sequence[str], stacks: Sequence[int], repeats: int, seconds: float) -> Iterator[tuple]:
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


PARTS = ("speed", "growth", "start-up", "memory")


@click.command(
    help="Time pipelines (environment, acting, replay, update) on one core: by default, the whole table. Then how the "
    "cost of a step grows, how long scripts take to start, and what memory training takes."
)
@click.option(
    "--part",
    "parts",
    type=click.Choice(PARTS),
    multiple=True,
    help="Only this; by default all, but with --agent speed.",
)
@click.option("--agent", "agents", type=click.Choice([*AGENTS]), multiple=True, help="Instead of the table's tasks.")
@click.option("--env", "env_name", default="Pendulum-v1", show_default=True, help="With --agent.")
@click.option("--hidden", default=64, show_default=True, help="Units a hidden layer, if any; with --agent.")
@click.option("--batch", default=32, show_default=True, help="Transitions an update, if any; with --agent.")
@click.option("--buffer", "replay_capacity", default=100_000, show_default=True, help="Transitions kept; with --agent.")
@click.option("--stack", "stacks", type=click.IntRange(min=1), multiple=True, default=(1, 8, 32), show_default=True)
@click.option(
    "--engine", "engines", type=click.Choice(["eager", "compiled"]), multiple=True, default=("eager", "compiled"),
    show_default=True,
)  # fmt: skip
@click.option("--repeats", default=7, show_default=True)
@click.option("--seconds", default=1.0, show_default=True, help="Length of each timed stretch.")
def benchmark(
    parts: tuple[str, ...], agents: tuple[str, ...], env_name: str, hidden: int, batch: int, replay_capacity: int,
    stacks: tuple[int, ...], engines: tuple[str, ...], repeats: int, seconds: float,
) -> None:  # fmt: skip
    """Print the tables."""
    tasks = [Task(agent, env_name, hidden, batch, replay_capacity) for agent in agents] or TASKS
    missing = [name for name in PEERS if name not in installed()]
    click.echo(f"medians of {repeats}; peers not installed: {', '.join(missing) or 'none'}")
    speeds = itertools.chain.from_iterable(rows(task, engines, stacks, repeats, seconds) for task in tasks)
    tables: dict[str, tuple[Sequence[str], Sequence[int], Iterator[tuple]]] = {
        "speed": (HEADER, WIDTHS, speeds),
        "growth": ((*growth.HEADER, *engines), growth.WIDTHS, growth.rows(engines, repeats, seconds)),
        "start-up": (("start-up", "seconds"), footprint.WIDTHS, footprint.start_up(engines, repeats)),
        "memory": (("memory", "MB"), footprint.WIDTHS, footprint.memory(engines)),
    }
    for part in parts or (("speed",) if agents else tables):
        header, widths, lines = tables[part]
        for line in itertools.chain([header], lines):
            click.echo("".join(cell(value).rjust(width) for value, width in zip(line, widths, strict=False)))


if __name__ == "__main__":
    benchmark()
