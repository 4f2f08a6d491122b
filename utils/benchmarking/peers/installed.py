"""Peers that train in our process, if they are installed (requirements-benchmark.txt).

Stable-Baselines3 (PyTorch) and SBX (JAX, compiled) train one run each, with our network sizes, batch, buffer and step
size, a fixed temperature, one update per step, and gymnasium's own environment. Everything else is their default.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import gymnasium as gym
import torch

from utils.benchmarking.peers.environments import NotAvailable
from utils.benchmarking.timing import BenchmarkTask, TimedCall

INSTALLED = {"SB3": "stable_baselines3", "SBX": "sbx"}
"""Modules of the peers by name."""

STEPS_PER_CALL = 100
"""Training steps per call of a peer's `learn`: enough to make its fixed cost a small part."""

WARM_UP_STEPS = 500
"""Training steps before the first measurement."""


def make_installed_call(name: str, task: BenchmarkTask) -> TimedCall:
    """Return a call that trains a peer's warmed-up SAC.  Raises NotAvailable if it is not installed."""
    if not importlib.util.find_spec(INSTALLED[name]):
        raise NotAvailable("not installed; pip install -r requirements-benchmark.txt")
    module: Any = importlib.import_module(INSTALLED[name])
    env = gym.make(task.env_name, max_episode_steps=1000, disable_env_checker=True)
    model = module.SAC(
        "MlpPolicy", env, policy_kwargs={"net_arch": [task.hidden, task.hidden]}, batch_size=task.batch,
        buffer_size=task.replay_capacity, learning_rate=1e-3, learning_starts=task.batch, ent_coef=0.2, gamma=0.99,
        tau=0.005, train_freq=1, gradient_steps=1, device="cpu", seed=0,
    )  # fmt: skip

    def learn(steps: int = STEPS_PER_CALL) -> None:
        with torch.enable_grad():  # Our processes turn gradients off by default.
            model.learn(steps, log_interval=10**9, reset_num_timesteps=False)

    learn(WARM_UP_STEPS)
    return TimedCall(learn, STEPS_PER_CALL)
