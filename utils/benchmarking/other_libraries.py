"""SAC of other libraries on the same task, if they are installed (requirements-benchmark.txt).

Stable-Baselines3 (PyTorch) and SBX (JAX, compiled) train one run each, with our network sizes, batch, buffer and step
size, a fixed temperature, one update per step, and gymnasium's own environment. Everything else is their default.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import gymnasium as gym
import torch

from utils.benchmarking.timing import BenchmarkTask, TimedCall

LIBRARIES = {"SB3": "stable_baselines3", "SBX": "sbx"}
"""Names of the libraries' columns and their modules."""

STEPS_PER_CALL = 100
"""Training steps per call of a library's `learn`: enough to make its fixed cost a small part."""

WARM_UP_STEPS = 500
"""Training steps before the first measurement."""


def installed_libraries() -> list[str]:
    """Return the names of the libraries that can be imported."""
    return [name for name, module in LIBRARIES.items() if importlib.util.find_spec(module)]


def missing_libraries() -> list[str]:
    """Return the names of the libraries that cannot be imported."""
    installed = installed_libraries()
    return [name for name in LIBRARIES if name not in installed]


def make_library_call(name: str, task: BenchmarkTask) -> TimedCall:
    """Return a call that trains a library's warmed-up SAC.  Raises ImportError if the library is not installed."""
    module: Any = importlib.import_module(LIBRARIES[name])
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
