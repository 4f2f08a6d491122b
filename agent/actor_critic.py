"""What SAC, GreedyAC and VAC share: replay, critics and their targets, an actor, named streams.

R runs in lock-step. A subclass says how its actor learns. The critic's target is that of expected
SARSA under the policy's own draws, y = r + gamma m V(s'), V(s') = sum_k w (min_C Q' - alpha log pi),
with alpha 0 unless the algorithm is soft.

A draw outside the bounds is scored where it fell, but its value is that of the clipped action which
the environment executes: replay holds executed actions and the critic is shown nothing else. Shown
the draws themselves, it would extrapolate to where nothing is ever executed, and a policy whose
entropy is rewarded follows it there.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agent import losses
from agent.base import Batch, Spaces, Step
from agent.network import MLP, Network
from agent.optimizer import Adam, polyak
from agent.policy import POLICIES, ActionBox
from agent.replay import Replay
from utils.streams import Draws, generator


class ActorCritic(ABC):
    """R learners; slot r follows settings[r] and random_seeds[r]. See `agent.base.Agent`."""

    def __init__(
        self,
        settings: Sequence[Any],
        random_seeds: Sequence[int],
        gamma: float,
        spaces: Spaces,
    ) -> None:
        """Raises ValueError if the settings differ structurally, want an absent GPU, or actions are discrete."""
        if len({s.structure() for s in settings}) != 1:
            raise ValueError("settings that differ structurally cannot share a stack")
        self.common = settings[0]
        if self.common.cuda and not torch.cuda.is_available():
            raise ValueError("cuda is true but no GPU is available; allowed here: false")
        self.device = "cuda" if self.common.cuda else "cpu"
        self.settings, self.gamma, self.runs = settings, gamma, len(settings)
        self.random_seeds = tuple(random_seeds)
        obs_dim, box = spaces.obs_dim, spaces.action
        if isinstance(box, int):
            raise ValueError(f"found {box} discrete actions; a continuous policy allows: an action box")
        box = ActionBox(box.low.to(self.device), box.high.to(self.device))
        family = POLICIES[self.common.policy_type]
        options = {name: getattr(self.common, name) for name in family.options}
        self.policy = family(box, self._per_run("clip_stddev"), **options)
        self.replay = Replay(self.runs, self.common.replay_capacity, obs_dim, box.low.shape[0], self.device)
        self._make_networks(obs_dim)
        self._make_optimizers()
        self._act, self._update = Draws(random_seeds, "act"), Draws(random_seeds, "update")
        self._replay = Draws(random_seeds, "replay")
        self.begin_eval(0)
        self.updates = 0
        self.last_batch: Batch | None = None

    @property
    def critics(self) -> int:
        """The number C of critics."""
        return 1

    @abstractmethod
    def _draws_a_state(self) -> tuple[int, ...]:
        """How many draws a state each part of the actor's update takes."""

    @abstractmethod
    def _update_actor(self, batch: Batch, head: Tensor, trace: list[Tensor], *noise: Tensor) -> Tensor:
        """Improve the actor, whose head (R, B, D) and trace are given. Returns its loss (R,).

        noise: as much as `_draws_a_state` asks for.
        """

    def _target_alpha(self) -> Tensor:
        """Temperature (R, 1, 1) in the critic's target."""
        return torch.zeros_like(self.alpha)

    def _per_run(self, name: str) -> Tensor:
        """One hyperparameter of every run, (R,)."""
        return torch.tensor([float(getattr(s, name)) for s in self.settings], device=self.device)

    def _make_networks(self, obs_dim: int) -> None:
        """Actor (R, P), critics and their targets (C, R, P), initialised in this order from `init`."""
        common = self.common
        body = (common.num_hidden, common.hidden_dim, common.activation)
        self.actor_mlp = MLP(obs_dim, self.policy.head_dim, *body)
        self.critic_mlp = MLP(obs_dim + self.policy.action_dim, 1, *body)
        actors, critics = [], []
        for setting, seed in zip(self.settings, self.random_seeds, strict=True):
            rng = generator(seed, "init")
            actors.append(self.actor_mlp.init(rng, setting.weight_init))
            critics.append([self.critic_mlp.init(rng, setting.weight_init) for _ in range(self.critics)])
        self.actor_params = torch.stack(actors).to(self.device)
        self.critic_params = torch.stack([torch.stack(c) for c in zip(*critics, strict=True)]).to(self.device)
        self.target_params = self.critic_params.clone()
        self.actor = Network(self.actor_mlp, self.actor_params)
        self.critic = Network(self.critic_mlp, self.critic_params.flatten(0, 1))
        self.target = Network(self.critic_mlp, self.target_params.flatten(0, 1))

    def _make_optimizers(self) -> None:
        critic_lr = self._per_run("critic_lr").unsqueeze(1)
        self._actor_lr = critic_lr * self._per_run("actor_lr_scale").unsqueeze(1)
        self.tau = self._per_run("tau").unsqueeze(1)
        self.alpha = self._per_run("alpha").view(-1, 1, 1)
        self.critic_optimizer = Adam(self.critic_params, critic_lr, self.common.betas)
        self.actor_optimizer = Adam(self.actor_params, self._actor_lr, self.common.betas)

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
        action = self.policy.executed(self.policy.to_action(self.policy.draw(head, noise)))
        return action[:, 0, 0].cpu().numpy()

    def observe(self, step: Step) -> None:
        """Store one transition of each run."""
        self.replay.push(step)

    def update(self) -> dict[str, Tensor]:
        """One update of critic, actor and target, once the buffer holds a batch."""
        self.last_batch = None
        rows, draws = self.common.batch_size, (1, *self._draws_a_state())
        if len(self.replay) < rows:
            return {}
        batch = self.replay.sample(self._replay.uniform(rows).to(self.device))
        noise = self.policy.noise(self._update, rows, sum(draws)).to(self.device)
        next_noise, *actor_noise = noise.split(draws, 2)
        # The actor is not changed before its own update, so one pass serves both kinds of state.
        heads, trace = self.actor.forward(torch.cat((batch.obs, batch.next_obs), 1))
        critic_loss = self._update_critic(batch, heads[:, rows:], next_noise)
        actor_loss = self._update_actor(batch, heads[:, :rows], trace, *actor_noise)
        self.updates += 1
        if self.updates % self.common.target_update_interval == 0:
            polyak(self.target_params, self.critic_params, self.tau)
        self.last_batch = batch
        return {"critic_loss": critic_loss, "actor_loss": actor_loss}

    def _values(self, network: Network, obs: Tensor, action: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Q of actions (R, B, K, A) in obs (R, B, O) by each critic, (C, R, B, K), and the trace.

        The critic is shown the action that the environment would execute.
        """
        k, action = action.shape[2], self.policy.executed(action)
        obs = obs.unsqueeze(2).expand(-1, -1, k, -1)
        return self._q(network, torch.cat((obs, action), -1).flatten(1, 2), k)

    def _q(self, network: Network, obs_action: Tensor, k: int) -> tuple[Tensor, list[Tensor]]:
        """Q of obs|action (R, B K, O + A) by each critic, (C, R, B, K), and the trace."""
        q, trace = network.forward(obs_action.expand(self.critics, -1, -1, -1).flatten(0, 1))
        return q.view(self.critics, self.runs, -1, k), trace

    def _update_critic(self, batch: Batch, next_head: Tensor, noise: Tensor) -> Tensor:
        """Fit every critic to the TD target. Returns the loss (R,)."""
        proposals = self.policy.sample(next_head, noise)
        next_q, _ = self._values(self.target, batch.next_obs, proposals.action)
        next_value = losses.soft_value(next_q, proposals.log_prob, proposals.weight, self._target_alpha())
        target = losses.td_target(batch.reward, batch.terminated, self.gamma, next_value)
        q, trace = self._q(self.critic, batch.obs_action, 1)
        loss, grad = losses.critic_loss(q, target)
        grad = self.critic.grad_params(trace, grad.flatten(0, 1))
        self.critic_optimizer.step(grad.view_as(self.critic_params))
        return loss

    def _score_grad(self, head: Tensor, latent: Tensor, by_log_prob: Tensor) -> tuple[Tensor, Tensor]:
        """Gradient by the head (R, B, D) of a function of the log densities of fixed draws, and these (R, B, K).

        latent: (R, B, K, A).  by_log_prob: the function's gradient by them, (R, B, K).
        """
        head = head.detach().requires_grad_()
        with torch.enable_grad():
            log_prob = self.policy.score(head, latent)
        (grad,) = torch.autograd.grad(log_prob, head, by_log_prob)
        return grad, log_prob.detach()

    def _parts(self) -> dict[str, Any]:
        """The parts that keep their own state."""
        return {
            "critic_optimizer": self.critic_optimizer,
            "actor_optimizer": self.actor_optimizer,
            "replay": self.replay,
            "act": self._act,
            "update": self._update,
            "replay_draws": self._replay,
        }

    def _tensors(self) -> dict[str, Tensor]:
        """The tensors that learning changes in place."""
        return {"actor": self.actor_params, "critic": self.critic_params, "target": self.target_params}

    def state_dict(self) -> dict[str, Any]:
        """All that learning depends on, copied. Evaluation's stream is not in it: it begins anew each time."""
        own: dict[str, Any] = {name: tensor.clone() for name, tensor in self._tensors().items()}
        own |= {name: copy.deepcopy(part.state_dict()) for name, part in self._parts().items()}
        return own | {"updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        for name, tensor in self._tensors().items():
            tensor.copy_(state[name])
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.updates = state["updates"]

    def learned_params(self, run: int) -> dict[str, np.ndarray]:
        """Actor, critics, target critics and temperature of one run, named arrays without padding."""
        named = {f"actor/{k}": v for k, v in self.actor_mlp.unpadded(self.actor_params[run]).items()}
        for c in range(self.critics):
            for role, params in (("critic", self.critic_params), ("target", self.target_params)):
                arrays = self.critic_mlp.unpadded(params[c, run])
                named |= {f"{role}_{c}/{k}": v for k, v in arrays.items()}
        return named | {"alpha": self.alpha[run, 0].cpu().numpy().copy()}
