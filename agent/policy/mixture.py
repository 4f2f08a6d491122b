"""Mixture of C densities of one family, pi(a) = sum_c w_c pi_c(a), w a softmax.

The head is [parameters of the components | logits]. For each parameter of the family, in the family's own order, it has
the numbers (C, A) of all components. Learned from with a likelihood ratio, a draw is one of a component chosen with its
probability. With a pathwise gradient nothing is chosen (marginalized reparameterization, arXiv 2605.09157): every
component draws, and its draws have its weight, so that

    E f(a) = sum_c w_c E f(a_c)    and    grad E f(a) = sum_c [E f(a_c) grad w_c + w_c E grad f(a_c)],

the last gradient being the family's pathwise one. Here f = alpha log pi - Q, with log pi that of the mixture. The
components' draws share their noise, which leaves each expectation as it is, and costs C critic passes for one draw.
A mixture's modes have no closed form: the greedy action is the densest of its components' own.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.special import ndtr

from agent.policy import policy_class
from agent.policy.base import ActionBox, Policy, Proposals
from utils.core.random_streams import Draws


class Mixture(Policy):
    """Mixture of `num_components` densities of the family `component_policy`."""

    options: ClassVar[tuple[str, ...]] = (
        "num_components", "component_policy", "entropic_index", "scale_exponentiated_twice",
    )  # fmt: skip

    def __init__(
        self,
        box: ActionBox,
        clip_stddev: Tensor,
        *,
        num_components: int = 2,
        component_policy: str = "SquashedGaussian",
        **options: Any,
    ) -> None:
        """Create the family, and set the head's size, C (D + 1) with D that of one component.

        clip_stddev: (R,); see the family.  num_components: C >= 1.  component_policy: the family's name in `POLICIES`.
        options: those of families; the others' are ignored.
        """
        super().__init__(
            box, clip_stddev, **{name: value for name, value in options.items() if name not in self.options}
        )
        family = policy_class(component_policy)
        its_own = {name: options[name] for name in family.options if name in options}
        self.component = family(box, clip_stddev, **its_own)
        self.bounded, self.num_components = self.component.bounded, num_components
        self.spread_name = self.component.spread_name
        self.head_dim = num_components * (self.component.head_dim + 1)
        example = self.component.latent_noise(Draws([0], "act"), 1, 1)
        self._uniform, self._noise_shape = example.dtype == torch.float64, example.shape[3:]

    def _split(self, head: Tensor) -> tuple[Tensor, Tensor]:
        """Return the components' heads (R, B, C, D) and their log weights (R, B, C)."""
        count, dims = self.num_components, self.action_dim
        params, logits = head.split((self.head_dim - count, count), -1)
        each = params.unflatten(-1, (-1, count, dims)).transpose(2, 3).flatten(3)
        return each, torch.log_softmax(logits, -1)

    def latent_noise(self, draws: Draws, rows: int, k: int) -> Tensor:
        """Draw (R, rows, k, 1 + N): a number that chooses the component, and the N numbers of one of its draws."""
        return (draws.uniform if self._uniform else draws.normal)(rows, k, 1 + self._noise_shape.numel())

    def draw_latent(self, head: Tensor, noise: Tensor) -> Tensor:
        """Return draws of components chosen with their probabilities, without a gradient."""
        each, log_weight = (x.detach() for x in self._split(head))
        below = torch.cumsum(log_weight.exp(), -1)[..., :-1].unsqueeze(2)
        level = noise[..., :1] if self._uniform else ndtr(noise[..., :1])
        chosen = (level >= below).sum(-1).unsqueeze(-1)
        index = chosen.expand(-1, -1, -1, each.shape[-1])
        own_head, own_noise = each.gather(2, index).flatten(1, 2), noise[..., 1:].flatten(1, 2).unsqueeze(2)
        latent = self.component.draw_latent(own_head, own_noise.unflatten(-1, self._noise_shape))
        return latent.squeeze(2).unflatten(1, noise.shape[1:3])

    def latent_log_prob(self, head: Tensor, latent: Tensor) -> Tensor:
        """Return log sum_c w_c pi_c of the actions that latents map to."""
        return torch.logsumexp(self._joint_log_prob(self._split(head), latent), -1)

    def _joint_log_prob(self, split: tuple[Tensor, Tensor], latent: Tensor) -> Tensor:
        """Return log(w_c pi_c), (R, B, K, C), of the actions that latents (R, B, K, A) map to.

        split: the components' heads (R, B, C, D) and log weights (R, B, C).
        """
        each, log_weight = split
        rows, count = each.shape[1:3]
        repeated = latent.unsqueeze(2).expand(-1, -1, count, -1, -1).flatten(1, 2)
        log_prob = self.component.latent_log_prob(each.flatten(1, 2), repeated)
        return log_weight.unsqueeze(2) + log_prob.unflatten(1, (rows, count)).transpose(2, 3)

    def spread(self, head: Tensor) -> Tensor:
        """Return the components' spreads, (R, B, C A)."""
        each = self._split(head)[0]
        return self.component.spread(each.flatten(1, 2)).unflatten(1, each.shape[1:3]).flatten(2)

    def to_action(self, latent: Tensor) -> Tensor:
        """See the family."""
        return self.component.to_action(latent)

    def to_latent(self, action: Tensor) -> Tensor:
        """See the family."""
        return self.component.to_latent(action)

    def sample_pathwise(self, head: Tensor, noise: Tensor) -> Proposals:
        """Return C K draws (R, B, C K, A), K of each component with its weight / K, differentiable, weights too."""
        each, log_weight = split = self._split(head)
        (rows, count), k = each.shape[1:3], noise.shape[2]
        own_noise = noise[..., 1:].unflatten(-1, self._noise_shape).unsqueeze(2)
        own_noise = own_noise.expand(-1, -1, count, *own_noise.shape[3:]).flatten(1, 2)
        latent = self.component.draw_latent(each.flatten(1, 2), own_noise)
        latent = self.scored_latent(latent.unflatten(1, (rows, count)).flatten(2, 3))
        log_prob = torch.logsumexp(self._joint_log_prob(split, latent), -1)
        weight = (log_weight.exp() / k).unsqueeze(3).expand(-1, -1, -1, k).flatten(2)
        return Proposals(self.to_action(latent), log_prob, weight, latent)

    def mode(self, head: Tensor) -> Tensor:
        """Return the densest of the components' greedy actions, (R, B, A)."""
        split = self._split(head)
        rows, count = split[0].shape[1:3]
        modes = self.component.mode(split[0].flatten(1, 2)).unflatten(1, (rows, count))
        best = torch.logsumexp(self._joint_log_prob(split, self.to_latent(modes)), -1).argmax(-1)
        return modes.gather(2, best.view(*best.shape, 1, 1).expand(-1, -1, 1, self.action_dim))[:, :, 0]
