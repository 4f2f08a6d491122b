"""Other libraries' SAC on the same task, where they are installed (requirements-benchmark.txt).

Stable-Baselines3 (PyTorch) and SBX (JAX, compiled), one run each, as they are, with our network sizes,
batch, buffer, step size and a fixed temperature: one update a step, on gymnasium's own environment.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import gymnasium as gym
import torch

from utils.benchmarking.timing import BenchmarkTask, Candidate

PEERS = {"SB3": "stable_baselines3", "SBX": "sbx"}
"""Columns of the table, and the modules."""

STEPS_A_CALL = 100
"""Of one `learn`, whose own beginning and end are then a small part of it."""

WARM_UP_STEPS = 500


def installed() -> list[str]:
    """Those that can be imported."""
    return [name for name, module in PEERS.items() if importlib.util.find_spec(module)]


def make_peer(name: str, task: BenchmarkTask) -> Candidate:
    """A peer's SAC that already learns.  Raises ImportError where it is not installed."""
    module: Any = importlib.import_module(PEERS[name])
    env = gym.make(task.env_name, max_episode_steps=1000, disable_env_checker=True)
    model = module.SAC(
        "MlpPolicy", env, policy_kwargs={"net_arch": [task.hidden, task.hidden]}, batch_size=task.batch,
        buffer_size=task.replay_capacity, learning_rate=1e-3, learning_starts=task.batch, ent_coef=0.2, gamma=0.99,
        tau=0.005, train_freq=1, gradient_steps=1, device="cpu", seed=0,
    )  # fmt: skip

    def learn(steps: int = STEPS_A_CALL) -> None:
        with torch.enable_grad():  # Which our own processes do without.
            model.learn(steps, log_interval=10**9, reset_num_timesteps=False)

    learn(WARM_UP_STEPS)
    return Candidate(learn, STEPS_A_CALL)
