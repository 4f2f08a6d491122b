"""Registry of policy parameterizations. Importing it does not import torch.

A policy is one file in this folder and one line in `POLICIES`; `agent.policy.base` describes how to write one.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from agent.policy.base import Policy


class PolicyEntry(NamedTuple):
    """Location of a policy's class, and those of its class attributes that are needed without torch.

    module, class_name: where the class is defined.
    pathwise, discrete, options: equal to the class attributes of the same name (see `agent.policy.base.Policy`).
    """

    module: str
    class_name: str
    pathwise: bool = True
    discrete: bool = False
    options: tuple[str, ...] = ()


POLICIES: dict[str, PolicyEntry] = {
    "SquashedGaussian": PolicyEntry("agent.policy.squashed_gaussian", "SquashedGaussian"),
    "Gaussian": PolicyEntry("agent.policy.gaussian", "Gaussian"),
    "Beta": PolicyEntry("agent.policy.beta", "Beta"),
    "Kumaraswamy": PolicyEntry("agent.policy.kumaraswamy", "Kumaraswamy"),
    "TruncatedGaussian": PolicyEntry("agent.policy.truncated_gaussian", "TruncatedGaussian"),
    "Student": PolicyEntry("agent.policy.student", "Student", options=("scale_exponentiated_twice",)),
    "Laplace": PolicyEntry("agent.policy.laplace", "Laplace"),
    "QGaussian": PolicyEntry("agent.policy.q_gaussian", "QGaussian", options=("entropic_index",)),
    "GaussianMixture": PolicyEntry("agent.policy.gaussian_mixture", "GaussianMixture", options=("num_components",)),
    "Mixture": PolicyEntry(
        "agent.policy.mixture",
        "Mixture",
        options=("num_components", "component_policy", "entropic_index", "scale_exponentiated_twice"),
    ),
    "Softmax": PolicyEntry("agent.policy.softmax", "Softmax", pathwise=False, discrete=True),
}
"""Policies by the name that the hyperparameter `policy_type` gives them."""


def policy_class(name: str) -> type[Policy]:
    """Return the class of a policy, importing its module.  Raises KeyError for an unknown name."""
    entry = POLICIES[name]
    return getattr(importlib.import_module(entry.module), entry.class_name)
