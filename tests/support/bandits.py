"""One-step problems with known optima, for any agent: reward is a function of observation and action."""

from __future__ import annotations

from collections.abc import Callable

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
    """Best action: the observation."""
    return -((action - obs) ** 2)


def one_peak(obs: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Best action: 0.5."""
    return np.exp(-(((action - 0.5) / 0.3) ** 2))


def two_peaks(obs: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Best action: 0.6; a lower peak at -0.6."""
    high, low = np.exp(-(((action - 0.6) / 0.25) ** 2)), np.exp(-(((action + 0.6) / 0.25) ** 2))
    return high + 0.5 * low


ACTIONS = 4

NUMBERED = Spaces(np.full(1, -1.0), np.full(1, 1.0), ACTIONS)
"""The same observations, four actions."""


def nearest(obs: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Best action: the quarter of [-0.8, 0.8] that the observation lies in."""
    return -np.abs(action - quarter(obs))


def quarter(obs: np.ndarray) -> np.ndarray:
    """0, 1, 2 or 3."""
    return np.clip(np.floor((obs + 0.8) / 0.4), 0, ACTIONS - 1)


def two_arms(obs: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Arm 1 pays 1, arm 3 pays 0.5, the others nothing."""
    return 1.0 * (action == 1) + 0.5 * (action == 3)


def learn(agent_name: str, reward: Reward, steps: int, runs: int = 3, **hyperparameters):
    """An agent after so many one-step episodes from observations uniform in [-0.8, 0.8].

    Small initial weights: the policy starts in the middle, as wide as the box; or nearly uniform.
    """
    entry = AGENTS[agent_name]
    model, spaces = entry.hyperparameters, NUMBERED if "continuous" in entry.refuses else SPACES
    settings = [model(hidden_dim=32, tau=0.05, weight_init="uniform", **hyperparameters)] * runs
    agent = make_agent(agent_name, settings, range(runs), 0.9, spaces)
    rng = np.random.Generator(np.random.PCG64(0))
    end = np.ones(runs, np.float32)
    for _ in range(steps):
        obs = rng.uniform(-0.8, 0.8, (runs, 1)).astype(np.float32)
        action = agent.act(obs)
        executed = action if spaces is NUMBERED else np.clip(action, -1, 1)
        gain = reward(obs, executed)[:, 0].astype(np.float32)
        agent.observe(Step(obs, action, gain, obs, end, 0 * end))
        agent.update()
    return agent


def greedy_actions(agent, runs: int = 3) -> np.ndarray:
    """Greedy actions (runs, 9) at observations from -0.8 to 0.8."""
    observations = np.linspace(-0.8, 0.8, 9, dtype=np.float32)
    return np.stack([agent.act(np.full((runs, 1), obs, np.float32), greedy=True)[:, 0] for obs in observations], 1)
