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
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agent import losses
from agent.base import ActsOnStreams, Batch, Spaces, arrays_of
from agent.hyperparameters import check_same_structure
from agent.networks.actor import Actor
from agent.networks.critic import BoxCritic, Critic, DiscreteCritic
from agent.networks.network import MLP
from agent.policy import policy_class
from agent.policy.base import ActionBox, Policy
from agent.replay.buffer import Replay
from agent.replay.chained_buffer import ChainedReplay
from agent.replay.layout import is_chained
from utils.core.random_streams import Draws, make_generator
from utils.core.transition import Step


class ActorCritic(ActsOnStreams):
    """R learners; slot r follows settings[r] and random_seeds[r]. See `agent.base.Agent`."""

    def __init__(
        self,
        settings: Sequence[Any],
        random_seeds: Sequence[int],
        gamma: float,
        spaces: Spaces,
    ) -> None:
        """Raises ValueError if the settings differ structurally, want an absent GPU, or are for other actions."""
        check_same_structure(settings)
        self.common = settings[0]
        if self.common.cuda and not torch.cuda.is_available():
            raise ValueError("cuda is true but no GPU is available; allowed here: false")
        self.device = "cuda" if self.common.cuda else "cpu"
        self.settings, self.gamma, self.runs = settings, gamma, len(settings)
        super().__init__(random_seeds)
        self.policy = self._make_policy(spaces.action)
        sizes = (self.common.replay_capacity, spaces.obs_dim, self.policy.action_dim)
        self.replay = (ChainedReplay if is_chained(*sizes) else Replay)(self.runs, *sizes, self.device)
        self._make_networks(spaces.obs_dim)
        self.tau = self._per_run("tau").unsqueeze(1)
        self.alpha = self._per_run("alpha").view(-1, 1, 1)
        self._update, self._replay = Draws(random_seeds, "update"), Draws(random_seeds, "replay")
        self.updates = 0
        self.last_batch: Batch | None = None
        self._learn: Callable[[Batch, Tensor], tuple[Tensor, ...]] = self.learn
        self._explore: Callable[[Tensor, Tensor], Tensor] = self.explore

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

    def _make_policy(self, action: ActionBox | int) -> Policy:
        """The settings' policy over a box, or over so many discrete actions."""
        family: Any = policy_class(self.common.policy_type)
        if family.discrete != isinstance(action, int):
            allowed = "a number of discrete actions" if family.discrete else "an action box"
            raise ValueError(f"found {action}; {self.common.policy_type} allows: {allowed}")
        if not isinstance(action, int):
            action = ActionBox(action.low.to(self.device), action.high.to(self.device))
        options = {name: getattr(self.common, name) for name in family.options}
        return family(action, self._per_run("clip_stddev"), **options)

    def _make_networks(self, obs_dim: int) -> None:
        """Actor and critics, initialised in this order from `init`."""
        common, policy = self.common, self.policy
        body = (common.num_hidden, common.hidden_dim, common.activation)
        actor_mlp = MLP(obs_dim, policy.head_dim, *body)
        critic_mlp = actor_mlp if policy.discrete else MLP(obs_dim + policy.action_dim, 1, *body)
        make_critic: type[Critic] = DiscreteCritic if policy.discrete else BoxCritic
        actors, critics = [], []
        for setting, seed in zip(self.settings, self.random_seeds, strict=True):
            rng = make_generator(seed, "init")
            actors.append(actor_mlp.init(rng, setting.weight_init))
            critics.append(torch.stack([critic_mlp.init(rng, setting.weight_init) for _ in range(self.critics)]))
        critic_lr = self._per_run("critic_lr").unsqueeze(1)
        actor_lr = critic_lr * self._per_run("actor_lr_scale").unsqueeze(1)
        self.actor = Actor(actor_mlp, torch.stack(actors).to(self.device), actor_lr, common.betas)
        self.critic = make_critic(critic_mlp, torch.stack(critics, 1).to(self.device), critic_lr, common.betas)

    def _choose(self, obs: np.ndarray, greedy: bool, draws: Draws) -> np.ndarray:
        shown = torch.from_numpy(obs).to(self.device).unsqueeze(1)
        if greedy:
            head, _ = self.actor.forward(shown)
            return self.policy.mode(head)[:, 0].cpu().numpy()
        noise = self.acting_noise(draws).to(self.device)
        # Evaluation is eager under every engine: a policy that is read back from its result acts as it did.
        explore = self._explore if draws is self._act else self.explore
        return explore(shown, noise)[:, 0].cpu().numpy()

    def explore(self, obs: Tensor, noise: Tensor) -> Tensor:
        """Drawn actions (R, B, A) as the environment executes them: a function of the actor and its arguments.

        obs: (R, B, O).  noise: one draw's in each state, (R, B, 1, ...).
        """
        head, _ = self.actor.forward(obs)
        return self.policy.executed_action(self.policy.to_action(self.policy.draw_latent(head, noise)))[:, :, 0]

    def acting_noise(self, draws: Draws) -> Tensor:
        """What one step draws, (R, 1, 1, ...)."""
        return self.policy.latent_noise(draws, 1, 1)

    def observe(self, step: Step) -> None:
        """Store one transition of each run."""
        self.replay.push(step)

    def update(self) -> dict[str, Tensor]:
        """One update of critic, actor and target, once the buffer holds a batch."""
        self.last_batch = None
        if len(self.replay) < self.common.batch_size:
            return {}
        batch = self.replay.sample(self._replay.uniform(self.common.batch_size).to(self.device))
        critic_loss, actor_loss = self._learn(batch, self.noise(self._update).to(self.device))
        self.updates += 1
        interval = self.common.target_update_interval
        if interval > 1 and self.updates % interval == 0:
            self.critic.average(self.tau)
        self.last_batch = batch
        return {"critic_loss": critic_loss, "actor_loss": actor_loss}

    def noise(self, draws: Draws) -> Tensor:
        """What one update draws in each state of its batch, (R, B, K, ...)."""
        return self.policy.sample_noise(draws, self.common.batch_size, 1 + sum(self._draws_a_state()))

    def learn(self, batch: Batch, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Improve critics, then actor: a function of the learner's tensors, which it changes, and its arguments.

        noise: `self.noise`'s.  Returns the losses of critic and actor, each (R,).
        """
        rows = batch.obs.shape[1]
        next_noise, *actor_noise = noise.split((1, *self._draws_a_state()), 2)
        # The actor is not changed before its own update, so one pass serves both kinds of state.
        heads, trace = self.actor.forward(torch.cat((batch.obs, batch.next_obs), 1))
        critic_loss = self._update_critic(batch, heads[:, rows:], next_noise)
        if self.common.target_update_interval == 1:  # Else `update` counts, which a compiled graph cannot.
            self.critic.average(self.tau)
        return critic_loss, self._update_actor(batch, heads[:, :rows], trace, *actor_noise)

    def compute_by(
        self,
        learn: Callable[[Batch, Tensor], tuple[Tensor, ...]],
        explore: Callable[[Tensor, Tensor], Tensor],
    ) -> None:
        """Have `update` and, in training, `act` call other forms of `learn` and `explore`."""
        self._learn, self._explore = learn, explore

    def learner(self) -> dict[str, Any]:
        """The attributes that `learn` and `explore` use, by name: all but memory, streams and those two's forms."""
        others = ("replay", "last_batch", "_replay", "_act", "_update", "_eval_act", "_learn", "_explore")
        return {name: part for name, part in vars(self).items() if name not in others}

    def _values(self, batch: Batch, action: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Q of actions (R, B, K, A), as the environment would execute them, (C, R, B, K), and the trace."""
        return self.critic.values(batch.obs, self.policy.executed_action(action))

    def _update_critic(self, batch: Batch, next_head: Tensor, noise: Tensor) -> Tensor:
        """Fit every critic to the TD target. Returns the loss (R,)."""
        proposals = self.policy.sample(next_head, noise)
        next_q = self.critic.target_values(batch.next_obs, self.policy.executed_action(proposals.action))
        next_value = losses.soft_value(next_q, proposals.log_prob, proposals.weight, self._target_alpha())
        return self.critic.fit(batch, losses.td_target(batch.reward, batch.terminated, self.gamma, next_value))

    def _score_grad(self, head: Tensor, latent: Tensor, by_log_prob: Tensor) -> tuple[Tensor, Tensor]:
        """Gradient by the head (R, B, D) of a function of the log densities of fixed draws, and these (R, B, K).

        latent: (R, B, K, A).  by_log_prob: the function's gradient by them, (R, B, K).
        """
        head = head.detach().requires_grad_()
        with torch.enable_grad():
            log_prob = self.policy.latent_log_prob(head, latent)
        (grad,) = torch.autograd.grad(log_prob, head, by_log_prob)
        return grad, log_prob.detach()

    def _parts(self) -> dict[str, Any]:
        """The parts that keep their own state."""
        return {
            "actor": self.actor,
            "critic": self.critic,
            "replay": self.replay,
            "act": self._act,
            "update": self._update,
            "replay_draws": self._replay,
        }

    def state_dict(self) -> dict[str, Any]:
        """All that learning depends on, copied. Evaluation's stream is not in it: it begins anew each time."""
        return copy.deepcopy(self.live_state())

    def live_state(self) -> dict[str, Any]:
        """As `state_dict`, but the arrays are the parts' own: a full replay is not copied."""
        return {name: part.state_dict() for name, part in self._parts().items()} | {"updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.updates = state["updates"]

    def learned_params(self, run: int) -> dict[str, np.ndarray]:
        """Actor, critics, target critics and temperature of one run, named arrays without padding."""
        named = {f"actor/{name}": array for name, array in self.actor.arrays(run).items()}
        return named | self.critic.arrays(run) | {"alpha": self.alpha[run, 0].cpu().numpy().copy()}

    def load_learned_params(self, params: Mapping[str, np.ndarray], run: int) -> None:
        """Actor, critics, target critics and temperature of one run, from its `learned_params`."""
        self.actor.load_arrays(run, arrays_of(params, "actor"))
        self.critic.load_arrays(run, params)
        self.alpha[run, 0] = torch.from_numpy(params["alpha"])
