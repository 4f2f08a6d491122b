"""Train Stable-Baselines3's SAC with the hyperparameters and the protocol of configuration files of this project.

    PYTHON tests/benchmarking/train_sb3.py AGENT.json ENV.json --seeds 0 1 2 3 4 --out DIR

PYTHON is one that has Stable-Baselines3 and MuJoCo. Each seed gets a directory in DIR, with the file that
`simple_combine.py --sb3 NAME DIR` reads; one that has this file is passed over. So the same command goes on after an
interruption, from the first seed that has not ended.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import gymnasium as gym
import torch

FIXED = {
    "policy_type": "SquashedGaussian", "actor_lr_scale": 1.0, "automatic_entropy_tuning": True, "activation": "relu",
    "weight_init": "none", "betas": [0.9, 0.999], "target_update_interval": 1, "reparameterized": True,
    "num_samples": 1, "soft_q": True, "double_q": True,
}  # fmt: skip
"""Hyperparameters that Stable-Baselines3's SAC has no other value of, or whose only value this script hands over."""


def sac_arguments(agent: dict[str, Any], gamma: float) -> dict[str, Any]:
    """Return the arguments of Stable-Baselines3's SAC, by the content of an agent's file and the discount factor.

    Raises ValueError if a hyperparameter has several values, or one that this SAC has not.
    """
    several = [name for name, values in agent["parameters"].items() if len(values) > 1]
    if agent["agent_name"] != "SAC" or several:
        raise ValueError(f"one setting of SAC is needed; of several values: {several}")
    own = {name: values[0] for name, values in agent["parameters"].items()}
    wrong = [name for name, value in FIXED.items() if own.get(name) != value]
    if wrong or own["alpha_lr"] != own["critic_lr"]:
        raise ValueError(f"Stable-Baselines3's SAC differs in {wrong or ['alpha_lr']}")
    return {
        "learning_rate": own["critic_lr"], "buffer_size": own["replay_capacity"],
        "learning_starts": own["learning_starts"], "batch_size": own["batch_size"], "tau": own["tau"], "gamma": gamma,
        "train_freq": 1, "gradient_steps": 1, "ent_coef": f"auto_{own['alpha']}",
        "policy_kwargs": {"net_arch": [own["hidden_dim"]] * own["num_hidden"]},
    }  # fmt: skip


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("agent", type=Path)
    parser.add_argument("env", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    protocol = json.loads(options.env.read_text())
    arguments = sac_arguments(json.loads(options.agent.read_text()), protocol["gamma"])
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        if not (options.out / f"seed_{seed}" / "evaluations.npz").exists():
            train(protocol, arguments, seed, options.out / f"seed_{seed}")


def train(protocol: dict[str, Any], arguments: dict[str, Any], seed: int, folder: Path) -> None:
    """Train a run, evaluated as often and in as many episodes as the protocol has it, and move its file to a folder."""
    sb3: Any = importlib.import_module("stable_baselines3")
    callbacks: Any = importlib.import_module("stable_baselines3.common.callbacks")
    torch.set_num_threads(1)
    env, eval_env = (gym.make(protocol["env_name"], max_episode_steps=protocol["steps_per_episode"]) for _ in range(2))
    eval_env.reset(seed=seed)
    with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
        evaluation = callbacks.EvalCallback(
            eval_env, n_eval_episodes=protocol["eval_episodes"], eval_freq=protocol["eval_interval_timesteps"],
            log_path=unfinished, verbose=0, warn=False,
        )  # fmt: skip
        sb3.SAC("MlpPolicy", env, seed=seed, device="cpu", **arguments).learn(protocol["total_timesteps"], evaluation)
        folder.mkdir(exist_ok=True)
        os.replace(Path(unfinished, "evaluations.npz"), folder / "evaluations.npz")


if __name__ == "__main__":
    main()
