"""Evaluation: episodes that change nothing in training."""

from __future__ import annotations

import numpy as np

from utils.core.random_streams import env_seed
from utils.training.stack import ActiveRuns, selected_slots


class EvaluationAbandoned(Exception):
    """Exception that ends an interrupted evaluation, which can be repeated at any time."""


def evaluate_runs(runs: ActiveRuns, which: np.ndarray) -> tuple[list[list[float]], list[list[int]]]:
    """Run each chosen run's evaluation episodes in lock-step and return their returns and lengths.

    which: (R,) bool, the runs to evaluate.
    Raises EvaluationAbandoned if an interruption is requested.
    """
    agent, envs, config = runs.stack.agent, runs.stack.eval_envs, runs.config
    returns: list[list[float]] = [[] for _ in range(runs.runs)]
    steps: list[list[int]] = [[] for _ in range(runs.runs)]
    total, count = np.zeros(runs.runs), np.zeros(runs.runs, int)
    playing = which & (config.eval_episodes > 0)
    if playing.any():
        _begin_evaluation(runs, playing)
        playing &= runs.active
    while playing.any():
        if runs.interrupted():
            raise EvaluationAbandoned
        action = agent.act_eval(envs.obs, config.eval_policy == "mode")
        action[~playing] = 0.0
        runs.end_diverged({"action": action})
        playing &= runs.active
        step = envs.step(action, playing)
        runs.end_failed(envs)
        playing &= runs.active
        total, count = total + step.reward, count + playing
        for r in selected_slots(playing):
            if "eval_states" in runs.recorded:
                runs.records[r].add_row("eval_states", step.obs[r])
            if step.terminated[r] or step.truncated[r]:
                returns[r].append(float(total[r]))
                steps[r].append(int(count[r]))
                total[r], count[r] = 0.0, 0
                playing[r] = len(returns[r]) < config.eval_episodes
    return returns, steps


def _begin_evaluation(runs: ActiveRuns, which: np.ndarray) -> None:
    """Set the evaluation's random streams and environments to the part for the present timestep."""
    timestep = max(runs.records[r].timesteps for r in selected_slots(which))
    runs.stack.agent.begin_eval(timestep)
    seeds = [env_seed(seed, "eval_env", timestep) for seed in runs.stack.random_seeds]
    runs.stack.eval_envs.begin(seeds, which)
    runs.end_failed(runs.stack.eval_envs)
