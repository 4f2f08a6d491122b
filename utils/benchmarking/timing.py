"""Measurement of speed: stacks that are ready to learn, and calls that are timed in turn.

Our stacks, the matrix products of their updates, and the learners of peers are all timed as a TimedCall.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from agent import AGENTS
from utils.core.provenance import describe_cpu
from utils.core.transition import Step
from utils.experiment.config import AgentConfig, EnvironmentConfig
from utils.experiment.experiment import Experiment
from utils.training.loop import Loop
from utils.wiring.build import build_stack, start_stack

WARM_UP_STEPS = 100
"""Training steps with an update before the first measurement."""


VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX"}
"""Names of vector instructions by the processor's flag, widest first."""


class BenchmarkTask(NamedTuple):
    """An agent, an environment and the sizes that determine the cost of a step.

    hidden: units of each of the two hidden layers.
    batch: transitions per update.
    replay_capacity: transitions that the replay holds.
    """

    agent: str
    env_name: str
    hidden: int
    batch: int
    replay_capacity: int = 100_000


class TimedCall(NamedTuple):
    """A function to time.

    function: trains for `run_steps` run-steps, or computes a part of them.
    run_steps: number of run-steps per call, over all runs.
    """

    function: Callable[[], object]
    run_steps: int


def make_loop(task: BenchmarkTask, runs: int, engine: str = "eager") -> Loop:
    """Return the loop of a stack that already learns: `runs` seeds of one setting.

    Raises RuntimeError if the agent cannot use the engine.
    """
    protocol = {
        "env_name": task.env_name, "total_timesteps": 10**9, "steps_per_episode": 1000,
        "eval_interval_timesteps": 10**9, "eval_episodes": 0, "gamma": 0.99,
    }  # fmt: skip
    model = AGENTS[task.agent].hyperparameters
    sizes = {"hidden_dim": task.hidden, "batch_size": task.batch, "replay_capacity": task.replay_capacity}
    grid: dict[str, Any] = {name: [value] for name, value in sizes.items() if name in model.model_fields}
    agent = AgentConfig(agent_name=task.agent, parameters=grid)
    config = EnvironmentConfig.model_validate(protocol)
    experiment = Experiment(config, agent, model, ("benchmark", "benchmark"), "benchmark")
    loop = Loop(build_stack(experiment, [experiment.run(i) for i in range(runs)]))
    ran = start_stack(loop.stack, engine, config.total_timesteps)
    if ran.engine != engine:
        raise RuntimeError(f"{task.agent}: engine {engine}: {ran.engine_fallback}")
    loop.stack.envs.reset()
    for _ in range(task.batch + WARM_UP_STEPS):
        loop.train_step()
    return loop


def fill_replay(loop: Loop) -> None:
    """Fill the replay of an actor-critic with copies of one transition, from a zero observation to itself."""
    agent: Any = loop.stack.agent
    replay = agent.replay
    obs, flags = np.zeros((loop.runs, replay.obs_dim), np.float32), np.zeros(loop.runs, np.float32)
    step = Step(obs, np.zeros((loop.runs, replay.action_dim), np.float32), flags, obs, flags, flags)
    while len(replay) < replay.capacity:
        replay.push(step)


def measure_speed(call: TimedCall, seconds: float) -> float:
    """Call a function repeatedly for about `seconds` and return its run-steps per second."""
    calls, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        call.function()
        calls += 1
    return calls * call.run_steps / (time.perf_counter() - start)


def measure_in_turn(calls: Sequence[TimedCall], repeats: int, seconds: float) -> np.ndarray:
    """Return the speeds of calls that are measured one after the other, `repeats` times.

    seconds: length of each measurement.  Returns (repeats, calls) run-steps per second.
    """
    return np.array([[measure_speed(call, seconds) for call in calls] for _ in range(repeats)])


def describe_processor() -> str:
    """Return the kind of processor: its name and its widest vectors."""
    cpu = describe_cpu()
    widest = next((name for flag, name in VECTORS.items() if flag in cpu["flags"]), "")
    return f"{cpu['model']}, {widest}" if widest else cpu["model"]
