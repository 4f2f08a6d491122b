"""Speed of the whole pipeline on one core, beside the limit its matrix products set and beside other libraries.

Run with nothing else going on, pinned to a core:  taskset -c 0 python utils/benchmark.py
All that a task is timed with takes its turns in this one process, again and again, so that ratios hold where
the machine's speed does not. Medians; a ratio is taken within a round. The limit is the bare products of one
update, called back to back; peers (utils/peers.py) train one run. Further parts: utils/growth.py, utils/footprint.py.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click

from agent import AGENTS
from utils.core.process_setup import limit_threads

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
    limit_threads()
    from utils.benchmarking import cost_growth as growth
    from utils.benchmarking import startup_and_memory as footprint
    from utils.benchmarking.other_libraries import PEERS, installed
    from utils.benchmarking.table import HEADER, TASKS, WIDTHS, cell, rows
    from utils.benchmarking.timing import BenchmarkTask

    tasks = [BenchmarkTask(agent, env_name, hidden, batch, replay_capacity) for agent in agents] or TASKS
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
