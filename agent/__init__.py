"""Agents by name. Importing this imports no torch; making an agent does."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from agent.actor_critic_hyperparameters import (
    GreedyACDiscreteHyperparameters,
    GreedyACHyperparameters,
    SACDiscreteHyperparameters,
    SACHyperparameters,
    VACDiscreteHyperparameters,
    VACHyperparameters,
)
from agent.hyperparameters import (
    Hyperparameters,
    LinearACHyperparameters,
    LinearACSoftmaxHyperparameters,
    RandomHyperparameters,
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


def takes_box(name: str, other: str) -> dict[str, str]:
    """The refusal of an agent for flat boxes, whose counterpart `other` takes discrete actions."""
    return {"discrete": f"{name} allows: a flat Box; {other} takes Discrete"}


def takes_discrete(name: str, other: str) -> dict[str, str]:
    """The refusal of an agent for discrete actions, whose counterpart `other` takes flat boxes."""
    return {"continuous": f"{name} allows: Discrete; {other} takes a flat Box"}


AGENTS: dict[str, AgentEntry] = {
    "SAC": AgentEntry("agent.sac", "SAC", SACHyperparameters, takes_box("SAC", "SACDiscrete")),
    "SACDiscrete": AgentEntry(
        "agent.sac", "SAC", SACDiscreteHyperparameters, takes_discrete("SACDiscrete", "SAC")
    ),
    "GreedyAC": AgentEntry(
        "agent.greedy_ac", "GreedyAC", GreedyACHyperparameters, takes_box("GreedyAC", "GreedyACDiscrete")
    ),
    "GreedyACDiscrete": AgentEntry(
        "agent.greedy_ac", "GreedyAC", GreedyACDiscreteHyperparameters, takes_discrete("GreedyACDiscrete", "GreedyAC")
    ),
    "VAC": AgentEntry("agent.vac", "VAC", VACHyperparameters, takes_box("VAC", "VACDiscrete")),
    "VACDiscrete": AgentEntry("agent.vac", "VAC", VACDiscreteHyperparameters, takes_discrete("VACDiscrete", "VAC")),
    "linearAC": AgentEntry(
        "agent.linear.linear_ac", "LinearAC", LinearACHyperparameters,
        takes_box("linearAC", "linearAC_softmax"), linear=True,
    ),
    "linearAC_softmax": AgentEntry(
        "agent.linear.linear_ac", "LinearAC", LinearACSoftmaxHyperparameters,
        takes_discrete("linearAC_softmax", "linearAC"), linear=True,
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
