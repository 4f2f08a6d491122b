"""Soft actor-critic (Haarnoja et al. 2018, arXiv 1812.05905), R runs in lock-step.

Deviations from the published GreedyAC code's SAC: evaluation acts with the policy's mode, not with
a random value before the tanh; a Gaussian is scored at its unclipped draw; `num_hidden` is
honoured; the baseline averages all `baseline_actions` draws, not all but the first; a tuned
temperature starts at `alpha`. With a pathwise gradient a state baseline is a constant whose
gradient is zero, so `baseline_actions` matters only without `reparameterized`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agent import losses
from agent.base import Batch, Step
from agent.hyperparameters import SACHyperparameters
from agent.network import LINE, MLP, Network
from agent.optimizer import Adam, polyak
from agent.policy import POLICIES, ActionBox
from agent.replay import Replay
from utils.streams import Draws, generator


class SAC:
    """R learners; slot r follows settings[r] and random_seeds[r]. See `agent.base.Agent`."""

    def __init__(
        self,
        settings: Sequence[SACHyperparameters],
        random_seeds: Sequence[int],
        gamma: float,
        obs_dim: int,
        box: ActionBox,
    ) -> None:
        """obs_dim: O.  Raises ValueError if the settings differ structurally or want an absent GPU."""
        if len({s.structure() for s in settings}) != 1:
            raise ValueError("settings that differ structurally cannot share a stack")
        common = settings[0]
        if common.cuda and not torch.cuda.is_available():
            raise ValueError("cuda is true but no GPU is available; allowed here: false")
        self.device = "cuda" if common.cuda else "cpu"
        self.common, self.gamma, self.runs = common, gamma, len(settings)
        self.random_seeds = tuple(random_seeds)
        box = ActionBox(box.low.to(self.device), box.high.to(self.device))
        self.policy = POLICIES[common.policy_type](box, self._per_run(settings, "clip_stddev"))
        self.replay = Replay(self.runs, common.replay_capacity, obs_dim, box.low.shape[0], self.device)
        self._make_networks(settings, random_seeds, obs_dim)
        self._make_optimizers(settings)
        self.target_entropy = -float(box.low.shape[0])
        self._act = Draws(random_seeds, "act")
        self.begin_eval(0)
        self._update = Draws(random_seeds, "update")
        self._replay = Draws(random_seeds, "replay")
        self.updates = 0
        self.last_batch: Batch | None = None

    def _per_run(self, settings: Sequence[SACHyperparameters], name: str) -> Tensor:
        """One hyperparameter of every run, (R,)."""
        return torch.tensor([float(getattr(s, name)) for s in settings], device=self.device)

    def _make_networks(self, settings: Sequence[SACHyperparameters], random_seeds: Sequence[int], obs_dim: int) -> None:
        """Actor (R, P), critics and their targets (C, R, P), initialised in this order from `init`."""
        common, action_dim = self.common, self.policy.action_dim
        body = (common.num_hidden, common.hidden_dim, common.activation)
        self.actor_mlp = MLP(obs_dim, self.policy.head_dim, *body)
        self.critic_mlp = MLP(obs_dim + action_dim, 1, *body)
        self.critics = 2 if common.double_q else 1
        actors, critics = [], []
        for setting, seed in zip(settings, random_seeds, strict=True):
            rng = generator(seed, "init")
            actors.append(self.actor_mlp.init(rng, setting.weight_init))
            critics.append([self.critic_mlp.init(rng, setting.weight_init) for _ in range(self.critics)])
        self.actor_params = torch.stack(actors).to(self.device)
        self.critic_params = torch.stack([torch.stack(c) for c in zip(*critics, strict=True)]).to(self.device)
        self.target_params = self.critic_params.clone()
        self.actor = Network(self.actor_mlp, self.actor_params)
        self.critic = Network(self.critic_mlp, self.critic_params.flatten(0, 1))
        self.target = Network(self.critic_mlp, self.target_params.flatten(0, 1))

    def _make_optimizers(self, settings: Sequence[SACHyperparameters]) -> None:
        critic_lr = self._per_run(settings, "critic_lr").unsqueeze(1)
        actor_lr = critic_lr * self._per_run(settings, "actor_lr_scale").unsqueeze(1)
        alpha_lr = self._per_run(settings, "alpha_lr").unsqueeze(1)
        self.tau = self._per_run(settings, "tau").unsqueeze(1)
        self.alpha = self._per_run(settings, "alpha").view(-1, 1, 1)
        self.log_alpha = self.alpha.view(-1, 1).log().repeat(1, LINE)
        self.critic_optimizer = Adam(self.critic_params, critic_lr, self.common.betas)
        self.actor_optimizer = Adam(self.actor_params, actor_lr, self.common.betas)
        self.alpha_optimizer = Adam(self.log_alpha, alpha_lr, self.common.betas)

    def act(self, obs: np.ndarray, greedy: bool = False) -> np.ndarray:
        """obs (R, O) -> actions (R, A) in the environment's units; greedy: the mode, no randomness."""
        return self._choose(obs, None if greedy else self._act)

    def begin_eval(self, timestep: int) -> None:
        """Turn the evaluation's stream to the part for this timestep."""
        self._eval_act = Draws(self.random_seeds, "eval_act", timestep)

    def act_eval(self, obs: np.ndarray, greedy: bool) -> np.ndarray:
        """As `act`, on the evaluation's own stream."""
        return self._choose(obs, None if greedy else self._eval_act)

    def _choose(self, obs: np.ndarray, draws: Draws | None) -> np.ndarray:
        head, _ = self.actor.forward(torch.from_numpy(obs).to(self.device).unsqueeze(1))
        if draws is None:
            return self.policy.mode(head)[:, 0].cpu().numpy()
        noise = self.policy.noise(draws, 1, 1).to(self.device)
        return self.policy.to_action(self.policy.draw(head, noise))[:, 0, 0].cpu().numpy()

    def observe(self, step: Step) -> None:
        """Store one transition of each run."""
        self.replay.push(step)

    def update(self) -> dict[str, Tensor]:
        """One critic, actor, temperature and target update, once the buffer holds a batch."""
        self.last_batch = None
        if len(self.replay) < self.common.batch_size:
            return {}
        rows = self.common.batch_size
        batch = self.replay.sample(self._replay.uniform(rows).to(self.device))
        extra = 0 if self.common.reparameterized else max(0, self.common.baseline_actions)
        noise = self.policy.noise(self._update, rows, 1 + self.common.num_samples + extra).to(self.device)
        next_noise, actor_noise, baseline_noise = noise.split((1, self.common.num_samples, extra), 2)
        # The actor is not changed before its own update, so one pass serves both kinds of state.
        heads, trace = self.actor.forward(torch.cat((batch.obs, batch.next_obs), 1))
        metrics = {"critic_loss": self._update_critic(batch, heads[:, rows:], next_noise)}
        metrics["actor_loss"], log_prob = self._update_actor(batch, heads[:, :rows], trace, actor_noise, baseline_noise)
        if self.common.automatic_entropy_tuning:
            self._update_temperature(log_prob)
        self.updates += 1
        if self.updates % self.common.target_update_interval == 0:
            polyak(self.target_params, self.critic_params, self.tau)
        self.last_batch = batch
        return metrics

    def _values(self, network: Network, obs: Tensor, action: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Q of actions (R, B, K, A) in obs (R, B, O) by each critic, (C, R, B, K), and the trace."""
        k = action.shape[2]
        obs = obs.unsqueeze(2).expand(-1, -1, k, -1)
        return self._q(network, torch.cat((obs, action), -1).flatten(1, 2), k)

    def _q(self, network: Network, obs_action: Tensor, k: int) -> tuple[Tensor, list[Tensor]]:
        """Q of obs|action (R, B K, O + A) by each critic, (C, R, B, K), and the trace."""
        q, trace = network.forward(obs_action.expand(self.critics, -1, -1, -1).flatten(0, 1))
        return q.view(self.critics, self.runs, -1, k), trace

    def _update_critic(self, batch: Batch, next_head: Tensor, noise: Tensor) -> Tensor:
        """Fit every critic to the soft TD target. Returns the loss (R,)."""
        proposals = self.policy.sample(next_head, noise)
        next_q, _ = self._values(self.target, batch.next_obs, proposals.action)
        alpha = self.alpha if self.common.soft_q else torch.zeros_like(self.alpha)
        next_value = losses.soft_value(next_q, proposals.log_prob, proposals.weight, alpha)
        target = losses.td_target(batch.reward, batch.terminated, self.gamma, next_value)
        q, trace = self._q(self.critic, batch.obs_action, 1)
        loss, grad = losses.critic_loss(q, target)
        grad = self.critic.grad_params(trace, grad.flatten(0, 1))
        self.critic_optimizer.step(grad.view_as(self.critic_params))
        return loss

    def _update_actor(
        self, batch: Batch, head: Tensor, trace: list[Tensor], noise: Tensor, baseline_noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Ascend the soft value of the policy's own actions. Returns the loss (R,) and log pi (R, B, K)."""
        if self.common.reparameterized:
            grad, loss, log_prob = self._pathwise(batch, head, noise)
        else:
            baseline = self._baseline(batch, head, baseline_noise)
            grad, loss, log_prob = self._likelihood_ratio(batch, head, noise, baseline)
        self.actor_optimizer.step(self.actor.grad_params(trace, grad))
        return loss, log_prob

    def _pathwise(self, batch: Batch, head: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Through the draw: gradient by the head (R, B, D), loss (R,), log pi (R, B, K)."""
        (action, log_prob, weight, _), vjp = self.policy.sample_with_vjp(head, noise)
        q, trace = self._values(self.critic, batch.obs, action)
        grad_q, grad_log_prob = losses.pathwise_grads(q, 1.0 / noise.shape[2], self.alpha)
        by_input = self.critic.grad_input(trace, grad_q.flatten(0, 1).flatten(1).unsqueeze(-1))
        by_action = by_input[..., -action.shape[-1] :].view(self.critics, *action.shape).sum(0)
        grad = vjp(by_action, grad_log_prob)
        return grad, losses.actor_loss(losses.min_critic(q), log_prob, weight, self.alpha), log_prob

    def _likelihood_ratio(
        self, batch: Batch, head: Tensor, noise: Tensor, baseline: Tensor | float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """With the draws held fixed: gradient by the head (R, B, D), loss (R,), log pi (R, B, K)."""
        head = head.detach().requires_grad_()
        action, _, weight, latent = self.policy.sample(head.detach(), noise)
        q, _ = self._values(self.critic, batch.obs, action)
        value = losses.min_critic(q)
        with torch.enable_grad():
            scored = self.policy.score(head, latent)
        log_prob = scored.detach()
        by_log_prob = losses.likelihood_ratio_grad(value, log_prob, 1.0 / noise.shape[2], self.alpha, baseline)
        (grad,) = torch.autograd.grad(scored, head, by_log_prob)
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
        self.alpha = self.log_alpha[:, :1].exp().unsqueeze(-1)

    def _parts(self) -> dict[str, Any]:
        """The parts that keep their own state."""
        return {
            "critic_optimizer": self.critic_optimizer,
            "actor_optimizer": self.actor_optimizer,
            "alpha_optimizer": self.alpha_optimizer,
            "replay": self.replay,
            "act": self._act,
            "update": self._update,
            "replay_draws": self._replay,
        }

    def _tensors(self) -> dict[str, Tensor]:
        """The tensors that learning changes in place."""
        return {
            "actor": self.actor_params,
            "critic": self.critic_params,
            "target": self.target_params,
            "log_alpha": self.log_alpha,
        }

    def state_dict(self) -> dict[str, Any]:
        """All that learning depends on, copied. Evaluation's stream is not in it: it begins anew each time."""
        own: dict[str, Any] = {name: tensor.clone() for name, tensor in self._tensors().items()}
        own |= {name: copy.deepcopy(part.state_dict()) for name, part in self._parts().items()}
        return own | {"alpha": self.alpha.clone(), "updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        for name, tensor in self._tensors().items():
            tensor.copy_(state[name])
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.alpha, self.updates = state["alpha"].clone(), state["updates"]

    def learned_params(self, run: int) -> dict[str, np.ndarray]:
        """Actor, critics, target critics and temperature of one run, named arrays without padding."""
        named = {f"actor/{k}": v for k, v in self.actor_mlp.unpadded(self.actor_params[run]).items()}
        for c in range(self.critics):
            for role, params in (("critic", self.critic_params), ("target", self.target_params)):
                arrays = self.critic_mlp.unpadded(params[c, run])
                named |= {f"{role}_{c}/{k}": v for k, v in arrays.items()}
        return named | {"alpha": self.alpha[run, 0].cpu().numpy().copy()}
