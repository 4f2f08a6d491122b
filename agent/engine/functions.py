"""The functions of an agent that are compiled, in the form in which they are traced, with examples of arguments."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from agent.actor_critic import ActorCritic
from utils.core.random_streams import Draws

Function = Callable[..., Sequence[Tensor]]
"""A function of a learner and of tensors."""

GOLDEN = 0.6180339887
"""Number whose multiples, modulo 1, are spread evenly over [0, 1)."""


def update_networks(learner: ActorCritic, rows: Tensor, noise: Tensor) -> Sequence[Tensor]:
    """See `ActorCritic.learn`.  rows: whole replay rows."""
    return learner.learn(learner.replay.make_batch(rows), noise)


def draw_actions(learner: ActorCritic, obs: Tensor, noise: Tensor) -> Sequence[Tensor]:
    """See `ActorCritic.draw_actions`."""
    return (learner.draw_actions(obs, noise),)


def greedy_actions(learner: ActorCritic, obs: Tensor) -> Sequence[Tensor]:
    """See `ActorCritic.greedy_actions`."""
    return (learner.greedy_actions(obs),)


def update_targets(learner: ActorCritic) -> Sequence[Tensor]:
    """See `ActorCritic.update_targets`."""
    learner.update_targets()
    return ()


FUNCTIONS: dict[str, Function] = {
    function.__name__: function for function in (update_networks, draw_actions, greedy_actions, update_targets)
}
"""The functions by their names, which they also have in C++."""


def example_arguments(one: ActorCritic) -> dict[str, tuple[Tensor, ...]]:
    """Return arguments for each function.  one: a new agent of one run."""
    rows = spread(1, one.rows_per_update, one.replay.row_length)
    obs = spread(1, 1, one.replay.obs_dim)
    return {
        "update_networks": (rows, one.draw_update_noise(Draws(one.random_seeds, "update"))),
        "draw_actions": (obs, one.draw_acting_noise(Draws(one.random_seeds, "act"))),
        "greedy_actions": (obs,),
        "update_targets": (),
    }


def alike(agent: ActorCritic, runs: int) -> ActorCritic:
    """Return a new agent of the same structure for a number of runs, all with the first run's setting and seed."""
    settings, seeds = list(agent.settings[:1]), list(agent.random_seeds[:1])
    return type(agent)(settings * runs, seeds * runs, agent.gamma, agent.spaces)


def spread(*shape: int) -> Tensor:
    """Return numbers in [0, 1) of which no two are near each other."""
    return (torch.arange(math.prod(shape)) * GOLDEN % 1.0).view(shape)
