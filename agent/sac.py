"""Soft actor-critic (Haarnoja et al. 2018, arXiv 1812.05905), R runs in lock-step.

Deviations from the published GreedyAC code's SAC: evaluation acts with the policy's mode, not with
a random value before the tanh; a Gaussian is scored at its unclipped draw; `num_hidden` is
honoured; the baseline averages all `baseline_actions` draws, not all but the first; a tuned
temperature starts at `alpha`. With a pathwise gradient a state baseline is a constant whose
gradient is zero, so `baseline_actions` matters only without `reparameterized`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from agent import losses
from agent.actor_critic import ActorCritic
from agent.base import Batch
from agent.network import LINE
from agent.optimizer import Adam


class SAC(ActorCritic):
    """R learners; slot r follows settings[r] and random_seeds[r]. See `agent.base.Agent`."""

    @property
    def critics(self) -> int:
        """Twin critics, or one."""
        return 2 if self.common.double_q else 1

    def _make_optimizers(self) -> None:
        super()._make_optimizers()
        self.target_entropy = -float(self.policy.action_dim)
        self.log_alpha = self.alpha.view(-1, 1).log().repeat(1, LINE)
        self.alpha_optimizer = Adam(self.log_alpha, self._per_run("alpha_lr").unsqueeze(1), self.common.betas)

    def _target_alpha(self) -> Tensor:
        return self.alpha if self.common.soft_q else super()._target_alpha()

    def _draws_a_state(self) -> tuple[int, ...]:
        """Of the actor's loss, and of the likelihood-ratio gradient's baseline."""
        return self.common.num_samples, 0 if self.common.reparameterized else max(0, self.common.baseline_actions)

    def _update_actor(self, batch: Batch, head: Tensor, trace: list[Tensor], *noise: Tensor) -> Tensor:
        """Ascend the soft value of the policy's own actions, then tune the temperature."""
        learn = self._pathwise if self.common.reparameterized else self._likelihood_ratio
        grad, loss, log_prob = learn(batch, head, *noise)
        self.actor_optimizer.step(self.actor.grad_params(trace, grad))
        if self.common.automatic_entropy_tuning:
            self._update_temperature(log_prob)
        return loss

    def _pathwise(
        self, batch: Batch, head: Tensor, noise: Tensor, _baseline_noise: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Through the draw: gradient by the head (R, B, D), loss (R,), log pi (R, B, K)."""
        (action, log_prob, weight, _), vjp = self.policy.sample_with_vjp(head, noise)
        q, trace = self._values(self.critic, batch.obs, action)
        grad_q, grad_log_prob = losses.pathwise_grads(q, 1.0 / noise.shape[2], self.alpha)
        by_input = self.critic.grad_input(trace, grad_q.flatten(0, 1).flatten(1).unsqueeze(-1))
        by_action = by_input[..., -action.shape[-1] :].view(self.critics, *action.shape).sum(0)
        if not self.policy.bounded:
            by_action = by_action * (action == self.policy.executed(action))
        grad = vjp(by_action, grad_log_prob)
        return grad, losses.actor_loss(losses.min_critic(q), log_prob, weight, self.alpha), log_prob

    def _likelihood_ratio(
        self, batch: Batch, head: Tensor, noise: Tensor, baseline_noise: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """With the draws held fixed: gradient by the head (R, B, D), loss (R,), log pi (R, B, K)."""
        baseline = self._baseline(batch, head, baseline_noise)
        action, log_prob, weight, latent = self.policy.sample(head, noise)
        q, _ = self._values(self.critic, batch.obs, action)
        value = losses.min_critic(q)
        by_log_prob = losses.likelihood_ratio_grad(value, log_prob, 1.0 / noise.shape[2], self.alpha, baseline)
        grad, _ = self._score_grad(head, latent, by_log_prob)
        return grad, losses.actor_loss(value, log_prob, weight, self.alpha), log_prob

    def _baseline(self, batch: Batch, head: Tensor, noise: Tensor) -> Tensor | float:
        """Mean value of extra draws in each state, (R, B, 1); 0 where there are none."""
        if noise.shape[2] == 0:
            return 0.0
        action = self.policy.to_action(self.policy.draw(head, noise))
        q, _ = self._values(self.critic, batch.obs, action)
        return losses.min_critic(q).mean(-1, keepdim=True)

    def _update_temperature(self, log_prob: Tensor) -> None:
        """Descend log alpha towards the target entropy -A.  log_prob: (R, B, K)."""
        grad = losses.temperature_grad(log_prob, self.target_entropy)
        padded = torch.zeros_like(self.log_alpha)
        padded[:, 0] = grad
        self.alpha_optimizer.step(padded)
        self.alpha.copy_(self.log_alpha[:, :1].exp().unsqueeze(-1))

    def _parts(self) -> dict[str, Any]:
        return super()._parts() | {"alpha_optimizer": self.alpha_optimizer}

    def _tensors(self) -> dict[str, Tensor]:
        return super()._tensors() | {"log_alpha": self.log_alpha, "alpha": self.alpha}
