"""Agents by name. Importing this imports no torch; making an agent does."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from agent.hyperparameters import SACHyperparameters

if TYPE_CHECKING:
    from agent.base import Agent
    from agent.policy.base import ActionBox


class AgentEntry(NamedTuple):
    """Where an agent's class is, and what its hyperparameters may be."""

    module: str
    hyperparameters: type[SACHyperparameters]


AGENTS: dict[str, AgentEntry] = {
    "SAC": AgentEntry("agent.sac", SACHyperparameters),
}


def make_agent(
    name: str,
    settings: Sequence[SACHyperparameters],
    random_seeds: Sequence[int],
    gamma: float,
    spaces: tuple[int, ActionBox],
) -> Agent:
    """R learners in one: a setting and a seed for each; spaces: (observation features O, action box).

    Raises KeyError for an unknown name and ValueError if the settings cannot share a stack or ask
    for a GPU that is not there.
    """
    agent_class = getattr(importlib.import_module(AGENTS[name].module), name)
    return agent_class(settings, random_seeds, gamma, *spaces)
