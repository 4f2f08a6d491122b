"""Policy parameterizations by name. Adding one is a file here and a line in POLICIES."""

from __future__ import annotations

from agent.policy.base import ActionBox, Policy, Proposals
from agent.policy.gaussian import Gaussian
from agent.policy.squashed_gaussian import SquashedGaussian

POLICIES: dict[str, type[Gaussian] | type[SquashedGaussian]] = {
    "Gaussian": Gaussian,
    "SquashedGaussian": SquashedGaussian,
}

__all__ = ["POLICIES", "ActionBox", "Policy", "Proposals"]
