"""Measure how agents do where only the action's unit differs, and where tuned temperatures settle.

    python tests/faults/action_units.py units
    python tests/faults/action_units.py temperatures
    python tests/faults/action_units.py peer --python PYTHON

`units`: every agent and policy on one task with actions in [-1, 1], [-0.1, 0.1] and [0, 1000]. `peer`: the same task
with Stable-Baselines3's SAC, by a Python that has it. `temperatures`: SAC's tuned temperature in every environment of
config/environment. Each prints a table in Markdown for docs/action_units.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import click
import gymnasium as gym
import numpy as np
import torch
from gymnasium.spaces import Box

from env import make_env
from utils.core.random_streams import Draws
from utils.results.learned_params import read_learned_run
from utils.results.schema import Result
from utils.wiring.rebuild import load_agent, play_episode
from utils.wiring.run import train

ROOT = Path(__file__).resolve().parents[2]

BOXES = {"-1 to 1": (-1.0, 1.0), "-0.1 to 0.1": (-0.1, 0.1), "0 to 1000": (0.0, 1000.0)}
"""Bounds of the actions of the same task."""

STEPS, STEPS_PER_EPISODE, EPISODES, RUNS = 3000, 100, 20, 5
DRAWS = 100
"""Number of draws of each run's learned policy, in each state of an episode."""

POLICIES = (
    "SquashedGaussian", "Gaussian", "Beta", "Kumaraswamy", "TruncatedGaussian", "Student", "Laplace", "QGaussian",
    "GaussianMixture", "Mixture",
)  # fmt: skip

AGENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "SAC, tuned": ("SAC", {"alpha": 0.1, "automatic_entropy_tuning": True, "alpha_lr": 1e-3}),
    "SAC, fixed": ("SAC", {"alpha": 0.01}),
    "GreedyAC": ("GreedyAC", {"alpha": 0.01}),
    "VAC": ("VAC", {"alpha": 0.01, "num_samples": 30}),
}
"""Agents by name, with hyperparameters besides COMMON."""

COMMON = {"critic_lr": 1e-3, "batch_size": 32, "hidden_dim": 64, "replay_capacity": 100000, "tau": 0.01}

PEER = """
import json, sys
import gymnasium as gym, numpy as np, torch
from stable_baselines3 import SAC
from stable_baselines3.common.evaluation import evaluate_policy
from tests.support.awkward_envs import Point
torch.set_num_threads(1)
tuned, low, high, steps, limit, episodes, runs = json.loads(sys.argv[1])
gym.register("Point-v0", entry_point=Point, kwargs={"low": low, "high": high}, max_episode_steps=limit)
found = []
for seed in range(runs):
    model = SAC("MlpPolicy", gym.make("Point-v0"), seed=seed, learning_rate=1e-3, batch_size=32, learning_starts=32,
                tau=0.01, ent_coef="auto_0.1" if tuned else 0.01, policy_kwargs={"net_arch": [64, 64]})
    model.learn(steps)
    alpha = float(torch.exp(model.log_ent_coef)) if tuned else 0.01
    found.append((float(evaluate_policy(model, gym.make("Point-v0"), episodes, warn=False)[0]), alpha))
print(json.dumps(found))
"""
"""Program that trains Stable-Baselines3's SAC with the hyperparameters of AGENTS."""


@contextmanager
def trained(agent: str, options: dict[str, Any], protocol: dict[str, Any], runs: int) -> Iterator[list[Result]]:
    """Train runs of one setting, and keep their files while their results are looked at."""
    with tempfile.TemporaryDirectory() as folder:
        agent_json, env_json = Path(folder, "agent.json"), Path(folder, "env.json")
        grid = {name: [value] for name, value in options.items()}
        agent_json.write_text(json.dumps({"agent_name": agent, "parameters": grid}))
        env_json.write_text(json.dumps(protocol))
        yield train(str(agent_json), str(env_json), runs=runs, save_dir=folder, jobs=1, stack=runs)


def point_protocol(low: float, high: float) -> dict[str, Any]:
    """Return the protocol of the task in one box."""
    return {
        "env_name": "Point-v0", "total_timesteps": STEPS, "steps_per_episode": STEPS_PER_EPISODE,
        "eval_interval_timesteps": STEPS, "eval_episodes": EPISODES, "gamma": 0.99,
        "env_kwargs": {"low": low, "high": high},
    }  # fmt: skip


def clipped_share(path: Path) -> float:
    """Return the share of a learned policy's draws outside its box, over the states of an episode."""
    agent, episodes = load_agent(path)
    states: list[np.ndarray] = []

    def act(obs: np.ndarray) -> np.ndarray:
        states.append(obs)
        return agent.act_eval(obs, greedy=True)

    play_episode(episodes, act)
    policy: Any = agent.policy
    obs = torch.from_numpy(np.concatenate(states)[None])
    noise = policy.latent_noise(Draws([0], "eval_act", 0), len(states), DRAWS)
    action = policy.to_action(policy.draw_latent(agent.actor.forward(obs)[0], noise))
    return float((action.abs() > 1.0).float().mean())


