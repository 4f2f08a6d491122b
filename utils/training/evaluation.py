"""The episodes by which a loop's runs are evaluated. They change nothing in training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from utils.core.random_streams import env_seed

if TYPE_CHECKING:
    from utils.training.loop import Loop


class Abandoned(Exception):
    """An evaluation was broken off. It can be made anew at any time."""


def slots(mask: np.ndarray) -> list[int]:
    """The slots where mask (R,) is true."""
    return mask.nonzero()[0].tolist()


def eval_episodes(loop: Loop, which: np.ndarray) -> tuple[list[list[float]], list[list[int]]]:
    """Returns and lengths of each chosen run's episodes, run in lock-step.  Raises Abandoned."""
    agent, envs, config = loop.stack.agent, loop.stack.eval_envs, loop.config
    returns: list[list[float]] = [[] for _ in range(loop.runs)]
    steps: list[list[int]] = [[] for _ in range(loop.runs)]
    total, count = np.zeros(loop.runs), np.zeros(loop.runs, int)
    going = which & (config.eval_episodes > 0)
    if going.any():
        _begin(loop, going)
        going &= loop.active
    while going.any():
        if loop.interrupted():
            raise Abandoned
        action = agent.act_eval(envs.obs, config.eval_policy == "mode")
        action[~going] = 0.0
        loop.find_diverged({"action": action})
        going &= loop.active
        step = envs.step(action, going)
        loop.find_failed(envs)
        going &= loop.active
        total, count = total + step.reward, count + going
        for r in slots(going):
            if "eval_states" in loop.recorded:
                loop.records[r].keep("eval_states", step.obs[r])
            if step.terminated[r] or step.truncated[r]:
                returns[r].append(float(total[r]))
                steps[r].append(int(count[r]))
                total[r], count[r] = 0.0, 0
                going[r] = len(returns[r]) < config.eval_episodes
    return returns, steps


def _begin(loop: Loop, which: np.ndarray) -> None:
    """Put the evaluation's streams and environments at the part for the present timestep."""
    timestep = max(loop.records[r].timesteps for r in slots(which))
    loop.stack.agent.begin_eval(timestep)
    seeds = [env_seed(seed, "eval_env", timestep) for seed in loop.stack.random_seeds]
    loop.stack.eval_envs.begin(seeds, which)
    loop.find_failed(loop.stack.eval_envs)
