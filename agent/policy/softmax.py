"""Softmax policy over n discrete actions: pi(a) = exp h_a / sum_b exp h_b, the head h being the preferences.

Acting draws one action by inverting the distribution function. `sample`, which learning uses, draws
nothing: it enumerates the actions, each with its probability as weight, so that expectations are exact.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor

from agent.policy.base import Policy, Proposals
from utils.core.random_streams import Draws


class Softmax(Policy):
    """Softmax over actions numbered 0 ... n - 1, stored as floats with A = 1; latents are the actions."""

    discrete: ClassVar[bool] = True
    pathwise: ClassVar[bool] = False
    bounded = True
    spread_name = "greedy_probability"

    def __init__(self, actions: int, clip_stddev: Tensor, **options: Any) -> None:
        """Set the sizes.

        actions: number of actions n.  clip_stddev: (R,); only its length matters, as there is no sigma.
        options: none.  Raises TypeError for any.
        """
        self._refuse_options(options)
        self.runs = clip_stddev.shape[0]
        self.head_dim, self.action_dim = actions, 1
        self.max_entropy = math.log(actions)
        self._all = torch.arange(actions, dtype=torch.float32, device=clip_stddev.device).view(1, 1, actions, 1)

    def latent_noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Draw uniforms (R, rows, k, 1)."""
        return draws.uniform(rows, k, 1)

    def sample_noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Return an empty tensor (R, rows, k, 0); nothing is drawn."""
        return torch.empty(self.runs, rows, k, 0)

    def draw_latent(self, head: Tensor, noise: Tensor) -> Tensor:
        """Return the number of actions whose cumulative probability does not exceed the noise, (R, B, K, 1)."""
        below = torch.cumsum(torch.softmax(head, -1), -1)[..., :-1].unsqueeze(2)
        return (noise >= below).sum(-1, keepdim=True).to(head.dtype)

    def latent_log_prob(self, head: Tensor, latent: Tensor) -> Tensor:
        """Return log pi of the actions, (R, B, K)."""
        return torch.log_softmax(head, -1).gather(2, latent.squeeze(-1).long())

    def sample(self, head: Tensor, noise: Tensor) -> Proposals:
        """Return all n actions in order, with weights pi (R, B, n); the noise is ignored."""
        log_prob = torch.log_softmax(head, -1)
        action = self._all.expand(*head.shape[:2], -1, -1)
        return Proposals(action, log_prob, log_prob.detach().exp(), action)

    def spread(self, head: Tensor) -> Tensor:
        """Return the probability of the most probable action, (R, B, 1)."""
        return torch.softmax(head, -1).amax(-1, keepdim=True)

    def mode(self, head: Tensor) -> Tensor:
        """Return the first of the most probable actions, (R, B, 1)."""
        return head.argmax(-1, keepdim=True).to(head.dtype)
