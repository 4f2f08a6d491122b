"""Average-reward actor-critic with linear functions and eligibility traces, R runs in lock-step.

Degris, Pilarski & Sutton (2012), "Model-free reinforcement learning with continuous action in practice":

    delta = r - rbar + gamma m v(s') - v(s)         m = 0 only where the episode terminated
    rbar += avg_reward_lr delta
    e_v = gamma decay e_v + x(s)                    w += critic_lr delta e_v
    e_u = gamma decay e_u + grad log pi(a|s)        u += actor_lr delta e_u

with x from `agent.linear.tile_coder`, pi from `agent.linear.linear_policy` and step sizes divided by the number of
tilings. The traces are cleared when an episode ends, also by truncation: the next episode does not follow from it.

Shapes: R runs, O observation features, F features of which K are active, H heads (linear functions): the value,
then the policy's. Everything is float64, elementwise or summed over features in one fixed order, so that the bits
of a run do not depend on the other runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from agent.action_units import ActionUnits
from agent.base import BaseAgent, Batch, Spaces
from agent.hyperparameters import LinearACHyperparameters, check_same_structure
from agent.linear.diagnostics import LinearDiagnostics
from agent.linear.linear_policy import Parameters, make_policy
from agent.linear.tile_coder import Features, RawFeatures, TileCoder
from agent.linear.traces import DROP_INTERVAL, make_traces
from utils.core.random_streams import Draws
from utils.core.run_axes import RunAxes
from utils.core.transition import Step


class StateOutputs(NamedTuple):
    """Features of the states that R runs are in, and the linear functions' outputs there.

    weight_index, x: indices r F + feature and values of the active features, (R, K).
    value: v, (R,).  parameters: the policy's.
    """

    weight_index: np.ndarray
    x: np.ndarray
    value: np.ndarray
    parameters: Parameters


class LinearAC(BaseAgent):
    """R learners; slot r follows settings[r] and random_seeds[r]. See `utils.core.interfaces.Agent`."""

    def __init__(
        self,
        settings: Sequence[LinearACHyperparameters],
        random_seeds: Sequence[int],
        gamma: float,
        spaces: Spaces,
    ) -> None:
        """Make features, policy, step sizes, and weights and traces of zeros.

        settings, random_seeds: one for each run.  gamma: discount.  spaces: the environment's.
        Raises ValueError if the settings cannot share a stack.
        """
        check_same_structure(settings)
        super().__init__(random_seeds)
        self.runs, self.gamma = len(settings), gamma
        self.features = make_features(settings[0], spaces)
        self.policy = make_policy(spaces.action, settings)
        box = None if isinstance(spaces.action, int) else spaces.action
        self.units = None if box is None else ActionUnits(box, settings[0].action_units)
        self._make_step_sizes(settings)
        heads, size = 1 + self.policy.num_heads, self.features.size
        self.weights = np.zeros((heads, self.runs, size))
        self._flat_weights = self.weights.reshape(heads, -1)
        self._head_grad = np.ones((heads, self.runs))
        self.avg_reward = np.zeros(self.runs)
        self.traces = make_traces(heads, self.runs, size)
        self.diagnostics = LinearDiagnostics(self.runs, self.policy.spread_name)
        self._run_offset = np.repeat(np.arange(self.runs)[:, None] * size, self.features.num_active, axis=1)
        self._feature_cache: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}
        self._output_cache: tuple[bytes, StateOutputs] | None = None
        self._pending_step: Step | None = None
        self._learned_step: Step | None = None

    def _make_step_sizes(self, settings: Sequence[LinearACHyperparameters]) -> None:
        """Set each run's step sizes (H, R), average-reward step size (R,) and trace decay (R,)."""
        critic_lr = np.array([s.critic_lr for s in settings]) / self.features.step_divisor
        actor_lr = np.array([s.actor_lr for s in settings]) / self.features.step_divisor
        self._lr = np.stack([critic_lr] + [actor_lr] * self.policy.num_heads)
        self._avg_reward_lr = np.array([s.avg_reward_lr for s in settings])
        self._decay = self.gamma * np.array([s.decay for s in settings])

    @np.errstate(all="ignore")  # The training loop detects a run that diverges; no warning is needed.
    def _choose(self, obs: np.ndarray, greedy: bool, draws: Draws) -> np.ndarray:
        """Return unclipped draws, in the environment's units, or action indices, (R, A)."""
        parameters = self._outputs(obs).parameters
        action = (self.policy.mode(parameters) if greedy else self.policy.sample(parameters, draws)).T
        if self.units:
            action = self.units.draw_to_environment(action)
        return action.astype(np.float32, order="C")

    def _active_features(self, obs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return indices r F + feature and values (R, K); those of the last two observations are cached."""
        key = obs.tobytes()
        if key not in self._feature_cache:
            indices, x = self.features(obs)
            if len(self._feature_cache) == 2:
                del self._feature_cache[next(iter(self._feature_cache))]
            self._feature_cache[key] = (indices + self._run_offset, x)
        return self._feature_cache[key]

    def _outputs(self, obs: np.ndarray) -> StateOutputs:
        """Evaluate every head at obs (R, O); cached until the weights change or obs differs."""
        key = obs.tobytes()
        if self._output_cache is None or self._output_cache[0] != key:
            weight_index, x = self._active_features(obs)
            head = np.add.reduce(self._flat_weights.take(weight_index, axis=1) * x, axis=2)
            self._output_cache = (key, StateOutputs(weight_index, x, head[0], self.policy.parameters(head[1:])))
        return self._output_cache[1]

    def _value(self, obs: np.ndarray) -> np.ndarray:
        """Return v(obs), (R,).  obs: (R, O)."""
        weight_index, x = self._active_features(obs)
        return np.add.reduce(self._flat_weights[0].take(weight_index) * x, axis=1)

    def observe(self, step: Step) -> None:
        """Store one transition of each run for the next `update`."""
        self._pending_step = step

    @np.errstate(all="ignore")
    def update(self) -> dict[str, Tensor]:
        """Learn from the last observed transition. Returns the TD error delta (R,)."""
        step, self._pending_step = self._pending_step, None
        self._learned_step = step
        if step is None:
            return {}
        weight_index, x, value, parameters = self._outputs(step.obs)
        bootstrap = self.gamma * (1.0 - step.terminated.astype(np.float64)) * self._value(step.next_obs)
        delta = step.reward - self.avg_reward + bootstrap - value
        self.avg_reward += self._avg_reward_lr * delta
        action = self.units.from_environment(step.action) if self.units else step.action
        self._head_grad[1:] = self.policy.score(parameters, action.T)
        self.traces.accumulate(self._decay, weight_index, self._head_grad[:, :, None] * x)
        self.traces.apply(self._flat_weights, self._lr * delta)
        self.diagnostics.add(self.avg_reward, delta)
        if self.traces.additions % DROP_INTERVAL == 0:
            self.diagnostics.add_rare(self.policy.spread(parameters), self.traces.norms())
        self._output_cache = None
        ended = np.logical_or(step.terminated, step.truncated)
        if ended.any():
            self.traces.clear(ended)
        return {"td_error": torch.from_numpy(delta)}

    @property
    def last_batch(self) -> Batch | None:
        """The transition that the last `update` learned from, as a batch of one; None if it did not learn."""
        step = self._learned_step
        if step is None:
            return None
        parts = (step.obs, step.action, step.reward[:, None], step.terminated[:, None], step.next_obs)
        rows = torch.from_numpy(np.concatenate(parts, 1).astype(np.float32)).unsqueeze(1)
        return Batch(rows, step.obs.shape[1], step.action.shape[1])

    @property
    def run_axes(self) -> RunAxes:
        """Where the runs are in each entry of `live_state`."""
        parts = {"traces": self.traces.run_axes, "act": Draws.run_axes, "diagnostics": self.diagnostics.run_axes}
        return {"weights": 1, "avg_reward": 0, **parts}

    def live_state(self) -> dict[str, Any]:
        """See `BaseAgent.live_state`."""
        return {
            "weights": self.weights,
            "avg_reward": self.avg_reward,
            "traces": self.traces.state_dict(),
            "act": self._act_draws.state_dict(),
            "diagnostics": self.diagnostics.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state from `state_dict`."""
        self.weights[:], self._output_cache = state["weights"], None
        self.avg_reward[:] = state["avg_reward"]
        self.traces.load_state_dict(state["traces"])
        self._act_draws.load_state_dict(state["act"])
        self.diagnostics.load_state_dict(state["diagnostics"])

    def read_diagnostics(self, run: int) -> dict[str, float]:
        """See `Agent.read_diagnostics`."""
        return self.diagnostics.read(run)

    def break_off(self, runs: np.ndarray) -> None:
        """Clear the traces of the chosen runs, (R,) bool."""
        self.traces.clear(runs)

    def learned_params(self, run: int) -> dict[str, np.ndarray]:
        """Return one run's weights of the value and of each of the policy's heads, (F,), and its average reward."""
        named = {"critic/value": self.weights[0, run].copy()}
        for i, name in enumerate(self.policy.head_names):
            named[f"actor/{name}"] = self.weights[1 + i, run].copy()
        return named | {"avg_reward": self.avg_reward[run].copy()}

    def load_learned_params(self, params: Mapping[str, np.ndarray], run: int) -> None:
        """Load one run's weights and average reward from `learned_params`.

        Raises KeyError for a missing array and ValueError for a wrong number of features.
        """
        names = ["critic/value", *(f"actor/{name}" for name in self.policy.head_names)]
        weights = np.stack([params[name] for name in names])
        if weights.shape[1:] != self.weights.shape[2:]:
            raise ValueError(f"found weights of {weights.shape[1]} features; allowed: {self.features.size}")
        self.weights[:, run], self._output_cache = weights, None
        self.avg_reward[run] = params["avg_reward"]

    def begin_from(self, params: Mapping[str, np.ndarray], timesteps: int, run: int) -> None:
        """See `Agent.begin_from`. An average reward that is not learned stays 0."""
        self.load_learned_params(params, run)
        if self._avg_reward_lr[run] == 0.0:
            self.avg_reward[run] = 0.0


def make_features(setting: LinearACHyperparameters, spaces: Spaces) -> Features:
    """Return a tile coder, or the raw observation if the environment's configuration turns tile coding off."""
    if spaces.tile_coding is False:
        return RawFeatures(spaces.obs_dim)
    return TileCoder(spaces.obs_low, spaces.obs_high, setting.tilings, setting.tiles)
