"""Greedy actor-critic (Neumann et al., ICLR 2023, arXiv 1810.09103), R runs in lock-step.

In each state N actions are drawn from a *proposal* policy, and the best ceil(rho N) by Q are kept.
The actor maximises the mean log density of those kept (its conditional cross-entropy step); the
proposal does the same, plus alpha times its entropy, so that it narrows more slowly. Actor and
proposal start equal and share a step size. One critic, whose target is not soft.

Deviation from the published code: its entropy term has the plain score as gradient, whose
expectation is 0, so that alpha does not act. Here it is the likelihood-ratio gradient of the
entropy, -E[grad log pi (log pi - b)], with the mean log pi of the state's other draws as the baseline b. Kept draws
are scored unclipped.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from agent import losses
from agent.actor_critic import ActorCritic
from agent.base import Batch
from agent.network import Network
from agent.optimizer import Adam


class GreedyAC(ActorCritic):
    """R learners; slot r follows settings[r] and random_seeds[r]. See `agent.base.Agent`."""

    def _make_networks(self, obs_dim: int) -> None:
        super()._make_networks(obs_dim)
        self.proposal_params = self.actor_params.clone()
        self.proposal = Network(self.actor_mlp, self.proposal_params)

    def _make_optimizers(self) -> None:
        super()._make_optimizers()
        self.proposal_optimizer = Adam(self.proposal_params, self._actor_lr, self.common.betas)

    def _draws_a_state(self) -> tuple[int, ...]:
        return (self.common.n_rho[0],)

    def _update_actor(self, batch: Batch, head: Tensor, trace: list[Tensor], *noise: Tensor) -> Tensor:
        """Move actor and proposal towards the best of the proposal's draws. Returns the actor's loss (R,)."""
        proposal_head, proposal_trace = self.proposal.forward(batch.obs)
        proposals = self.policy.sample(proposal_head, noise[0])
        q, _ = self._values(self.critic, batch.obs, proposals.action)
        best = losses.keep_best(q[0], self.common.n_rho[1])
        kept = losses.kept_latents(proposals.latent, best)
        grad, log_prob = self._score_grad(head, kept, losses.cross_entropy_grad(kept))
        by_log_prob = losses.proposal_grad(proposals.log_prob, best, self.alpha)
        proposal_grad, _ = self._score_grad(proposal_head, proposals.latent, by_log_prob)
        self.actor_optimizer.step(self.actor.grad_params(trace, grad))
        self.proposal_optimizer.step(self.proposal.grad_params(proposal_trace, proposal_grad))
        return -log_prob.mean((1, 2))

    def _parts(self) -> dict[str, Any]:
        return super()._parts() | {"proposal_optimizer": self.proposal_optimizer}

    def _tensors(self) -> dict[str, Tensor]:
        return super()._tensors() | {"proposal": self.proposal_params}

    def learned_params(self, run: int) -> dict[str, np.ndarray]:
        """As every actor-critic's, and the proposal's."""
        named = self.actor_mlp.unpadded(self.proposal_params[run])
        return super().learned_params(run) | {f"proposal/{k}": v for k, v in named.items()}
