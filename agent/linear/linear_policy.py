"""Policies of a linear agent: densities whose heads are linear functions, R runs wide.

A policy turns the heads (H, R) of the states that R runs are in into its parameters, draws from them,
and differentiates the log density by the heads.

The density that is scored is the Gaussian's, or the softmax's, at the draw itself: an environment
clips what it is handed, and no score is taken at a clipped point. The gradient by log sigma is the
unclamped one also where clip_stddev holds sigma, so that sigma can come back from its bound.

Everything is elementwise over runs, so that a run's bits do not depend on the runs beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from agent.hyperparameters import LinearACHyperparameters
from agent.policy.base import ActionBox
from utils.core.random_streams import Draws

Parameters = tuple[np.ndarray, np.ndarray]
"""What a policy's methods pass among themselves."""


class LinearPolicy(Protocol):
    """A density with `count` heads, H, called `names`."""

    count: int
    names: list[str]

    def parameters(self, head: np.ndarray) -> Parameters:
        """head (H, R) -> the density's parameters, each (., R)."""

    def sample(self, parameters: Parameters, draws: Draws) -> np.ndarray:
        """Draws (A, R), one a run."""

    def mode(self, parameters: Parameters) -> np.ndarray:
        """The most probable action (A, R)."""

    def score(self, parameters: Parameters, action: np.ndarray) -> np.ndarray:
        """Gradient of log pi(action) by the heads, (H, R).  action: (A, R)."""


class GaussianHeads:
    """Heads mu (A), then log sigma (A): independent Gaussians, in the environment's units."""

    def __init__(self, action_dim: int, settings: Sequence[LinearACHyperparameters]) -> None:
        self.action_dim, self.count = action_dim, 2 * action_dim
        limit = np.array([[np.log(s.clip_stddev) if s.clip_stddev > 0 else np.inf for s in settings]])
        self._low, self._high = -limit, limit
        self._scaled = np.array([[s.scaled for s in settings]])
        self.names = [f"mu_{i}" for i in range(action_dim)] + [f"log_sigma_{i}" for i in range(action_dim)]

    def parameters(self, head: np.ndarray) -> Parameters:
        """head (2 A, R) -> mu, sigma (A, R)."""
        mu, log_sigma = head[: self.action_dim], head[self.action_dim :]
        return mu, np.exp(np.minimum(np.maximum(log_sigma, self._low), self._high))

    def sample(self, parameters: Parameters, draws: Draws) -> np.ndarray:
        """Unclipped draws (A, R)."""
        mu, sigma = parameters
        return mu + sigma * draws.normal(self.action_dim).numpy().T

    def mode(self, parameters: Parameters) -> np.ndarray:
        """mu (A, R)."""
        return parameters[0]

    def score(self, parameters: Parameters, action: np.ndarray) -> np.ndarray:
        """Gradient of log pi(action) by the heads, (2 A, R), times sigma^2 in scaled runs.  action: (A, R)."""
        mu, sigma = parameters
        error, variance = action - mu, sigma * sigma
        factor = np.where(self._scaled, 1.0, 1.0 / variance)
        return np.concatenate((error * factor, (error * error - variance) * factor))


class SoftmaxHeads:
    """One head an action: its preference."""

    def __init__(self, actions: int) -> None:
        self.count = actions
        self.names = [f"preference_{i}" for i in range(actions)]
        self._actions = np.arange(actions)[:, None]

    def parameters(self, head: np.ndarray) -> Parameters:
        """head (n, R) -> pi, and pi of each action or one before it, (n, R); NaN if a preference is not finite."""
        power = np.exp(head - head.max(0))
        below = np.add.accumulate(power)
        return power / below[-1], below / below[-1]

    def sample(self, parameters: Parameters, draws: Draws) -> np.ndarray:
        """Indices (1, R); NaN where pi is."""
        below = parameters[1]
        index = np.add.reduce(draws.uniform(1).numpy()[:, 0] >= below, axis=0, keepdims=True)
        return index * below[-1]  # times 1, or times NaN

    def mode(self, parameters: Parameters) -> np.ndarray:
        """The first index of the largest pi, (1, R); NaN where pi is."""
        probability, below = parameters
        return probability.argmax(0)[None, :] * below[-1]

    def score(self, parameters: Parameters, action: np.ndarray) -> np.ndarray:
        """Gradient of log pi(action) by the heads, (n, R): 1 at the action, less pi.  action: (1, R)."""
        return (self._actions == action) - parameters[0]


def make_policy(action: ActionBox | int, settings: Sequence[LinearACHyperparameters]) -> LinearPolicy:
    """Gaussian over a box, softmax over so many discrete actions.  settings: one for each run."""
    if isinstance(action, int):
        return SoftmaxHeads(action)
    return GaussianHeads(action.low.shape[0], settings)
