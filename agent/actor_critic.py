"""What SAC, GreedyAC and VAC share: acting, replay, critics with their targets, an actor, random streams.

R runs train in lock-step. A subclass defines how the actor learns. The critic's target is that of expected SARSA
under the policy's own draws,

    y = r + gamma m V(s'),   V(s') = sum_k w (min_C Q' - alpha log pi),

with alpha = 0 unless the algorithm is soft. With `n_step` > 1, r, gamma and s' are those of several steps
(see `agent.replay.n_step`).

A draw outside the bounds has the log-probability of the draw itself, but the value of the clipped action, which the
environment executes: replay holds executed actions, and the critic is evaluated at no others. Otherwise the critic
would extrapolate to actions that are never executed, and a policy whose entropy is rewarded would follow it there.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agent import losses
from agent.action_units import ActionUnits
from agent.base import BaseAgent, Batch, Spaces, select_arrays
from agent.diagnostics import COMMON, Diagnostics
from agent.exploration import CorrelatedDraws, WarmUp
from agent.functions import Functions, eager_functions
from agent.hyperparameters import SharedHyperparameters, check_same_structure
from agent.networks.actor import Actor
from agent.networks.critic import BoxCritic, Critic, DiscreteCritic
from agent.networks.network import MLP
from agent.observation_statistics import ObservationStatistics
from agent.policy import policy_class
from agent.policy.base import ActionBox, Policy
from agent.replay.buffer import Replay
from agent.replay.chained_buffer import ChainedReplay
from agent.replay.layout import has_chained_rows
from agent.run_state import StatePart, collect_run_axes
from utils.core.random_streams import Draws, make_generator
from utils.core.run_axes import RunAxes
from utils.core.transition import Step


class ActorCritic(BaseAgent):
    """R learners; slot r follows settings[r] and random_seeds[r]. See `utils.core.interfaces.Agent`.

    A subclass implements `_draws_per_state` and `_update_actor`. If it learns with more than an actor and critics, it
    returns the additional parts from `extra_parts`; they are then saved, restored and compiled like the others. Other
    tensors that its update uses, which have no state, are added to `learner_parts`.
    """

    def __init__(
        self,
        settings: Sequence[Any],
        random_seeds: Sequence[int],
        gamma: float,
        spaces: Spaces,
    ) -> None:
        """Create policy, replay, networks and random streams.

        settings, random_seeds: one for each run.  gamma: discount.  spaces: the environment's.
        Raises ValueError if the settings differ structurally, need a GPU that is not there, or are for other actions.
        """
        check_same_structure(settings)
        self.common: Any = SharedHyperparameters(settings[0])
        if self.common.cuda and not torch.cuda.is_available():
            raise ValueError("cuda is true but no GPU is available; allowed here: false")
        self.device = "cuda" if self.common.cuda else "cpu"
        self.settings, self.gamma, self.spaces, self.runs = settings, gamma, spaces, len(settings)
        super().__init__(random_seeds)
        self.units: ActionUnits | None = None
        self.policy = self._make_policy(spaces.action)
        sizes = (self.common.replay_capacity, spaces.obs_dim, self.policy.action_dim)
        self.replay = (ChainedReplay if has_chained_rows(*sizes) else Replay)(self.runs, *sizes, self.device)
        self._make_networks(spaces.obs_dim)
        self.tau = self._per_run("tau").unsqueeze(1)
        self.alpha = self._per_run("alpha").view(-1, 1, 1)
        self._act_draws = CorrelatedDraws(random_seeds, "act", [s.exploration_correlation for s in settings])
        steps = self.common.learning_starts
        self.warm_up = WarmUp(random_seeds, steps, spaces.action) if steps else None
        self.statistics = ObservationStatistics(self.replay) if self.common.normalize_observations else None
        self._update_draws, self._replay_draws = Draws(random_seeds, "update"), Draws(random_seeds, "replay")
        self.updates = 0
        self._learned_batch: Batch | None = None
        self._make_diagnostics()
        self.set_functions(*eager_functions(self))

    @property
    def num_critics(self) -> int:
        """Number C of critics."""
        return 1

    @property
    def rows_per_update(self) -> int:
        """Number of transitions that an update draws: a batch, or the critics' batch and then the actor's."""
        return self.common.batch_size * (2 if self.common.separate_batches else 1)

    @abstractmethod
    def _draws_per_state(self) -> tuple[int, ...]:
        """Return the number of draws per state in each part of the actor's update."""

    @abstractmethod
    def _update_actor(self, batch: Batch, head: Tensor, trace: list[Tensor], *noise: Tensor) -> Tensor:
        """Improve the actor. Returns its loss (R,).

        head, trace: the actor's output (R, B, D) for batch.obs, and the trace that `Actor.descend` needs.
        noise: of as many draws as `_draws_per_state` returns, (R, B, K, ...) each.
        """

    def extra_parts(self) -> dict[str, StatePart]:
        """Return the parts that a subclass learns with besides actor and critics, by the names of their attributes."""
        return {}

    def diagnostic_names(self) -> tuple[str, ...]:
        """Return the names of what an update notes in `diagnostics`; a subclass adds those of its own."""
        return COMMON

    def _make_diagnostics(self) -> None:
        """Create the sums of what updates note, of which the networks note a part."""
        names = self.diagnostic_names()
        self.diagnostics = Diagnostics(self.runs, names, self.policy, self.num_critics, self.device)
        self.actor.diagnostics = self.critic.diagnostics = self.diagnostics

    def _target_alpha(self) -> Tensor:
        """Return the temperature (R, 1, 1) in the critic's target."""
        return torch.zeros_like(self.alpha)

    def _per_run(self, name: str) -> Tensor:
        """Return one hyperparameter of every run, (R,)."""
        return torch.tensor([float(getattr(s, name)) for s in self.settings], device=self.device)

    def _make_policy(self, action: ActionBox | int) -> Policy:
        """Return the settings' policy over a box, or over a number of discrete actions.

        Raises ValueError if the policy is for the other kind of actions.
        """
        family: Any = policy_class(self.common.policy_type)
        if family.discrete != isinstance(action, int):
            allowed = "a number of discrete actions" if family.discrete else "an action box"
            raise ValueError(f"found {action}; {self.common.policy_type} allows: {allowed}")
        if not isinstance(action, int):
            bounds = ActionBox(action.low.to(self.device), action.high.to(self.device))
            self.units = ActionUnits(bounds, self.common.action_units)
            action = self.units.box
        options = {name: getattr(self.common, name) for name in family.options}
        policy = family(action, self._per_run("clip_stddev"), **options)
        policy.clips_before_scoring = self.common.clip_before_scoring and not policy.bounded
        return policy

    def _make_networks(self, obs_dim: int) -> None:
        """Create actor and critics, initialized in this order from the stream `init`."""
        common, policy = self.common, self.policy
        body = (common.num_hidden, common.hidden_dim, common.activation, common.layer_norm)
        actor_mlp = MLP(obs_dim, policy.head_dim, *body)
        critic_mlp = actor_mlp if policy.discrete else MLP(obs_dim + policy.action_dim, 1, *body)
        make_critic: type[Critic] = DiscreteCritic if policy.discrete else BoxCritic
        actors, critics = [], []
        for setting, seed in zip(self.settings, self.random_seeds, strict=True):
            rng = make_generator(seed, "init")
            actors.append(actor_mlp.init(rng, setting.weight_init))
            critics.append(torch.stack([critic_mlp.init(rng, setting.weight_init) for _ in range(self.num_critics)]))
        critic_lr = self._per_run("critic_lr").unsqueeze(1)
        actor_lr = critic_lr * self._per_run("actor_lr_scale").unsqueeze(1)
        self.actor = Actor(actor_mlp, torch.stack(actors).to(self.device), actor_lr, common.betas)
        self.critic = make_critic(critic_mlp, torch.stack(critics, 1).to(self.device), critic_lr, common.betas)

    def act(self, obs: np.ndarray, greedy: bool = False) -> np.ndarray:
        """See `Agent.act`; uniform in the first `learning_starts` steps."""
        if self.warm_up and self.warm_up.acts and not greedy:
            return self.warm_up.draw_actions()
        return super().act(obs, greedy)

    def _choose(self, obs: np.ndarray, greedy: bool, draws: Draws) -> np.ndarray:
        if greedy:
            return self._functions.greedy_actions(obs)
        return self._functions.draw_actions(obs, self.draw_acting_noise(draws))

    def draw_actions(self, obs: Tensor, noise: Tensor) -> Tensor:
        """Draw actions (R, B, A) as the environment executes them; depends on `learner_parts` and arguments only.

        obs: (R, B, O).  noise: of one draw per state, (R, B, 1, ...).
        """
        latent = self.policy.draw_latent(self._acting_head(obs), noise)
        return self._to_environment(self.policy.executed_action(self.policy.to_action(latent))[:, :, 0])

    def greedy_actions(self, obs: Tensor) -> Tensor:
        """Return the policy's greedy actions (R, B, A), in the environment's units.

        Depends on `learner_parts` and obs (R, B, O) only.
        """
        return self._to_environment(self.policy.mode(self._acting_head(obs)))

    def _acting_head(self, obs: Tensor) -> Tensor:
        """Return the actor's output (R, B, D) for obs (R, B, O) as the environment returned them."""
        return self.actor.forward(self.statistics.normalize_obs(obs) if self.statistics else obs)[0]

    def _to_environment(self, action: Tensor) -> Tensor:
        """Return the learner's actions (R, B, A) in the environment's units."""
        return self.units.to_environment(action) if self.units else action

    def draw_acting_noise(self, draws: Draws) -> Tensor:
        """Draw the noise of one step, (R, 1, 1, ...)."""
        return self.policy.latent_noise(draws, 1, 1)

    def observe(self, step: Step) -> None:
        """Store one transition of each run, its action in the learner's units."""
        if self.warm_up:
            self.warm_up.count_step()
        if self.statistics:
            self.statistics.add(step.obs)
        self.replay.push(step._replace(action=self.units.from_environment(step.action)) if self.units else step)

    def update(self) -> dict[str, Tensor]:
        """Update critics, actor and targets once, if learning has started and there is a batch. Returns losses (R,)."""
        self._learned_batch = None
        if len(self.replay) < self.common.batch_size or (self.warm_up and not self.warm_up.learns):
            return {}
        uniforms = self._replay_draws.uniform(self.rows_per_update)
        batch = self.replay.sample(uniforms, self.common.n_step, self.gamma)
        noise = self.draw_update_noise(self._update_draws).to(self.device)
        critic_loss, actor_loss = self._functions.update_networks(batch, noise)
        self.updates += 1
        interval = self.common.target_update_interval
        if interval > 1 and self.updates % interval == 0:
            self._functions.update_targets()
        self._learned_batch = batch
        return {"critic_loss": critic_loss, "actor_loss": actor_loss}

    @property
    def last_batch(self) -> Batch | None:
        """The transitions that the last `update` learned from, in the environment's units; None if it did not learn."""
        batch = self._learned_batch
        return self.units.batch_to_environment(batch) if batch and self.units else batch

    def draw_update_noise(self, draws: Draws) -> Tensor:
        """Draw the noise of one update, (R, B, K, ...)."""
        return self.policy.sample_noise(draws, self.common.batch_size, 1 + sum(self._draws_per_state()))

    def update_networks(self, batch: Batch, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Improve critics, then actor; depends on, and changes, `learner_parts` and arguments only.

        batch: (R, `rows_per_update`) transitions.  noise: from `draw_update_noise`.
        Returns the losses of critics and actor, each (R,).
        """
        batch = self.statistics.normalize(batch) if self.statistics else batch
        rows = self.common.batch_size
        next_noise, *actor_noise = noise.split((1, *self._draws_per_state()), 2)
        critics_batch = actors_batch = batch
        if self.common.separate_batches:
            critics_batch, actors_batch = batch.split(rows)
        # The actor does not change before its own update, so one pass serves both kinds of states.
        heads, trace = self.actor.forward(torch.cat((actors_batch.obs, critics_batch.next_obs), 1))
        critic_loss = self._update_critic(critics_batch, heads[:, rows:], next_noise)
        if self.common.target_update_interval == 1:  # Otherwise `update` counts, which compiled code cannot.
            self.update_targets()
        return critic_loss, self._update_actor(actors_batch, heads[:, :rows], trace, *actor_noise)

    def learn(self, batch: Batch, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Make `update_networks`, and add what it notes to `diagnostics`. Arguments and results are the same."""
        critic_loss, actor_loss = self.update_networks(batch, noise)
        self.diagnostics.note(critic_loss=critic_loss, actor_loss=actor_loss)
        self.diagnostics.add()
        return critic_loss, actor_loss

    def read_diagnostics(self, run: int) -> dict[str, float]:
        """See `Agent.read_diagnostics`."""
        return self.diagnostics.read(run)

    def update_targets(self) -> None:
        """Move the target networks towards the trained ones; called every `target_update_interval` updates."""
        self.critic.update_target(self.tau)

    def set_functions(self, *functions: Callable[..., Any]) -> None:
        """Make the agent call these forms of `update_networks`, `draw_actions`, `greedy_actions`, `update_targets`."""
        self._functions = Functions(*functions)

    def learner_parts(self) -> dict[str, Any]:
        """Return the attributes that hold the tensors of `update_networks` and `draw_actions`, by name."""
        networks = {"policy": self.policy, "actor": self.actor, "critic": self.critic}
        units = {} if self.units is None or self.units.same else {"units": self.units}
        statistics = {"statistics": self.statistics} if self.statistics else {}
        common = {"tau": self.tau, "alpha": self.alpha, "diagnostics": self.diagnostics}
        return {**networks, **units, **statistics, **common, **self.extra_parts()}

    def _action_values(self, batch: Batch, action: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return Q (C, R, B, K) of actions (R, B, K, A), as the environment executes them, and the trace."""
        return self.critic.values(batch.obs, self.policy.executed_action(action))

    def _update_critic(self, batch: Batch, next_head: Tensor, noise: Tensor) -> Tensor:
        """Fit every critic to the TD target. Returns the loss (R,)."""
        proposals = self.policy.sample(next_head, noise)
        next_q = self.critic.target_values(batch.next_obs, self.policy.executed_action(proposals.action))
        next_value = losses.soft_value(next_q, proposals.log_prob, proposals.weight, self._target_alpha())
        return self.critic.fit(batch, losses.td_target(batch.reward, batch.terminated, self.gamma, next_value))

    def state_parts(self) -> dict[str, StatePart]:
        """Return the parts that keep a state, by name."""
        streams = {"act": self._act_draws, "update": self._update_draws, "replay_draws": self._replay_draws}
        own: dict[str, StatePart] = {
            "actor": self.actor, "critic": self.critic, "replay": self.replay, "diagnostics": self.diagnostics,
        }  # fmt: skip
        options = {"warm_up": self.warm_up, "statistics": self.statistics}
        used = {name: part for name, part in options.items() if part is not None}
        return {**own, **streams, **used, **self.extra_parts()}

    @property
    def run_axes(self) -> RunAxes:
        """Where the runs are in each entry of `live_state`: what its parts declare."""
        return collect_run_axes(self.state_parts()) | {"updates": "shared"}

    def live_state(self) -> dict[str, Any]:
        """See `BaseAgent.live_state`; a full replay is not copied."""
        return {name: part.state_dict() for name, part in self.state_parts().items()} | {"updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state from `state_dict`."""
        for name, part in self.state_parts().items():
            part.load_state_dict(state[name])
        self.updates = state["updates"]

    def learned_params(self, run: int) -> dict[str, np.ndarray]:
        """Return what one run has learned and acts by: arrays without padding, by name."""
        parts: dict[str, Any] = {"actor": self.actor} | ({"observations": self.statistics} if self.statistics else {})
        named = {f"{part}/{name}": array for part in parts for name, array in parts[part].arrays(run).items()}
        return named | self.critic.arrays(run) | {"alpha": self.alpha[run, 0].cpu().numpy().copy()}

    def load_learned_params(self, params: Mapping[str, np.ndarray], run: int) -> None:
        """Load what one run has learned from its `learned_params`."""
        self.actor.load_arrays(run, select_arrays(params, "actor"))
        if self.statistics:
            self.statistics.load_arrays(run, select_arrays(params, "observations"))
        self.critic.load_arrays(run, params)
        self.alpha[run, 0] = torch.from_numpy(params["alpha"])

    def begin_from(self, params: Mapping[str, np.ndarray], timesteps: int, run: int) -> None:
        """See `Agent.begin_from`. The temperature stays the setting's; statistics of observations continue."""
        self.load_learned_params({**params, "alpha": self.alpha[run, 0].cpu().numpy()}, run)
        if self.statistics:
            self.statistics.count[run] = timesteps
