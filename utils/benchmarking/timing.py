"""What benchmarks time: a loop that already learns, the bare matrix products of its updates, and for how long.

Our own stacks and other libraries' learners are candidates alike: something to call, that makes so many
run-steps a call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from agent import AGENTS
from agent.engine.selection import start_engine
from utils.core.transition import Step
from utils.experiment.config import AgentConfig, EnvironmentConfig
from utils.experiment.experiment import Experiment
from utils.training.loop import Loop
from utils.wiring.build import build_stack

WARM_UP_STEPS = 100


class BenchmarkTask(NamedTuple):
    """What is trained on what.  hidden: units of each of two hidden layers.  batch: transitions an update."""

    agent: str
    env_name: str
    hidden: int
    batch: int
    replay_capacity: int = 100_000


class Candidate(NamedTuple):
    """Something to time.  step: makes `run_steps` training steps, over all its runs."""

    step: Callable[[], object]
    run_steps: int


def make_loop(task: BenchmarkTask, runs: int, engine: str = "eager") -> Loop:
    """A stack that already learns; `runs` seeds of one setting.  Raises RuntimeError if the engine cannot run."""
    protocol = {
        "env_name": task.env_name, "total_timesteps": 10**9, "steps_per_episode": 1000,
        "eval_interval_timesteps": 10**9, "eval_episodes": 0, "gamma": 0.99,
    }  # fmt: skip
    model = AGENTS[task.agent].hyperparameters
    sizes = {"hidden_dim": task.hidden, "batch_size": task.batch, "replay_capacity": task.replay_capacity}
    grid = {name: [value] for name, value in sizes.items() if name in model.model_fields}
    agent = AgentConfig(agent_name=task.agent, parameters=grid)
    config = EnvironmentConfig.model_validate(protocol)
    experiment = Experiment(config, agent, model, ("benchmark", "benchmark"), "benchmark")
    loop = Loop(build_stack(experiment, [experiment.run(i) for i in range(runs)]))
    ran = start_engine(loop.stack.agent, engine, config.total_timesteps)
    if ran.engine != engine:
        raise RuntimeError(f"{task.agent}: engine {engine}: {ran.engine_fallback}")
    loop.stack.envs.reset()
    for _ in range(task.batch + WARM_UP_STEPS):
        loop.train_step()
    return loop


def fill(loop: Loop) -> None:
    """Have an actor-critic's replay be full, of one transition that goes on as itself."""
    agent: Any = loop.stack.agent
    replay = agent.replay
    obs, flags = np.zeros((loop.runs, replay.obs_dim), np.float32), np.zeros(loop.runs, np.float32)
    step = Step(obs, np.zeros((loop.runs, replay.action_dim), np.float32), flags, obs, flags, flags)
    while len(replay) < replay.capacity:
        replay.push(step)


def products(loop: Loop) -> list[tuple[Tensor, Tensor]]:
    """The operands of every matrix product in one eager update, standing alone; none where it has none.

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


def limit(loop: Loop) -> Candidate | None:
    """The bare products of one update, called back to back; None where an update has none."""
    operands = products(loop)

    def multiply() -> None:
        for a, b in operands:
            torch.bmm(a, b)

    return Candidate(multiply, loop.runs) if operands else None


def per_second(candidate: Candidate, seconds: float) -> float:
    """Run-steps a second, over about so many seconds."""
    calls, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        candidate.step()
        calls += 1
    return calls * candidate.run_steps / (time.perf_counter() - start)


def in_turn(candidates: Sequence[Candidate], repeats: int, seconds: float) -> np.ndarray:
    """Run-steps a second of each candidate, timed one after the other, again and again: (repeats, candidates)."""
    return np.array([[per_second(candidate, seconds) for candidate in candidates] for _ in range(repeats)])
