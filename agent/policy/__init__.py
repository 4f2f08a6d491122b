"""Policy parameterizations by name. Adding one is a file here and a line in POLICIES."""

from __future__ import annotations

from agent.policy.base import ActionBox, Policy, Proposals
from agent.policy.beta import Beta
from agent.policy.gaussian import Gaussian
from agent.policy.gaussian_mixture import GaussianMixture
from agent.policy.kumaraswamy import Kumaraswamy
from agent.policy.laplace import Laplace
from agent.policy.q_gaussian import QGaussian
from agent.policy.softmax import Softmax
from agent.policy.squashed_gaussian import SquashedGaussian
from agent.policy.student import Student
from agent.policy.truncated_gaussian import TruncatedGaussian

POLICIES: dict[str, type[Policy]] = {
    "Gaussian": Gaussian,
    "SquashedGaussian": SquashedGaussian,
    "Beta": Beta,
    "Kumaraswamy": Kumaraswamy,
    "TruncatedGaussian": TruncatedGaussian,
    "Student": Student,
    "Laplace": Laplace,
    "QGaussian": QGaussian,
    "GaussianMixture": GaussianMixture,
    "Softmax": Softmax,
}

__all__ = ["POLICIES", "ActionBox", "Policy", "Proposals"]
