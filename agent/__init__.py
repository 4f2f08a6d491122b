"""Agents by name. Importing this imports no torch; making an agent does."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from agent.hyperparameters import (
    GreedyACHyperparameters,
    Hyperparameters,
    LinearACHyperparameters,
    LinearACSoftmaxHyperparameters,
    RandomHyperparameters,
    SACHyperparameters,
    VACHyperparameters,
)

if TYPE_CHECKING:
    from agent.base import Agent, Spaces


class AgentEntry(NamedTuple):
    """Where an agent's class is, what its hyperparameters may be, and what it learns from.

    refuses: kinds of actions that it cannot take ("continuous", "discrete"), each with the reason.
    linear: learns from features, tile-coded ones by default; others see observations as they are.
    """

    module: str
    class_name: str
    hyperparameters: type[Hyperparameters]
    refuses: Mapping[str, str]
    linear: bool = False


BOX_ONLY = {"discrete": "a continuous policy allows: a flat Box"}

AGENTS: dict[str, AgentEntry] = {
    "SAC": AgentEntry("agent.sac", "SAC", SACHyperparameters, BOX_ONLY),
    "GreedyAC": AgentEntry("agent.greedy_ac", "GreedyAC", GreedyACHyperparameters, BOX_ONLY),
    "VAC": AgentEntry("agent.vac", "VAC", VACHyperparameters, BOX_ONLY),
    "linearAC": AgentEntry(
        "agent.linear_ac", "LinearAC", LinearACHyperparameters,
        {"discrete": "linearAC allows: a flat Box; linearAC_softmax takes Discrete"}, linear=True,
    ),
    "linearAC_softmax": AgentEntry(
        "agent.linear_ac", "LinearAC", LinearACSoftmaxHyperparameters,
        {"continuous": "linearAC_softmax allows: Discrete; linearAC takes a flat Box"}, linear=True,
    ),
    "Random": AgentEntry("agent.random_agent", "Random", RandomHyperparameters, {}),
}  # fmt: skip


def make_agent(
    name: str, settings: Sequence[Hyperparameters], random_seeds: Sequence[int], gamma: float, spaces: Spaces
) -> Agent:
    """R learners in one: a setting and a seed for each.

    Raises KeyError for an unknown name and ValueError if the settings cannot share a stack or ask
    for a GPU that is not there.
    """
    entry = AGENTS[name]
    agent_class = getattr(importlib.import_module(entry.module), entry.class_name)
    return agent_class(settings, random_seeds, gamma, spaces)
