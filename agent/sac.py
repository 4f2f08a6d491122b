"""Soft actor-critic (Haarnoja et al. 2018, arXiv 1812.05905), R runs in lock-step.

Deviations from the SAC of the published GreedyAC code: evaluation acts with the policy's mode, not with a random value
before the tanh; a Gaussian is scored at its unclipped draw; `num_hidden` is honoured; the baseline averages all
`baseline_actions` draws, not all but the first; a tuned temperature starts at `alpha`. With a pathwise gradient, a
state baseline is a constant whose gradient is zero, so `baseline_actions` has an effect only without
`reparameterized`.

Discrete actions (Christodoulou 2019, arXiv 1910.07207) are enumerated, each with its probability as weight. The
likelihood-ratio gradient is then exact: sum_a pi grad log pi (alpha log pi - Q), as the term that it omits,
alpha sum_a pi grad log pi, is zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agent import losses
from agent.actor_critic import ActorCritic
from agent.base import Batch
from agent.diagnostics import policy_quantities
from agent.networks.critic import BoxCritic
from agent.policy.base import Proposals
from agent.run_state import StatePart
from agent.temperature import Temperature


class SAC(ActorCritic):
    """R learners; slot r follows settings[r] and random_seeds[r]. See `utils.core.interfaces.Agent`."""

    def __init__(self, *arguments: Any) -> None:
        """Create an actor-critic (see `ActorCritic`), and a temperature if it is tuned."""
        super().__init__(*arguments)
        self.temperature: Temperature | None = None
        if self.common.automatic_entropy_tuning:
            step_size = self._per_run("alpha_lr").unsqueeze(1)
            self.temperature = Temperature(self.alpha, self._target_entropy(), step_size, self.common.betas)

    def extra_parts(self) -> dict[str, StatePart]:
        """Return the temperature, if it is tuned."""
        return {"temperature": self.temperature} if self.temperature else {}

    def _target_entropy(self) -> Tensor:
        """Return the entropy that each run's temperature is tuned towards, in nats, (R,).

        Raises ValueError for one that no density inside the bounds has, which would raise the temperature without end.
        """
        policy = self.policy
        targets = [setting.entropy_target(policy.action_dim, policy.max_entropy) for setting in self.settings]
        if policy.bounded and max(targets) >= policy.max_entropy:
            raise ValueError(
                f"target_entropy is {max(targets):g}, but no density over these actions has an entropy of more than "
                f"{policy.max_entropy:g}; allowed: less"
            )
        return torch.tensor(targets, device=self.device)

    def begin_from(self, params: Mapping[str, np.ndarray], timesteps: int, run: int) -> None:
        """See `ActorCritic.begin_from`. A tuned temperature begins at "alpha", if params has it."""
        super().begin_from(params, timesteps, run)
        if self.temperature is not None and "alpha" in params:
            self.temperature.begin_at(float(params["alpha"][0]), run)

    def diagnostic_names(self) -> tuple[str, ...]:
        """Return the names of what an update notes; the temperature only if it is tuned."""
        tuned = ("alpha",) if self.common.automatic_entropy_tuning else ()
        return super().diagnostic_names() + policy_quantities(self.policy) + tuned

    @property
    def num_critics(self) -> int:
        """Number C of critics: 2, or 1 without `double_q`."""
        return 2 if self.common.double_q else 1

    def _target_alpha(self) -> Tensor:
        return self.alpha if self.common.soft_q else super()._target_alpha()

    def _draws_per_state(self) -> tuple[int, ...]:
        """Return the number of draws in the actor's loss, and in the baseline of the likelihood-ratio gradient."""
        return self.common.num_samples, 0 if self.common.reparameterized else max(0, self.common.baseline_actions)

    def _update_actor(self, batch: Batch, head: Tensor, trace: list[Tensor], *noise: Tensor) -> Tensor:
        """Ascend the soft value of the policy's own actions, then tune the temperature."""
        compute_grad = self._pathwise_grad if self.common.reparameterized else self._likelihood_ratio_grad
        grad, value, proposals = compute_grad(batch, head, *noise)
        loss = losses.actor_loss(value, proposals.log_prob, proposals.weight, self.alpha)
        self.diagnostics.note_policy(head, proposals)
        self.actor.descend(trace, grad)
        if self.temperature is not None:
            self.temperature.tune(proposals.log_prob, proposals.weight)
            self.diagnostics.note(alpha=self.alpha.flatten().clone())
        return loss

    def _pathwise_grad(
        self, batch: Batch, head: Tensor, noise: Tensor, _baseline_noise: Tensor
    ) -> tuple[Tensor, Tensor, Proposals]:
        """Return the gradient by the head (R, B, D) through the draws, their values (R, B, K), and the draws.

        A mixture takes K draws of each component (see `Policy.sample_pathwise`).
        """
        assert isinstance(self.critic, BoxCritic)
        proposals, vjp = self.policy.sample_with_vjp(head, noise)
        action = proposals.action
        q, trace = self._action_values(batch, action)
        grad_q, by_log_prob, by_weight = losses.pathwise_grads(q, proposals.log_prob, proposals.weight, self.alpha)
        by_action = self.critic.grad_action(trace, grad_q, action.shape[-1])
        if not self.policy.bounded:
            by_action = by_action * (action == self.policy.executed_action(action))
        return vjp(by_action, by_log_prob, by_weight), losses.min_critic(q), proposals

    def _likelihood_ratio_grad(
        self, batch: Batch, head: Tensor, noise: Tensor, baseline_noise: Tensor
    ) -> tuple[Tensor, Tensor, Proposals]:
        """Return the gradient by the head (R, B, D) for fixed draws, their values (R, B, K), and the draws."""
        baseline = self._baseline_value(batch, head, baseline_noise)
        proposals = self.policy.sample(head, noise)
        value = losses.min_critic(self._action_values(batch, proposals.action)[0])
        by_log_prob = losses.likelihood_ratio_grad(value, proposals.log_prob, proposals.weight, self.alpha, baseline)
        grad, _ = self.policy.score_grad(head, proposals.latent, by_log_prob)
        return grad, value, proposals

    def _baseline_value(self, batch: Batch, head: Tensor, noise: Tensor) -> Tensor | float:
        """Return the mean value of further draws in each state, (R, B, 1); 0 if there are none."""
        if noise.shape[2] == 0:
            return 0.0
        action = self.policy.to_action(self.policy.draw_latent(head, noise))
        return losses.min_critic(self._action_values(batch, action)[0]).mean(-1, keepdim=True)
