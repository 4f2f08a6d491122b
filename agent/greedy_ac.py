"""Greedy actor-critic (Neumann et al., ICLR 2023, arXiv 1810.09103), R runs in lock-step.

In each state N actions are drawn from a *proposal policy*, and the best ceil(rho N) by Q are kept. The actor maximizes
the mean log density of those kept (its conditional cross-entropy step). The proposal policy does the same, plus alpha
times its entropy, so that it narrows more slowly. Actor and proposal policy start equal and share a step size. There is
one critic, whose target is not soft.

Deviation from the published code: its entropy term has the plain score of one draw as gradient, whose expectation is 0,
so that alpha has no effect on average. Here it is the likelihood-ratio gradient of the entropy, -E[grad log pi
(log pi - b)], with the mean log pi of the state's other draws as the baseline b; with `entropy_gradient` "plain_score"
it is theirs. Kept draws are scored unclipped, unless `clip_before_scoring` asks for theirs.

Discrete actions are all proposed, so there is no proposal policy and no temperature, and the best ceil(rho n) of the n
are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from agent import losses
from agent.actor_critic import ActorCritic
from agent.base import Batch, select_arrays
from agent.diagnostics import policy_quantities
from agent.networks.actor import Actor
from agent.policy.base import Proposals
from agent.run_state import StatePart


class GreedyAC(ActorCritic):
    """R learners; slot r follows settings[r] and random_seeds[r]. See `utils.core.interfaces.Agent`."""

    def __init__(self, *arguments: Any) -> None:
        """Create an actor-critic (see `ActorCritic`), and a proposal policy unless actions are discrete."""
        super().__init__(*arguments)
        self.proposal: Actor | None = None if self.policy.discrete else self.actor.clone()

    def extra_parts(self) -> dict[str, StatePart]:
        """Return the proposal policy's network, if there is one."""
        return {"proposal": self.proposal} if self.proposal else {}

    def _draws_per_state(self) -> tuple[int, ...]:
        return (self.common.proposals,)

    def diagnostic_names(self) -> tuple[str, ...]:
        """Return the names of what an update notes; entropy, spread and saturation are those of the proposal policy."""
        return super().diagnostic_names() + policy_quantities(self.policy)

    def _update_actor(self, batch: Batch, head: Tensor, trace: list[Tensor], *noise: Tensor) -> Tensor:
        """Move the actor, and the proposal policy, towards the best proposals. Returns the actor's loss (R,)."""
        proposal_head, proposal_trace = self.proposal.forward(batch.obs) if self.proposal else (head, trace)
        proposals = self.policy.sample(proposal_head, noise[0])
        q, _ = self._action_values(batch, proposals.action)
        self.diagnostics.note_policy(proposal_head, proposals)
        best = losses.keep_best(q[0], self.common.rho)
        kept = losses.kept_latents(proposals.latent, best)
        grad, log_prob = self.policy.score_grad(head, kept, losses.cross_entropy_grad(kept))
        if self.proposal:
            self._update_proposal(self.proposal, proposal_head, proposal_trace, proposals, best)
        self.actor.descend(trace, grad)
        return -log_prob.mean((1, 2))

    def _update_proposal(
        self, proposal: Actor, head: Tensor, trace: list[Tensor], proposals: Proposals, best: Tensor
    ) -> None:
        """Move the proposal policy, whose head (R, B, D) and trace are given, with its entropy in the loss."""
        plain_score = self.common.entropy_gradient == "plain_score"
        by_log_prob = losses.proposal_grad(proposals.log_prob, best, self.alpha, plain_score)
        grad, _ = self.policy.score_grad(head, proposals.latent, by_log_prob)
        proposal.descend(trace, grad)

    def learned_params(self, run: int) -> dict[str, np.ndarray]:
        """Return the arrays of `ActorCritic.learned_params` and those of the proposal policy."""
        named = self.proposal.arrays(run) if self.proposal else {}
        return super().learned_params(run) | {f"proposal/{name}": array for name, array in named.items()}

    def load_learned_params(self, params: Mapping[str, np.ndarray], run: int) -> None:
        """Load one run, proposal policy included, from `learned_params`."""
        super().load_learned_params(params, run)
        if self.proposal:
            self.proposal.load_arrays(run, select_arrays(params, "proposal"))
