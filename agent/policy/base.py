"""Interface of a policy parameterization: a density over actions whose parameters a network outputs.

Terms, with their shapes (R runs, B states, K draws per state, A action dimensions, D network outputs):

- head (R, B, D): the network's output, from which the density's parameters are computed.
- noise (R, B, K, ...): random numbers, drawn beforehand from each run's own stream.
- latent (R, B, K, A): a draw before it becomes an action: the unclipped draw, or the value before squashing.
- action (R, B, K, A): what the latent maps to, in the units of the learner's box (`agent.action_units`).
- proposals: K actions per state with their log-probabilities and weights.

A latent is a pure function of head and noise. Log-probabilities are evaluated at the latent, hence never at a
clipped point; they are those of the action, so a squashing policy includes the Jacobian.

To add a policy, write a subclass of `Policy` in a new file of this folder and add a line to `POLICIES`
(`agent/policy/__init__.py`). Three methods are required:

- `latent_noise`: the noise that K draws consume, from `draws.normal(...)` or `draws.uniform(...)`.
- `draw_latent`: latents from head and noise, differentiable with respect to the head.
- `latent_log_prob`: the log-probability of the action that a latent maps to.

Override the rest where the defaults, those of a symmetric density on R^A, do not apply:

- `to_action`, `to_latent`: the map from latents to actions and its inverse; by default the identity.
- `mode`: the greedy action; by default the location.
- `bounded = True`: every action is inside the bounds, so it need not be clipped.
- `pathwise = False`: draws have no gradient with respect to the head (set it in `POLICIES` as well).
- `options`: hyperparameters that only this policy has. The constructor takes them as keywords, and
  `BoxHyperparameters` (`agent/actor_critic_hyperparameters.py`) declares them.
- `self.head_dim`, in the constructor: by default 2 A, the head being [location before tanh | log scale].
- `sample_pathwise`: the proposals that a pathwise gradient takes, by default those of `sample`.
- `sample_with_vjp`: by default automatic differentiation; a closed form is faster.
- `spread`, `spread_name`: what diagnostics show of the density's width; by default the scale.

Methods must work in float32 and float64. The bits of a run must not depend on the other runs of its stack: use
elementwise operations, and `agent.policy.functions` instead of torch's softplus, sigmoid, atanh and pow. With its
distribution in `tests/support/laws.py`, the policy takes every test of `tests/agent/test_conformance.py`.
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

VJP = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""Vector-Jacobian product of draws: (gradients by action, by log_prob and by weight) -> gradient by head."""


EDGE_MARGIN = 2.0**-24
"""Half a float32 rounding of 1: 1 - EDGE_MARGIN is the largest float32 below 1."""


SATURATION_MARGIN = 1e-3
"""Distance from a bound, as a fraction of the box's width, within which an action counts as saturated."""


class Proposals(NamedTuple):
    """K actions per state: action and latent (R, B, K, A), log_prob (R, B, K), weight (a number or (R, B, K))."""

    action: Tensor
    log_prob: Tensor
    weight: Tensor | float
    latent: Tensor

    def first(self, k: int) -> Proposals:
        """Return only the first k draws of each state, each of weight 1/k."""
        return Proposals(self.action[:, :, :k], self.log_prob[:, :, :k], 1.0 / k, self.latent[:, :, :k])


@dataclass(frozen=True)
class ActionBox:
    """Bounds of actions: low, high (A,), finite. Those of a learner's actions are chosen by `agent.action_units`."""

    low: Tensor
    high: Tensor
    log_width: float = field(init=False)
    """Logarithm of the box's volume, computed as a number before anything is traced."""

    def __post_init__(self) -> None:
        """Compute `log_width`."""
        object.__setattr__(self, "log_width", float((self.high - self.low).log().sum()))

    def clip(self, action: Tensor) -> Tensor:
        """Clip actions (..., A) to the bounds; centre + scale may round to just outside them."""
        return torch.clamp(action, self.low, self.high)

    def from_unit(self, position: Tensor) -> Tensor:
        """Map positions (..., A) in [0, 1] to actions inside the bounds."""
        return self.clip(self.low + (self.high - self.low) * position)

    def to_unit(self, action: Tensor) -> Tensor:
        """Map actions (..., A) to their positions in the box, clamped to [EDGE_MARGIN, 1 - EDGE_MARGIN]."""
        return ((action - self.low) / (self.high - self.low)).clamp(EDGE_MARGIN, 1.0 - EDGE_MARGIN)

    @property
    def scale(self) -> Tensor:
        """Half the width of the box, (A,)."""
        return (self.high - self.low) / 2

    @property
    def centre(self) -> Tensor:
        """Middle of the box, (A,)."""
        return (self.high + self.low) / 2


