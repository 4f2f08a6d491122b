"""Vanilla actor-critic with replay, R runs in lock-step.

The actor follows the likelihood-ratio gradient (Williams 1992) of the policy's value: one action drawn in each state of
the batch, its advantage Q(s, a) - b(s) with the baseline b the mean value of `num_samples` other draws, plus alpha
times the entropy. There is one critic, whose target is not soft.

Deviations from the VAC of the published GreedyAC code: its entropy term has the plain score of another draw as
gradient, whose expectation is 0, so that alpha has no effect on average; here it is the likelihood-ratio gradient of
the entropy, with `entropy_gradient` "plain_score" theirs. The baseline averages all `num_samples` draws. Draws are
scored unclipped, unless `clip_before_scoring` asks for theirs.

Discrete actions are enumerated and all are learned from, each with its probability as weight, so that the gradient is
exact, whatever the baseline.
"""

from __future__ import annotations

import torch
from torch import Tensor

from agent import losses
from agent.actor_critic import ActorCritic
from agent.base import Batch
from agent.diagnostics import policy_quantities
from agent.policy.base import Proposals


class VAC(ActorCritic):
    """R learners; slot r follows settings[r] and random_seeds[r]. See `utils.core.interfaces.Agent`."""

    def _draws_per_state(self) -> tuple[int, ...]:
        """Return the number of draws: the action that is learned from and the baseline's, evaluated together.

        Discrete actions are enumerated, so that no number of draws has an effect.
        """
        return (1,) if self.policy.discrete else (1 + self.common.num_samples,)

    def diagnostic_names(self) -> tuple[str, ...]:
        """Return the names of what an update notes."""
        return super().diagnostic_names() + policy_quantities(self.policy)

    def _update_actor(self, batch: Batch, head: Tensor, trace: list[Tensor], *noise: Tensor) -> Tensor:
        """Ascend the value of the policy's own actions. Returns the loss (R,)."""
        proposals = self.policy.sample(head, noise[0])
        q = self._action_values(batch, proposals.action)[0][0]
        if self.policy.discrete:
            learned, value, baseline = proposals, q, (proposals.weight * q).sum(-1, keepdim=True)
        else:
            learned, value, baseline = proposals.first(1), q[:, :, :1], q[:, :, 1:].mean(-1, keepdim=True)
        if self.common.entropy_gradient == "plain_score":
            grad = self._grad_with_plain_score(head, proposals, value, baseline)
        else:
            by_log_prob = losses.likelihood_ratio_grad(value, learned.log_prob, learned.weight, self.alpha, baseline)
            grad, _ = self.policy.score_grad(head, learned.latent, by_log_prob)
        self.diagnostics.note_policy(head, learned)
        self.actor.descend(trace, grad)
        return losses.actor_loss(value, learned.log_prob, learned.weight, self.alpha)

    def _grad_with_plain_score(self, head: Tensor, proposals: Proposals, value: Tensor, baseline: Tensor) -> Tensor:
        """Return the published gradient by the head (R, B, D), with alpha grad log pi of the last draw for the entropy.

        value, baseline: of the first draw, (R, B, 1).
        """
        latent = torch.cat((proposals.latent[:, :, :1], proposals.latent[:, :, -1:]), 2)
        by_log_prob = torch.cat((baseline - value, self.alpha.expand_as(value)), 2) / value.shape[1]
        return self.policy.score_grad(head, latent, by_log_prob)[0]
