"""Small result trees for tests that need a valid one."""

from __future__ import annotations

from typing import Any


def result_tree(agent_params: dict[str, Any] | None = None, **run: Any) -> dict[str, Any]:
    """Return the tree of a completed run without episodes.

    agent_params: the setting's hyperparameters.
    run: keys of the run to add or change.
    """
    curves = {
        "timesteps_at_eval": [],
        "eval_episode_rewards": [],
        "train_episode_rewards": [],
        "train_episode_steps": [],
    }
    return {
        "experiment": {
            "environment": {"env_name": "Pendulum-v1", "total_timesteps": 2, "eval_episodes": 1, "gamma": 0.9},
            "agent": {"agent_name": "SAC", "parameters": {}},
        },
        "experiment_data": {
            "0": {
                "agent_params": agent_params or {},
                "runs": [{"run_number": 0, "status": "completed", "learned_params": {}, **curves, **run}],
            }
        },
    }
