"""Results to begin from, and experiments that do, on environments that cost nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.conftest import ENVIRONMENT, Files
from utils.results.learned_params import LearnedRun, read_learned_run
from utils.wiring.build import read_experiment
from utils.wiring.run import train

NEURAL = {"batch_size": [8], "replay_capacity": [1000], "hidden_dim": [16]}

AGENTS: dict[str, dict[str, Any]] = {
    "SAC": NEURAL | {"automatic_entropy_tuning": [True], "alpha_lr": [0.01], "normalize_observations": [True]},
    "GreedyAC": NEURAL | {"n_rho": [[8, 0.25]]},
    "VAC": NEURAL | {"layer_norm": [True]},
    "SACDiscrete": NEURAL | {"alpha": [0.3]},
    "linearAC": {"tilings": [2], "tiles": [4]},
    "linearAC_softmax": {"tilings": [2], "tiles": [4]},
}
"""A small grid of each kind of agent."""

DISCRETE = ("SACDiscrete", "linearAC_softmax")


def protocol(agent: str, **changes: Any) -> dict[str, Any]:
    """Return a small protocol for an agent, with some keys changed."""
    name = "CartPole-v1" if agent in DISCRETE else "Pendulum-v1"
    return ENVIRONMENT | {"env_name": name, "total_timesteps": 60, "eval_interval_timesteps": 30} | changes


def learn(
    files: Files, agent: str, indices: str = "0", *, parameters: dict[str, Any] | None = None, save_dir: str = "start",
    **changes: Any,
) -> list[LearnedRun]:  # fmt: skip
    """Train runs of an agent, and return what they learned.

    parameters: hyperparameters in place of some of the agent's.  changes: changed keys of the protocol.
    """
    grid = {"agent_name": agent, "parameters": AGENTS[agent] | (parameters or {})}
    agent_json, env_json = files.write("first.json", grid), files.write("env.json", protocol(agent, **changes))
    results = train(agent_json, env_json, indices, save_dir=str(files.folder / save_dir), engine="eager")
    return [read_learned_run(result.path) for result in results]


def configure(
    files: Files, agent: str, start_from: Path | str | None, *, parameters: dict[str, Any] | None = None, **changes: Any
) -> tuple[str, str]:
    """Write a grid that begins from a result, and a protocol. Returns their paths, the agent's first."""
    grid = {"agent_name": agent, "parameters": AGENTS[agent] | (parameters or {})}
    if start_from is not None:
        grid["start_from"] = str(start_from)
    return files.write("agent.json", grid), files.write("env.json", protocol(agent, **changes))


def read(files: Files, configured: Sequence[str]) -> Any:
    """Return the experiment of an agent's and a protocol's file."""
    return read_experiment(configured[1], configured[0], str(files.folder / "out"))


def change_run(path: Path, **changes: object) -> None:
    """Change keys of the run in a result."""
    tree = json.loads(path.read_bytes())
    (cell,) = tree["experiment_data"].values()
    cell["runs"][0] |= changes
    path.write_text(json.dumps(tree))