def alpha_of(path: Path) -> float:
    """Return a run's temperature at the end."""
    return float(read_learned_run(path).arrays["alpha"].ravel()[0])


def describe(returns: Sequence[float]) -> str:
    """Return mean and range of some returns."""
    return f"{np.mean(returns):.1f} ({min(returns):.1f} to {max(returns):.1f})"


def last_returns(results: Sequence[Result]) -> list[float]:
    """Return the mean return of each run's last evaluation, NaN for a run that diverged."""
    return [
        float(np.mean(result.run["eval_episode_rewards"][-1])) if result.run["status"] == "completed" else np.nan
        for result in results
    ]


def table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> None:
    """Print a table in Markdown, row after row."""
    click.echo(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        click.echo(f"| {' | '.join(row)} |")


def unit_rows() -> Iterator[Sequence[str]]:
    """Yield a row for each agent and policy."""
    gym.register("Point-v0", entry_point="tests.support.awkward_envs:Point")
    for name, (agent, options) in AGENTS.items():
        for policy in POLICIES:
            yield [name, policy, *unit_cells(agent, COMMON | options | {"policy_type": policy})]


def unit_cells(agent: str, options: dict[str, Any]) -> list[str]:
    """Return returns in the three boxes, then the temperatures and the clipped shares."""
    returns, alphas, shares = [], [], []
    for low, high in BOXES.values():
        with trained(agent, options, point_protocol(low, high), RUNS) as results:
            returns.append(describe(last_returns(results)))
            completed = [result.path for result in results if result.run["status"] == "completed"]
            alphas.append(f"{np.mean([alpha_of(path) for path in completed]):.2g}")
            shares.append(f"{np.mean([clipped_share(path) for path in completed]):.0%}")
    return [*returns, ", ".join(alphas), ", ".join(shares)]


def peer_rows(python: str) -> Iterator[Sequence[str]]:
    """Yield a row for Stable-Baselines3 with a tuned and a fixed temperature.  python: path of a Python that has it."""
    for name, tuned in (("Stable-Baselines3's SAC, tuned", True), ("Stable-Baselines3's SAC, fixed", False)):
        returns, alphas = [], []
        for low, high in BOXES.values():
            asked = json.dumps([tuned, low, high, STEPS, STEPS_PER_EPISODE, EPISODES, RUNS])
            environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
            command = [python, "-c", PEER, asked]
            done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            returns.append(describe([one[0] for one in found]))
            alphas.append(f"{np.mean([one[1] for one in found]):.2g}")
        yield [name, "SquashedGaussian", *returns, ", ".join(alphas), "0%, 0%, 0%"]


def agent_for(protocol: dict[str, Any]) -> str:
    """Return the name of the form of SAC for an environment's actions."""
    env = make_env(protocol["env_name"], protocol.get("continuous"), **protocol.get("env_kwargs", {}))
    with closing(env):
        return "SAC" if isinstance(env.action_space, Box) else "SACDiscrete"


def temperature_rows(timesteps: Sequence[int], runs: int) -> Iterator[Sequence[str]]:
    """Yield a row for each environment that the project ships, with SAC's temperature after some numbers of steps."""
    options = COMMON | {"alpha": 0.1, "automatic_entropy_tuning": True, "alpha_lr": 3e-4}
    for path in sorted((ROOT / "config/environment").glob("*.json")):
        protocol = json.loads(path.read_text())
        agent = agent_for(protocol)
        cells = []
        for steps in timesteps:
            short = protocol | {
                "total_timesteps": steps, "eval_interval_timesteps": steps, "eval_episodes": 1, "record": [],
            }  # fmt: skip
            with trained(agent, options, short, runs) as results:
                alphas = [alpha_of(result.path) for result in results if result.run["status"] == "completed"]
                failed = len(results) - len(alphas)
                cells.append(f"{min(alphas):.2g} to {max(alphas):.2g}" + (f", {failed} diverged" if failed else ""))
        yield [path.stem, agent, *cells]


@click.group()
def main() -> None:
    """Measure how agents do where only the action's unit differs, and where tuned temperatures settle."""


@main.command(help="Every agent and policy on one task in three boxes of actions.")
def units() -> None:
    """Print the table of the three boxes."""
    table(["agent", "policy", *BOXES, "alpha at the end", "clipped draws"], unit_rows())


@main.command(help="Stable-Baselines3's SAC on the same task.")
@click.option("--python", required=True, help="Python of an environment that has stable-baselines3.")
def peer(python: str) -> None:
    """Print the peer's rows."""
    table(["agent", "policy", *BOXES, "alpha at the end", "clipped draws"], peer_rows(python))


@main.command(help="SAC's tuned temperature in every environment that the project ships.")
def temperatures() -> None:
    """Print the table of temperatures."""
    timesteps = (5000, 10000, 20000)
    head = ["environment", "agent", *(f"alpha after {steps:,} steps" for steps in timesteps)]
    table(head, temperature_rows(timesteps, 3))


if __name__ == "__main__":
    main()
