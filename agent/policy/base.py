"""A policy parameterization: a density over actions whose parameters ("head") a network puts out.

A draw is a pure function of the head and of noise drawn beforehand. What the density scores is the
draw's *latent*: the unclipped draw, or the value before squashing. An action is what the
environment is handed. Keeping both means that a score is never taken at a clipped point.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from utils.core.random_streams import Draws

VJP = Callable[[Tensor, Tensor], Tensor]
"""Vector-Jacobian product of a draw: (by action, by log_prob) -> by head."""


EDGE = 2.0**-24
"""Half a float32 rounding of 1: 1 - EDGE is the largest float32 below 1."""


class Proposals(NamedTuple):
    """K actions a state: action and latent (R, B, K, A), log_prob (R, B, K), weight (a number or (R, B, K))."""

    action: Tensor
    log_prob: Tensor
    weight: Tensor | float
    latent: Tensor

    def first(self, k: int) -> Proposals:
        """The first k draws alone, each of weight 1/k."""
        return Proposals(self.action[:, :, :k], self.log_prob[:, :, :k], 1.0 / k, self.latent[:, :, :k])


@dataclass(frozen=True)
class ActionBox:
    """Bounds of the actions, in the environment's units: low, high (A,), finite."""

    low: Tensor
    high: Tensor
    log_width: float = field(init=False)
    """Logarithm of the box's volume; a number before anything is traced."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "log_width", float((self.high - self.low).log().sum()))

    def clip(self, action: Tensor) -> Tensor:
        """Actions (..., A) moved into the box; centre + scale may round to just beyond it."""
        return torch.clamp(action, self.low, self.high)

    def at(self, place: Tensor) -> Tensor:
        """Actions at places (..., A) in [0, 1], inside the bounds."""
        return self.clip(self.low + (self.high - self.low) * place)

    def place(self, action: Tensor) -> Tensor:
        """Where actions (..., A) lie in the box, kept in [EDGE, 1 - EDGE]."""
        return ((action - self.low) / (self.high - self.low)).clamp(EDGE, 1.0 - EDGE)

    @property
    def scale(self) -> Tensor:
        """Half the width of the box, (A,)."""
        return (self.high - self.low) / 2

    @property
    def centre(self) -> Tensor:
        """Middle of the box, (A,)."""
        return (self.high + self.low) / 2


def split_head(head: Tensor, log_clip: Tensor) -> tuple[Tensor, Tensor]:
    """Head (R, B, 2 A) -> location and log sigma clamped to +-log_clip (R, 1, 1, 1), each (R, B, 1, A)."""
    location, log_std = head.unsqueeze(2).chunk(2, -1)
    return location, torch.clamp(log_std, -log_clip, log_clip)


def log_clip_of(clip_stddev: Tensor) -> Tensor:
    """log(clip_stddev) (R, 1, 1, 1), infinite (no clamp) where clip_stddev <= 0.  clip_stddev: (R,), not in (0, 1)."""
    unlimited = torch.full_like(clip_stddev, math.inf)
    return torch.where(clip_stddev > 0, clip_stddev.log(), unlimited).view(-1, 1, 1, 1)


class Policy(ABC):
    """One family of densities. Heads are (R, B, head_dim); action dimensions are summed.

    `to_action`, `to_latent` and `mode` are here those of a symmetrical family on all of R^A whose
    latents are the draws themselves and whose head begins with [location before tanh | log sigma].
    """

    options: ClassVar[tuple[str, ...]] = ()
    """Names of the hyperparameters that the family's constructor takes besides `clip_stddev`, as keywords."""

    pathwise: ClassVar[bool] = True
    """Whether a draw is differentiable by the head; if not, only the score has a gradient."""

    discrete: ClassVar[bool] = False
    """Whether actions are numbered, and `sample` enumerates them, or lie in a box."""

    bounded: ClassVar[bool] = False
    """Whether every action lies inside the bounds; if not, `executed` clips it."""

    head_dim: int
    """Outputs that the network must have."""

    action_dim: int
    """Numbers A that an action consists of."""

    target_entropy: float
    """What a tuned temperature steers to, in nats."""

    def __init__(self, box: ActionBox, clip_stddev: Tensor, **options: Any) -> None:
        """clip_stddev: (R,); sigma lies in [1/clip, clip] where it is positive.

        options: those the family names, which its own constructor takes.  Raises TypeError for any other.
        """
        self._take_none(options)
        self.box = box
        self.action_dim = box.low.shape[0]
        self.head_dim = 2 * self.action_dim
        self.target_entropy = -float(self.action_dim)
        self._scale, self._centre = box.scale, box.centre
        self._log_clip = log_clip_of(clip_stddev)

    def _take_none(self, options: dict[str, Any]) -> None:
        """Raises TypeError for options that no constructor took."""
        if options:
            raise TypeError(f"{type(self).__name__} has no option {', '.join(options)}; its own: {self.options}")

    def _locate(self, head: Tensor) -> tuple[Tensor, Tensor]:
        """Head (R, B, 2 A) -> location, squashed into the bounds by tanh, and log sigma, each (R, B, 1, A)."""
        location, log_std = split_head(head, self._log_clip)
        return self._centre + self._scale * torch.tanh(location), log_std

    @abstractmethod
    def noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """The noise (R, rows, k, ...) that k draws in each of `rows` states consume."""

    def sample_noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """The noise (R, rows, k, ...) that `sample` consumes for k draws."""
        return self.noise(draws, rows, k)

    @abstractmethod
    def draw(self, head: Tensor, noise: Tensor) -> Tensor:
        """Latents (R, B, K, A), differentiable by the head."""

    @abstractmethod
    def score(self, head: Tensor, latent: Tensor) -> Tensor:
        """Log density (R, B, K) of the *action* that a latent (R, B, K, A) stands for."""

    def to_action(self, latent: Tensor) -> Tensor:
        """Latents (..., A) -> actions (..., A)."""
        return latent

    def executed(self, action: Tensor) -> Tensor:
        """What the environment makes of actions (..., A): those outside the bounds are clipped."""
        return action if self.bounded else self.box.clip(action)

    def to_latent(self, action: Tensor) -> Tensor:
        """Actions (..., A) -> latents (..., A), finite for every finite action."""
        return action

    def mode(self, head: Tensor) -> Tensor:
        """The greedy action (R, B, A), inside the bounds."""
        return self.box.clip(self._locate(head[..., : 2 * self.action_dim])[0][:, :, 0])

    def sample(self, head: Tensor, noise: Tensor) -> Proposals:
        """As many proposals as there is noise, each of weight 1/K, differentiable by the head."""
        latent = self.draw(head, noise)
        return Proposals(self.to_action(latent), self.score(head, latent), 1.0 / noise.shape[2], latent)

    def sample_with_vjp(self, head: Tensor, noise: Tensor) -> tuple[Proposals, VJP]:
        """Proposals, and the function that takes a loss's gradients by their action (R, B, K, A) and
        log_prob (R, B, K) to its gradient by the head (R, B, D), through the draw.

        Here by automatic differentiation; a family may say it in closed form, which is faster.
        Raises TypeError for a family whose draws are not differentiable.
        """
        if not self.pathwise:
            raise TypeError(f"draws of {type(self).__name__} have no pathwise gradient; use score's")
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
