"""Policy parameterizations by name. Adding one is a file here and a line in POLICIES. Imports no torch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from agent.policy.base import Policy


class PolicyEntry(NamedTuple):
    """Where a family's class is, and what its class says of it too: see `Policy.pathwise` and `Policy.discrete`."""

    module: str
    class_name: str
    pathwise: bool = True
    discrete: bool = False


POLICIES: dict[str, PolicyEntry] = {
    "SquashedGaussian": PolicyEntry("agent.policy.squashed_gaussian", "SquashedGaussian"),
    "Gaussian": PolicyEntry("agent.policy.gaussian", "Gaussian"),
    "Beta": PolicyEntry("agent.policy.beta", "Beta"),
    "Kumaraswamy": PolicyEntry("agent.policy.kumaraswamy", "Kumaraswamy"),
    "TruncatedGaussian": PolicyEntry("agent.policy.truncated_gaussian", "TruncatedGaussian"),
    "Student": PolicyEntry("agent.policy.student", "Student"),
    "Laplace": PolicyEntry("agent.policy.laplace", "Laplace"),
    "QGaussian": PolicyEntry("agent.policy.q_gaussian", "QGaussian"),
    "GaussianMixture": PolicyEntry("agent.policy.gaussian_mixture", "GaussianMixture", pathwise=False),
    "Softmax": PolicyEntry("agent.policy.softmax", "Softmax", pathwise=False, discrete=True),
}


def policy_class(name: str) -> type[Policy]:
    """The named family.  Raises KeyError for an unknown name."""
    entry = POLICIES[name]
    return getattr(importlib.import_module(entry.module), entry.class_name)
