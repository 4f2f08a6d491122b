"""Softmax policy over n discrete actions: pi(a) = exp h_a / sum_b exp h_b, the head h being the preferences.

Acting draws one action by inversion of the distribution function. `sample`, which learning uses, draws
nothing: it enumerates the actions, each with its probability as weight, so that expectations are exact.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor

from agent.policy.base import Policy, Proposals
from utils.core.random_streams import Draws

ENTROPY_SHARE = 0.98
"""A tuned temperature steers to this share of the largest entropy, log n (Christodoulou 2019, arXiv 1910.07207)."""


class Softmax(Policy):
    """An action is its number 0 ... n - 1 as a float, A = 1; latents are the actions."""

    discrete: ClassVar[bool] = True
    pathwise: ClassVar[bool] = False
    bounded: ClassVar[bool] = True

    def __init__(self, actions: int, clip_stddev: Tensor, **options: Any) -> None:
        """actions: their number n.  clip_stddev: (R,), of which only R matters: there is no sigma."""
        self._take_none(options)
        self.runs = clip_stddev.shape[0]
        self.head_dim, self.action_dim = actions, 1
        self.target_entropy = ENTROPY_SHARE * math.log(actions)
        self._all = torch.arange(actions, dtype=torch.float32, device=clip_stddev.device).view(1, 1, actions, 1)

    def noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Uniforms (R, rows, k, 1)."""
        return draws.uniform(rows, k, 1)

    def sample_noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Nothing, (R, rows, k, 0)."""
        return torch.empty(self.runs, rows, k, 0)

    def draw(self, head: Tensor, noise: Tensor) -> Tensor:
        """The number of actions whose cumulative probability does not exceed the noise, (R, B, K, 1)."""
        below = torch.cumsum(torch.softmax(head, -1), -1)[..., :-1].unsqueeze(2)
        return (noise >= below).sum(-1, keepdim=True).to(head.dtype)

    def score(self, head: Tensor, latent: Tensor) -> Tensor:
        """log pi of the actions, (R, B, K)."""
        return torch.log_softmax(head, -1).gather(2, latent.squeeze(-1).long())

    def sample(self, head: Tensor, noise: Tensor) -> Proposals:
        """All n actions in order, whatever the noise; weight pi (R, B, n)."""
        log_prob = torch.log_softmax(head, -1)
        action = self._all.expand(*head.shape[:2], -1, -1)
        return Proposals(action, log_prob, log_prob.detach().exp(), action)

    def mode(self, head: Tensor) -> Tensor:
        """The first of the most probable actions, (R, B, 1)."""
        return head.argmax(-1, keepdim=True).to(head.dtype)
