"""Speed of the whole pipeline on one core, beside the limit its matrix products set.

Run with nothing else going on, pinned to a core:  taskset -c 0 python utils/benchmark.py
Both columns of a row are timed in this process, turn and turn about, so their ratio holds where the
machine's speed does not. Medians; the limit is the bare products of one update, called back to back.
"""

from __future__ import annotations

import itertools
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

sys.path[0] = str(Path(__file__).resolve().parents[1])
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import click
import numpy as np
import torch
from torch import Tensor

import main
from agent import AGENTS
from utils.bundle import Experiment
from utils.config import AgentConfig, EnvironmentConfig
from utils.loop import Loop

WARM_UP_STEPS = 100


def make_loop(agent_name: str, runs: int, env_name: str, hidden: int, batch: int) -> Loop:
    """An agent on an environment, already learning; `runs` seeds of one setting."""
    protocol = {
        "env_name": env_name, "total_timesteps": 10**9, "steps_per_episode": 1000,
        "eval_interval_timesteps": 10**9, "eval_episodes": 0, "gamma": 0.99,
    }  # fmt: skip
    model = AGENTS[agent_name].hyperparameters
    sizes = {"hidden_dim": [hidden], "batch_size": [batch]}
    grid = {name: values for name, values in sizes.items() if name in model.model_fields}
    agent = AgentConfig(agent_name=agent_name, parameters=grid)
    config = EnvironmentConfig.model_validate(protocol)
    experiment = Experiment(config, agent, model, ("benchmark", "benchmark"), "benchmark")
    loop = Loop(main.build_stack(experiment, [experiment.run(i) for i in range(runs)]))
    loop.stack.envs.reset()
    for _ in range(batch + WARM_UP_STEPS):
        loop.train_step()
    return loop


def products(loop: Loop) -> list[tuple[Tensor, Tensor]]:
    """The operands of every matrix product in one update, standing alone.

    They are those that an update really asks for: it is watched doing so.
    """
    shapes: list[tuple[torch.Size, torch.Size]] = []

    def watched(product: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def call(*operands: Tensor) -> Tensor:
            shapes.append((operands[-2].shape, operands[-1].shape))
            return product(*operands)

        return call

    with (
        mock.patch.object(torch, "bmm", watched(torch.bmm)),
        mock.patch.object(torch, "baddbmm", watched(torch.baddbmm)),
    ):
        loop.stack.agent.update()
    return [(torch.rand(a), torch.rand(b)) for a, b in shapes]


def per_second(call: Callable[[], object], seconds: float) -> float:
    """Calls a second, over about so many seconds."""
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        call()
        count += 1
    return count / (time.perf_counter() - start)


def measure(loop: Loop, repeats: int, seconds: float) -> tuple[float, float, float]:
    """Median run-steps/s of the pipeline, of the bare products, and the median of their ratios.

    The last two are NaN where an update has no products.
    """
    operands = products(loop)

    def multiply() -> None:
        for a, b in operands:
            torch.bmm(a, b)

    def limit() -> float:
        return per_second(multiply, seconds) if operands else math.nan

    pairs = [(per_second(loop.train_step, seconds), limit()) for _ in range(repeats)]
    steps, limits = np.array(pairs).T * loop.runs
    return float(np.median(steps)), float(np.median(limits)), float(np.median(steps / limits))


@click.command(help="Time an agent's pipeline (environment, acting, replay, update), R runs stacked, on one core.")
@click.option("--agent", "agents", type=click.Choice([*AGENTS]), multiple=True, default=("SAC",), show_default=True)
@click.option("--stack", "stacks", type=click.IntRange(min=1), multiple=True, default=(1, 8, 32), show_default=True)
@click.option("--env", "env_name", default="Pendulum-v1", show_default=True)
@click.option("--hidden", default=64, show_default=True, help="Units a hidden layer, if any.")
@click.option("--batch", default=32, show_default=True, help="Transitions an update, if it has replay.")
@click.option("--repeats", default=7, show_default=True)
@click.option("--seconds", default=1.0, show_default=True, help="Length of each timed stretch.")
def benchmark(
    agents: tuple[str, ...], stacks: tuple[int, ...], env_name: str, hidden: int, batch: int, repeats: int,
    seconds: float,
) -> None:  # fmt: skip
    """Print one row for each agent and stack."""
    click.echo(f"{hidden}x{hidden}, batch {batch}, {env_name}, eager, medians of {repeats}")
    click.echo(f"{'agent':>16} {'stack':>6} {'run-steps/s':>12} {'products/s':>12} {'ratio':>6}")
    for agent, runs in itertools.product(agents, stacks):
        steps, limit, ratio = measure(make_loop(agent, runs, env_name, hidden, batch), repeats, seconds)
        click.echo(f"{agent:>16} {runs:>6} {steps:>12,.0f} {limit:>12,.0f} {ratio:>6.2f}")


if __name__ == "__main__":
    benchmark()
