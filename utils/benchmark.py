"""Script that times training on one core: `taskset -c 0 python utils/benchmark.py`, with nothing else running.

`utils/benchmarking` has the parts: speed (also that of peers and of the matrix products alone), growth, start-up and
memory. A peer that needs an environment of its own gets one the first time, which downloads packages.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click

from agent import AGENTS
from utils.benchmarking.peers import PEERS
from utils.core.cli_types import ENGINES
from utils.core.machine import available_cores
from utils.core.process_setup import limit_threads

PARTS = ("speed", "growth", "start-up", "memory")
"""Parts of the benchmark, in the order in which they are printed."""


@click.command(
    help="Time the whole pipeline (environment, acting, replay, update) on one core. By default, print a "
    "table of speeds, then how the cost of a step grows, how long scripts take to start, and how much memory training "
    "takes."
)
@click.option(
    "--part",
    "parts",
    type=click.Choice(PARTS),
    multiple=True,
    help="Print only this part.  [default: all parts; with --agent, speed]",
)
@click.option(
    "--agent",
    "agents",
    type=click.Choice([*AGENTS]),
    multiple=True,
    help="Time this agent instead of the default tasks.",
)
@click.option("--env", "env_name", default="Pendulum-v1", show_default=True, help="Environment; used with --agent.")
@click.option("--hidden", default=64, show_default=True, help="Units per hidden layer; used with --agent.")
@click.option("--batch", default=32, show_default=True, help="Transitions per update; used with --agent.")
@click.option(
    "--buffer",
    "replay_capacity",
    default=100_000,
    show_default=True,
    help="Capacity of the replay buffer; used with --agent.",
)
@click.option(
    "--stack", "stacks", type=click.IntRange(min=1), multiple=True, default=(1, 8, 32), show_default=True,
    help="Number of runs in a stack.",
)  # fmt: skip
@click.option(
    "--engine", "engines", type=click.Choice(ENGINES), multiple=True, default=ENGINES, show_default=True,
    help="Engine to time.",
)  # fmt: skip
@click.option(
    "--peer", "peers", type=click.Choice((*PEERS, "none")), multiple=True, default=PEERS, show_default=True,
    help="Library to compare with.",
)  # fmt: skip
@click.option("--repeats", default=7, show_default=True, help="Number of measurements; the median is printed.")
@click.option("--seconds", default=1.0, show_default=True, help="Length of each measurement.")
def benchmark(
    parts: tuple[str, ...], agents: tuple[str, ...], env_name: str, hidden: int, batch: int, replay_capacity: int,
    stacks: tuple[int, ...], engines: tuple[str, ...], peers: tuple[str, ...], repeats: int, seconds: float,
) -> None:  # fmt: skip
    """Run the command line."""
    limit_threads()
    from utils.benchmarking.cost_growth import make_growth_table
    from utils.benchmarking.memory import make_memory_table
    from utils.benchmarking.pipeline_speed import TASKS, make_speed_table
    from utils.benchmarking.startup import make_startup_table
    from utils.benchmarking.table import format_lines
    from utils.benchmarking.timing import BenchmarkTask, describe_processor

    tasks = [BenchmarkTask(agent, env_name, hidden, batch, replay_capacity) for agent in agents] or TASKS
    names = [name for name in peers if name != "none"]
    if available_cores() > 1:
        click.echo(f"{available_cores()} cores are available, which peers may use; see taskset(1)", err=True)
    click.echo(f"{describe_processor()}; medians of {repeats} measurements")
    tables = {
        "speed": make_speed_table(tasks, engines, stacks, names, repeats, seconds),
        "growth": make_growth_table(engines, repeats, seconds),
        "start-up": make_startup_table(engines, names, repeats),
        "memory": make_memory_table(engines),
    }
    for part in parts or (("speed",) if agents else PARTS):
        for line in format_lines(tables[part]):
            click.echo(line)


if __name__ == "__main__":
    benchmark()
