"""Agents: each trains R runs in lock-step. Importing this package does not import torch; `make_agent` does.

At each step an agent acts on observations, stores the transitions, and updates what it learns. SAC, GreedyAC and VAC
share `actor_critic`, with a policy (`policy/`), `replay/`, `networks/` and equations (`losses`); `engine/` may compile
their update. `linear/` has the linear actor-critic. To add an agent, write a subclass of `agent.base.BaseAgent`, its
hyperparameters and an entry of `AGENTS`; each part with a state declares `run_axes` (`utils.core.run_axes`).
"""

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
    from agent.base import Spaces
    from utils.core.interfaces import Agent


class AgentEntry(NamedTuple):
    """Location of an agent's class, its hyperparameters, and the environments it is for.

    module, class_name: where the class is defined; it is a subclass of `agent.base.BaseAgent`.
    hyperparameters: their class, which does not import torch.
    refuses: kinds of actions that the agent does not support ("continuous", "discrete"), with a message for each.
    linear: whether it learns from features, tile-coded ones by default; other agents use the observations themselves.
    """

    module: str
    class_name: str
    hyperparameters: type[Hyperparameters]
    refuses: Mapping[str, str]
    linear: bool = False


def refuse_discrete(name: str, other: str) -> dict[str, str]:
    """Return the refusals of an agent for boxes whose counterpart for discrete actions is `other`."""
    return {"discrete": f"{name} allows: a Box; {other} takes discrete actions"}


def refuse_continuous(name: str, other: str) -> dict[str, str]:
    """Return the refusals of an agent for discrete actions whose counterpart for boxes is `other`."""
    return {"continuous": f"{name} allows: discrete actions; {other} takes a Box"}


AGENTS: dict[str, AgentEntry] = {
    "SAC": AgentEntry("agent.sac", "SAC", SACHyperparameters, refuse_discrete("SAC", "SACDiscrete")),
    "SACDiscrete": AgentEntry(
        "agent.sac", "SAC", SACDiscreteHyperparameters, refuse_continuous("SACDiscrete", "SAC")
    ),
    "GreedyAC": AgentEntry(
        "agent.greedy_ac", "GreedyAC", GreedyACHyperparameters, refuse_discrete("GreedyAC", "GreedyACDiscrete")
    ),
    "GreedyACDiscrete": AgentEntry(
        "agent.greedy_ac", "GreedyAC", GreedyACDiscreteHyperparameters,
        refuse_continuous("GreedyACDiscrete", "GreedyAC"),
    ),
    "VAC": AgentEntry("agent.vac", "VAC", VACHyperparameters, refuse_discrete("VAC", "VACDiscrete")),
    "VACDiscrete": AgentEntry("agent.vac", "VAC", VACDiscreteHyperparameters, refuse_continuous("VACDiscrete", "VAC")),
    "linearAC": AgentEntry(
        "agent.linear.linear_ac", "LinearAC", LinearACHyperparameters,
        refuse_discrete("linearAC", "linearAC_softmax"), linear=True,
    ),
    "linearAC_softmax": AgentEntry(
        "agent.linear.linear_ac", "LinearAC", LinearACSoftmaxHyperparameters,
        refuse_continuous("linearAC_softmax", "linearAC"), linear=True,
    ),
    "Random": AgentEntry("agent.random_agent", "Random", RandomHyperparameters, {}),
}  # fmt: skip
"""Agents by the name that a configuration gives them."""


def make_agent(
    name: str, settings: Sequence[Hyperparameters], random_seeds: Sequence[int], gamma: float, spaces: Spaces
) -> Agent:
    """Return an agent of R learners.

    settings, random_seeds: one for each run.  gamma: discount.
    Raises KeyError for an unknown name, ValueError if the settings cannot share a stack or ask for a GPU that is not
    there, and TypeError if the agent does not declare in `run_axes` where the runs are in its state.
    """
    entry = AGENTS[name]
    agent_class = getattr(importlib.import_module(entry.module), entry.class_name)
    agent = agent_class(settings, random_seeds, gamma, spaces)
    agent.check_run_axes()  # Otherwise an incomplete agent would fail at its first checkpoint only.
    return agent