def split_head(head: Tensor, log_clip: Tensor) -> tuple[Tensor, Tensor]:
    """Split a head (R, B, 2 A) into the raw location and the clamped log scale, each (R, B, 1, A).

    log_clip: (R, 1, 1, 1); the log scale is clamped to [-log_clip, log_clip].
    """
    location, log_scale = head.unsqueeze(2).chunk(2, -1)
    return location, torch.clamp(log_scale, -log_clip, log_clip)


def log_scale_limit(clip_stddev: Tensor) -> Tensor:
    """Return log(clip_stddev), (R, 1, 1, 1); infinite (no clamp) where clip_stddev <= 0.

    clip_stddev: (R,), not in (0, 1).
    """
    unlimited = torch.full_like(clip_stddev, math.inf)
    return torch.where(clip_stddev > 0, clip_stddev.log(), unlimited).view(-1, 1, 1, 1)


class Policy(ABC):
    """A family of densities over actions; log-probabilities are summed over the action dimensions.

    The defaults of `to_action`, `to_latent` and `mode` are those of a symmetric density on R^A whose latents
    are its draws and whose head begins with [location before tanh | log scale].
    """

    options: ClassVar[tuple[str, ...]] = ()
    """Hyperparameters that the constructor takes as keywords, besides `clip_stddev`."""

    pathwise: ClassVar[bool] = True
    """Whether draws are differentiable with respect to the head; if not, only the log-probability is."""

    discrete: ClassVar[bool] = False
    """Whether actions are numbered, and `sample` enumerates them; otherwise they lie in a box."""

    bounded: bool = False
    """Whether every action lies inside the bounds; if not, `executed_action` clips it."""

    clips_before_scoring: bool = False
    """Whether `sample` clips draws to the bounds before it evaluates their log-probability."""

    spread_name: str = "scale"
    """What `spread` returns."""

    head_dim: int
    """Number of network outputs D."""

    action_dim: int
    """Number of action dimensions A."""

    max_entropy: float
    """Upper bound of the entropy of a density inside the bounds, or over the discrete actions, in nats."""

    def __init__(self, box: ActionBox, clip_stddev: Tensor, **options: Any) -> None:
        """Set the sizes and the limits of the log scale.

        box: bounds of the actions.  clip_stddev: (R,); sigma is clamped to [1/clip, clip] where it is positive.
        options: none; a subclass takes its own first.  Raises TypeError for an option that no class takes.
        """
        self._refuse_options(options)
        self.box = box
        self.action_dim = box.low.shape[0]
        self.head_dim = 2 * self.action_dim
        self.max_entropy = box.log_width
        self._scale, self._centre = box.scale, box.centre
        self._log_clip = log_scale_limit(clip_stddev)

    def _refuse_options(self, options: dict[str, Any]) -> None:
        """Raise TypeError if any options are left."""
        if options:
            allowed = ", ".join(self.options) or "none"
            raise TypeError(f"{type(self).__name__} has no option {', '.join(options)}; allowed: {allowed}")

    def location_and_log_scale(self, head: Tensor) -> tuple[Tensor, Tensor]:
        """Split a head (R, B, 2 A) into the location, squashed into the bounds by tanh, and the log scale.

        Returns two tensors (R, B, 1, A).
        """
        location, log_scale = split_head(head, self._log_clip)
        return self._centre + self._scale * torch.tanh(location), log_scale

    @abstractmethod
    def latent_noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Draw the noise (R, rows, k, ...) that `draw_latent` consumes for k draws in each of `rows` states."""

    def sample_noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Draw the noise (R, rows, k, ...) that `sample` consumes for k draws in each of `rows` states."""
        return self.latent_noise(draws, rows, k)

    @abstractmethod
    def draw_latent(self, head: Tensor, noise: Tensor) -> Tensor:
        """Return latents (R, B, K, A), differentiable with respect to the head."""

    @abstractmethod
    def latent_log_prob(self, head: Tensor, latent: Tensor) -> Tensor:
        """Return the log-probability (R, B, K) of the *action* that each latent (R, B, K, A) maps to."""

    def to_action(self, latent: Tensor) -> Tensor:
        """Map latents (..., A) to actions (..., A)."""
        return latent

    def executed_action(self, action: Tensor) -> Tensor:
        """Return actions (..., A) as they are executed, clipped to the bounds."""
        return action if self.bounded else self.box.clip(action)

    def to_latent(self, action: Tensor) -> Tensor:
        """Map actions (..., A) to latents (..., A), finite for every finite action."""
        return action

    def mode(self, head: Tensor) -> Tensor:
        """Return the greedy action (R, B, A), inside the bounds."""
        return self.box.clip(self.location_and_log_scale(head[..., : 2 * self.action_dim])[0][:, :, 0])

    def spread(self, head: Tensor) -> Tensor:
        """Return how widely the density spreads in each dimension, (R, B, A): its `spread_name`, by default the scale.

        A mixture returns its components', (R, B, C A).
        """
        return split_head(head[..., : 2 * self.action_dim], self._log_clip)[1].exp()[:, :, 0]

    def saturated(self, action: Tensor) -> Tensor:
        """Return 1 where an action (..., A) is within a thousandth of the box's width of a bound or beyond, else 0."""
        margin = SATURATION_MARGIN * (self.box.high - self.box.low)
        inside = (action > self.box.low + margin) & (action < self.box.high - margin)
        return 1.0 - inside.to(action.dtype)

    def sample(self, head: Tensor, noise: Tensor) -> Proposals:
        """Return one proposal per draw of the noise, each of weight 1/K, differentiable with respect to the head."""
        latent = self.scored_latent(self.draw_latent(head, noise))
        return Proposals(self.to_action(latent), self.latent_log_prob(head, latent), 1.0 / noise.shape[2], latent)

    def scored_latent(self, latent: Tensor) -> Tensor:
        """Return where draws (..., A) are scored: clipped to the bounds if `clips_before_scoring`, else as they are."""
        return self.box.clip(latent) if self.clips_before_scoring else latent

    def sample_pathwise(self, head: Tensor, noise: Tensor) -> Proposals:
        """Return proposals, weights included, through which the head's gradient is that of an expectation.

        By default those of `sample`; a policy that chooses among parts of its density takes every part instead.
        """
        return self.sample(head, noise)

    def sample_with_vjp(self, head: Tensor, noise: Tensor) -> tuple[Proposals, VJP]:
        """Return the proposals of `sample_pathwise` without a gradient, and their vector-Jacobian product.

        The product takes a loss's gradients by action (R, B, K, A), by log_prob (R, B, K) and by weight (R, B, K),
        None if weights are one number, to its gradient by the head (R, B, D), through the draws.
        Raises TypeError for a policy whose draws are not differentiable.
        """
        if not self.pathwise:
            raise TypeError(
                f"draws of {type(self).__name__} have no pathwise gradient; use the gradient of latent_log_prob"
            )
        head = head.detach().requires_grad_()
        with torch.enable_grad():
            taped = self.sample_pathwise(head, noise)

        def vjp(by_action: Tensor, by_log_prob: Tensor, by_weight: Tensor | None) -> Tensor:
            outputs, grads = [taped.action, taped.log_prob], [by_action, by_log_prob]
            if isinstance(taped.weight, Tensor) and by_weight is not None:
                outputs, grads = [*outputs, taped.weight], [*grads, by_weight]
            (grad,) = torch.autograd.grad(outputs, head, grads)
            return grad

        weight = taped.weight.detach() if isinstance(taped.weight, Tensor) else taped.weight
        return Proposals(taped.action.detach(), taped.log_prob.detach(), weight, taped.latent.detach()), vjp

    def score_grad(self, head: Tensor, latent: Tensor, by_log_prob: Tensor) -> tuple[Tensor, Tensor]:
        """Return a function's gradient (R, B, D) by the head, and the log-probabilities (R, B, K) it is a function of.

        latent: draws that are held fixed, (R, B, K, A).
        by_log_prob: the function's gradient by their log-probabilities, (R, B, K).
        """
        head = head.detach().requires_grad_()
        with torch.enable_grad():
            log_prob = self.latent_log_prob(head, latent)
        (grad,) = torch.autograd.grad(log_prob, head, by_log_prob)
        return grad, log_prob.detach()

    def log_prob(self, head: Tensor, action: Tensor) -> Tensor:
        """Return the log-probability (R, B, K) of any actions (R, B, K, A), such as those of a replay buffer."""
        return self.latent_log_prob(head, self.to_latent(action))
