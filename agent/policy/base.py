"""A policy parameterization: a density over actions whose parameters ("head") a network puts out.

A draw is a pure function of the head and of noise drawn beforehand. What the density scores is the
draw's *latent*: the unclipped draw, or the value before squashing. An action is what the
environment is handed. Keeping both means that a score is never taken at a clipped point.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from utils.streams import Draws

VJP = Callable[[Tensor, Tensor], Tensor]
"""Vector-Jacobian product of a draw: (by action, by log_prob) -> by head."""


class Proposals(NamedTuple):
    """K actions a state: action and latent (R, B, K, A), log_prob (R, B, K), weight (a number or (R, B, K))."""

    action: Tensor
    log_prob: Tensor
    weight: Tensor | float
    latent: Tensor


@dataclass(frozen=True)
class ActionBox:
    """Bounds of the actions, in the environment's units: low, high (A,), finite."""

    low: Tensor
    high: Tensor

    def clip(self, action: Tensor) -> Tensor:
        """Actions (..., A) moved into the box; centre + scale may round to just beyond it."""
        return torch.clamp(action, self.low, self.high)

    @property
    def scale(self) -> Tensor:
        """Half the width of the box, (A,)."""
        return (self.high - self.low) / 2

    @property
    def centre(self) -> Tensor:
        """Middle of the box, (A,)."""
        return (self.high + self.low) / 2


class Policy(ABC):
    """One family of densities. Heads are (R, B, head_dim); action dimensions are summed."""

    head_dim: int
    """Outputs that the network must have."""

    @abstractmethod
    def noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """The noise (R, rows, k, ...) that k draws in each of `rows` states consume."""

    @abstractmethod
    def draw(self, head: Tensor, noise: Tensor) -> Tensor:
        """Latents (R, B, K, A), differentiable by the head."""

    @abstractmethod
    def score(self, head: Tensor, latent: Tensor) -> Tensor:
        """Log density (R, B, K) of the *action* that a latent (R, B, K, A) stands for."""

    @abstractmethod
    def to_action(self, latent: Tensor) -> Tensor:
        """Latents (..., A) -> actions (..., A)."""

    @abstractmethod
    def to_latent(self, action: Tensor) -> Tensor:
        """Actions (..., A) -> latents (..., A), finite for every finite action."""

    @abstractmethod
    def mode(self, head: Tensor) -> Tensor:
        """The greedy action (R, B, A)."""

    def sample(self, head: Tensor, noise: Tensor) -> Proposals:
        """As many proposals as there is noise, each of weight 1/K, differentiable by the head."""
        latent = self.draw(head, noise)
        return Proposals(self.to_action(latent), self.score(head, latent), 1.0 / noise.shape[2], latent)

    def sample_with_vjp(self, head: Tensor, noise: Tensor) -> tuple[Proposals, VJP]:
        """Proposals, and the function that takes a loss's gradients by their action (R, B, K, A) and
        log_prob (R, B, K) to its gradient by the head (R, B, D), through the draw.

        Here by automatic differentiation; a family may say it in closed form, which is faster.
        """
        head = head.detach().requires_grad_()
        with torch.enable_grad():
            taped = self.sample(head, noise)

        def vjp(by_action: Tensor, by_log_prob: Tensor) -> Tensor:
            (grad,) = torch.autograd.grad((taped.action, taped.log_prob), head, (by_action, by_log_prob))
            return grad

        action, log_prob, weight, latent = taped
        return Proposals(action.detach(), log_prob.detach(), weight, latent.detach()), vjp

    def log_prob(self, head: Tensor, action: Tensor) -> Tensor:
        """Log density (R, B, K) of actions (R, B, K, A) from anywhere, such as a replay buffer."""
        return self.score(head, self.to_latent(action))
