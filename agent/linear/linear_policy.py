"""Policies of a linear agent: densities whose parameters come from linear functions ("heads"), R runs wide.

A policy maps the heads (H, R) of the states that R runs are in to its parameters, draws actions from them, and
computes the score: the gradient of the log density by the heads.

The density is the Gaussian's, or the softmax's, at the unclipped draw: only the environment clips. The gradient by
log sigma is the unclamped one even where clip_stddev limits sigma, so that sigma can return from its limit.

Everything is elementwise over runs, so that the bits of a run do not depend on the other runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from agent.hyperparameters import LinearACHyperparameters
from agent.policy.base import ActionBox
from utils.core.random_streams import Draws

Parameters = tuple[np.ndarray, np.ndarray]
"""A density's parameters; their meaning is the policy's own."""


class LinearPolicy(Protocol):
    """A density with `num_heads` heads, H, called `head_names`."""

    num_heads: int
    head_names: list[str]
    spread_name: str

    def parameters(self, head: np.ndarray) -> Parameters:
        """Map heads (H, R) to the density's parameters, each (., R)."""

    def sample(self, parameters: Parameters, draws: Draws) -> np.ndarray:
        """Draw one action per run, (A, R)."""

    def mode(self, parameters: Parameters) -> np.ndarray:
        """Return the most probable action (A, R)."""

    def spread(self, parameters: Parameters) -> np.ndarray:
        """Return how widely the density spreads, (R,): its `spread_name`."""

    def score(self, parameters: Parameters, action: np.ndarray) -> np.ndarray:
        """Return the gradient of log pi(action) by the heads, (H, R).  action: (A, R)."""


class GaussianHeads:
    """Independent Gaussians; heads mu (A), then log sigma (A)."""

    spread_name = "scale"

    def __init__(self, action_dim: int, settings: Sequence[LinearACHyperparameters]) -> None:
        """Set the limits of log sigma and whether the score is scaled, one column per run.

        action_dim: A.  settings: one for each run.
        """
        self.action_dim, self.num_heads = action_dim, 2 * action_dim
        limit = np.array([[np.log(s.clip_stddev) if s.clip_stddev > 0 else np.inf for s in settings]])
        self._low, self._high = -limit, limit
        self._scaled = np.array([[s.scaled for s in settings]])
        self.head_names = [f"mu_{i}" for i in range(action_dim)] + [f"log_sigma_{i}" for i in range(action_dim)]

    def parameters(self, head: np.ndarray) -> Parameters:
        """Map heads (2 A, R) to mu and sigma, each (A, R)."""
        mu, log_sigma = head[: self.action_dim], head[self.action_dim :]
        return mu, np.exp(np.minimum(np.maximum(log_sigma, self._low), self._high))

    def sample(self, parameters: Parameters, draws: Draws) -> np.ndarray:
        """Draw one unclipped action per run, (A, R)."""
        mu, sigma = parameters
        return mu + sigma * draws.normal(self.action_dim).numpy().T

    def mode(self, parameters: Parameters) -> np.ndarray:
        """Return mu (A, R)."""
        return parameters[0]

    def spread(self, parameters: Parameters) -> np.ndarray:
        """Return the mean of sigma over the dimensions, (R,)."""
        return np.add.reduce(parameters[1], 0) / self.action_dim

    def score(self, parameters: Parameters, action: np.ndarray) -> np.ndarray:
        """Return the gradient of log pi(action) by the heads, (2 A, R), times sigma^2 in scaled runs.

        action: (A, R).
        """
        mu, sigma = parameters
        error, variance = action - mu, sigma * sigma
        factor = np.where(self._scaled, 1.0, 1.0 / variance)
        return np.concatenate((error * factor, (error * error - variance) * factor))


class SoftmaxHeads:
    """Softmax over n discrete actions; one head per action, its preference."""

    spread_name = "greedy_probability"

    def __init__(self, actions: int) -> None:
        """Set the names of the heads.  actions: number of actions n."""
        self.num_heads = actions
        self.head_names = [f"preference_{i}" for i in range(actions)]
        self._actions = np.arange(actions)[:, None]

    def parameters(self, head: np.ndarray) -> Parameters:
        """Map preferences (n, R) to probabilities and cumulative probabilities, each (n, R).

        Both are NaN in a run that has a preference that is not finite.
        """
        power = np.exp(head - head.max(0))
        cumulative = np.add.accumulate(power)
        return power / cumulative[-1], cumulative / cumulative[-1]

    def sample(self, parameters: Parameters, draws: Draws) -> np.ndarray:
        """Draw one action index per run, (1, R); NaN where the probabilities are."""
        cumulative = parameters[1]
        index = np.add.reduce(draws.uniform(1).numpy()[:, 0] >= cumulative, axis=0, keepdims=True)
        return index * cumulative[-1]  # times 1, or times NaN

    def mode(self, parameters: Parameters) -> np.ndarray:
        """Return the first index of the largest probability, (1, R); NaN where the probabilities are."""
        probability, cumulative = parameters
        return probability.argmax(0)[None, :] * cumulative[-1]

    def spread(self, parameters: Parameters) -> np.ndarray:
        """Return the probability of the most probable action, (R,)."""
        return np.maximum.reduce(parameters[0], 0)

    def score(self, parameters: Parameters, action: np.ndarray) -> np.ndarray:
        """Return the gradient of log pi(action) by the heads, (n, R): 1 at the action, minus pi.  action: (1, R)."""
        return (self._actions == action) - parameters[0]


def make_policy(action: ActionBox | int, settings: Sequence[LinearACHyperparameters]) -> LinearPolicy:
    """Return a Gaussian over a box, or a softmax over a number of discrete actions.  settings: one for each run."""
    if isinstance(action, int):
        return SoftmaxHeads(action)
    return GaussianHeads(action.low.shape[0], settings)
