"""One-step problems with known optima, for any agent: the reward is a function of observation and action."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from agent import AGENTS, make_agent
from agent.base import Spaces
from agent.policy.base import ActionBox
from utils.core.transition import Step

BOX = ActionBox(torch.tensor([-1.0]), torch.tensor([1.0]))

SPACES = Spaces(np.full(1, -1.0), np.full(1, 1.0), BOX)

Reward = Callable[[np.ndarray, np.ndarray], np.ndarray]


def identity(obs: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Return a reward whose best action is the observation."""
    return -((action - obs) ** 2)


def one_peak(obs: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Return a reward whose best action is 0.5."""
    return np.exp(-(((action - 0.5) / 0.3) ** 2))


def two_peaks(obs: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Return a reward whose best action is 0.6, with a lower peak at -0.6."""
    high, low = np.exp(-(((action - 0.6) / 0.25) ** 2)), np.exp(-(((action + 0.6) / 0.25) ** 2))
    return high + 0.5 * low


ACTIONS = 4

NUMBERED = Spaces(np.full(1, -1.0), np.full(1, 1.0), ACTIONS)
"""The same observations with four actions."""

SEEDS = (0, 1, 2)
"""Random seeds of the runs on each problem."""

STATES = np.linspace(-0.8, 0.8, 9, dtype=np.float32)
"""Observations at which greedy actions are compared with the best ones."""


def nearest(obs: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Return a reward whose best action is the quarter of [-0.8, 0.8] that contains the observation."""
    return -np.abs(action - quarter(obs))


def quarter(obs: np.ndarray) -> np.ndarray:
    """Return the quarter of [-0.8, 0.8] that contains each observation: 0, 1, 2 or 3."""
    return np.clip(np.floor((obs + 0.8) / 0.4), 0, ACTIONS - 1)


def two_arms(obs: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Return the reward of arms: 1 for arm 1, the best, 0.5 for arm 3, and 0 for the rest."""
    return 1.0 * (action == 1) + 0.5 * (action == 3)


def learn(
    agent_name: str,
    problems: Sequence[Reward],
    steps: int,
    changes: Mapping[Reward, dict[str, Any]] = MappingProxyType({}),
    **hyperparameters: Any,
) -> Any:
    """Return an agent trained for that many one-step episodes, with observations uniform in [-0.8, 0.8].

    One stack has the runs of SEEDS on the first problem, then on the second, and so on. As a run's bits do not depend
    on its stack, this only saves time. Initial weights are small: the policy starts in the middle of the box and as
    wide as it, or nearly uniform.

    changes: hyperparameters of the runs on some problems, of those in which runs of a stack may differ.
    """
    entry, runs = AGENTS[agent_name], len(SEEDS)
    model: Any = entry.hyperparameters
    spaces = NUMBERED if "continuous" in entry.refuses else SPACES
    common = {"hidden_dim": 32, "tau": 0.05, "weight_init": "uniform"} | hyperparameters
    settings = [model(**common | changes.get(problem, {})) for problem in problems for _ in SEEDS]
    seeds = SEEDS * len(problems)
    agent = make_agent(agent_name, settings, seeds, 0.9, spaces)
    rng = np.random.Generator(np.random.PCG64(0))
    end = np.ones(len(seeds), np.float32)
    for _ in range(steps):
        obs = np.tile(rng.uniform(-0.8, 0.8, (runs, 1)).astype(np.float32), (len(problems), 1))
        action = agent.act(obs)
        executed = action if spaces is NUMBERED else np.clip(action, -1, 1)
        pairs = zip(np.split(obs, len(problems)), np.split(executed, len(problems)), strict=True)
        rewards = [reward(*pair)[:, 0] for reward, pair in zip(problems, pairs, strict=True)]
        agent.observe(Step(obs, action, np.concatenate(rewards).astype(np.float32), obs, end, 0 * end))
        agent.update()
    return agent


def greedy_actions(agent: Any, states: np.ndarray = STATES) -> list[np.ndarray]:
    """Return the greedy actions at the states, (seeds, states) for each problem."""
    actions = [agent.act(np.full((agent.runs, 1), obs, np.float32), greedy=True)[:, 0] for obs in states]
    return np.split(np.stack(actions, 1), agent.runs // len(SEEDS))
