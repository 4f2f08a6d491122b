"""An agent put into another's state goes on exactly as that one does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from agent import AGENTS, make_agent
from agent.actor_critic_hyperparameters import SACHyperparameters
from agent.base import Spaces
from agent.hyperparameters import LinearACHyperparameters, RandomHyperparameters
from agent.policy.base import ActionBox
from utils.core.transition import Step

RUNS, OBS = 3, 4
BOX = ActionBox(torch.tensor([-1.0]), torch.tensor([2.0]))
SPACES = Spaces(np.full(OBS, -3.0), np.full(OBS, 3.0), BOX)


def make(**hyperparameters):
    settings = [SACHyperparameters(batch_size=8, hidden_dim=16, **hyperparameters)] * RUNS
    return make_agent("SAC", settings, range(RUNS), 0.9, SPACES)


def live(agent, steps: int, seed: int) -> list[np.ndarray]:
    """Act and learn on random transitions. Returns the actions and the learned parameters."""
    rng = np.random.Generator(np.random.PCG64(seed))
    history = []
    for _ in range(steps):
        obs, next_obs = rng.standard_normal((2, RUNS, OBS)).astype(np.float32)
        reward, over = rng.standard_normal((2, RUNS)).astype(np.float32)
        action = agent.act(obs)
        history.append(action.copy())
        over = (over > 1).astype(np.float32)
        agent.observe(Step(obs, action, reward, next_obs, over, over))
        agent.update()
    return history + [array for run in range(RUNS) for array in agent.learned_params(run).values()]


@pytest.mark.parametrize(
    "hyperparameters",
    [
        {},
        {"automatic_entropy_tuning": True, "alpha_lr": 1e-2, "target_update_interval": 3},
        {"replay_capacity": 20, "double_q": False, "policy_type": "Gaussian"},
        {"layer_norm": True, "n_step": 3},
        {"learning_starts": 40, "normalize_observations": True, "exploration_correlation": 0.9},
    ],
    ids=["default", "tuned", "wrapped", "normalized", "exploring"],
)
def test_a_copied_state_goes_on_exactly(hyperparameters):
    goes_on_exactly(make(**hyperparameters), make(**hyperparameters))


@pytest.mark.parametrize("name", ["GreedyAC", "VAC", "SACDiscrete", "GreedyACDiscrete", "VACDiscrete"])
def test_every_actor_critics_copied_state_goes_on_exactly(name):
    model: Any = AGENTS[name].hyperparameters
    settings = [model(batch_size=8, hidden_dim=16)] * RUNS
    spaces = Spaces(SPACES.obs_low, SPACES.obs_high, 3 if name.endswith("Discrete") else BOX)
    goes_on_exactly(*(make_agent(name, settings, range(RUNS), 0.9, spaces) for _ in range(2)))


@pytest.mark.parametrize("actions", [BOX, 3], ids=["box", "discrete"])
@pytest.mark.parametrize("tiles", [2, 8], ids=["dense", "sparse"])
def test_a_linear_agents_copied_state_goes_on_exactly(actions, tiles):
    settings = [LinearACHyperparameters(tiles=tiles)] * RUNS
    spaces = Spaces(SPACES.obs_low, SPACES.obs_high, actions)
    name = "linearAC_softmax" if actions == 3 else "linearAC"
    goes_on_exactly(*(make_agent(name, settings, range(RUNS), 0.9, spaces) for _ in range(2)))


def test_a_random_agents_copied_state_goes_on_exactly():
    goes_on_exactly(*(make_agent("Random", [RandomHyperparameters()] * RUNS, range(RUNS), 0.9, SPACES) for _ in "ab"))


def goes_on_exactly(original, other):
    live(original, 33, seed=0)
    state = original.state_dict()
    expected = live(original, 20, seed=1)
    other.load_state_dict(state)  # After `original` went on: the state is a copy.
    for a, b in zip(expected, live(other, 20, seed=1), strict=True):
        np.testing.assert_array_equal(a, b)
