"""Average-reward actor-critic with linear functions and eligibility traces, R runs in lock-step.

Degris, Pilarski & Sutton (2012), "Model-free reinforcement learning with continuous action in practice":

    delta = r - rbar + gamma m v(s') - v(s)         m = 0 only where the episode terminated
    rbar += avg_reward_lr delta
    e_v = gamma decay e_v + x(s)                    w += critic_lr delta e_v
    e_u = gamma decay e_u + grad log pi(a|s)        u += actor_lr delta e_u

with x from `agent.linear.tile_coder`, pi from `agent.linear.linear_policy` and step sizes divided by the number of
tilings. The traces are cleared when an episode ends, truncated ones too: what comes next did not follow
from what was before.

Everything is float64, elementwise or summed over features in one fixed order, so that a run's bits do
not depend on the runs beside it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from agent.base import ActsOnStreams, Batch, Spaces
from agent.hyperparameters import LinearACHyperparameters, check_alike
from agent.linear.linear_policy import Parameters, make_policy
from agent.linear.tile_coder import Features, RawFeatures, TileCoder
from agent.linear.traces import make_traces
from utils.core.random_streams import Draws
from utils.core.transition import Step


class State(NamedTuple):
    """What is known of the states that R runs are in, under the present weights.

    flat, x: places r F + feature and values of the features, (R, K); value: v (R,); parameters: the policy's.
    """

    flat: np.ndarray
    x: np.ndarray
    value: np.ndarray
    parameters: Parameters


class LinearAC(ActsOnStreams):
    """R learners; slot r follows settings[r] and random_seeds[r]. See `agent.base.Agent`."""

    def __init__(
        self,
        settings: Sequence[LinearACHyperparameters],
        random_seeds: Sequence[int],
        gamma: float,
        spaces: Spaces,
    ) -> None:
        """Raises ValueError if the settings differ structurally."""
        check_alike(settings)
        super().__init__(random_seeds)
        self.runs, self.gamma = len(settings), gamma
        self.features = make_features(settings[0], spaces)
        self.policy = make_policy(spaces.action, settings)
        self._make_step_sizes(settings)
        heads, size = 1 + self.policy.count, self.features.size
        self.weights = np.zeros((heads, self.runs, size))
        self._flat_weights = self.weights.reshape(heads, -1)
        self._by_head = np.ones((heads, self.runs))
        self.avg_reward = np.zeros(self.runs)
        self.traces = make_traces(heads, self.runs, size)
        self._first = np.repeat(np.arange(self.runs)[:, None] * size, self.features.active, axis=1)
        self._recent: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}
        self._present: tuple[bytes, State] | None = None
        self._step: Step | None = None
        self._learned_from: Step | None = None

    def _make_step_sizes(self, settings: Sequence[LinearACHyperparameters]) -> None:
        """Each run's own numbers: step sizes (H, R), the others (R,)."""
        critic_lr = np.array([s.critic_lr for s in settings]) / self.features.step_divisor
        actor_lr = np.array([s.actor_lr for s in settings]) / self.features.step_divisor
        self._lr = np.stack([critic_lr] + [actor_lr] * self.policy.count)
        self._avg_reward_lr = np.array([s.avg_reward_lr for s in settings])
        self._decay = self.gamma * np.array([s.decay for s in settings])

    @np.errstate(all="ignore")  # A run that diverges is found by the loop, not by a warning.
    def _choose(self, obs: np.ndarray, greedy: bool, draws: Draws) -> np.ndarray:
        """Unclipped draws or indices."""
        parameters = self._state(obs).parameters
        action = self.policy.mode(parameters) if greedy else self.policy.sample(parameters, draws)
        return action.T.astype(np.float32, order="C")

    def _features(self, obs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places r F + feature and values (R, K); the last two observations' are remembered."""
        key = obs.tobytes()
        if key not in self._recent:
            place, x = self.features(obs)
            if len(self._recent) == 2:
                del self._recent[next(iter(self._recent))]
            self._recent[key] = (place + self._first, x)
        return self._recent[key]

    def _state(self, obs: np.ndarray) -> State:
        """The states obs (R, O); remembered until the weights change or others are asked for."""
        key = obs.tobytes()
        if self._present is None or self._present[0] != key:
            flat, x = self._features(obs)
            head = np.add.reduce(self._flat_weights.take(flat, axis=1) * x, axis=2)
            self._present = (key, State(flat, x, head[0], self.policy.parameters(head[1:])))
        return self._present[1]

    def _value(self, obs: np.ndarray) -> np.ndarray:
        """v of obs (R, O), (R,)."""
        flat, x = self._features(obs)
        return np.add.reduce(self._flat_weights[0].take(flat) * x, axis=1)

    def observe(self, step: Step) -> None:
        """Take in one transition of each run, to be learned from by the next `update`."""
        self._step = step

    @np.errstate(all="ignore")
    def update(self) -> dict[str, Tensor]:
        """Learn from the transition observed last. Returns the TD error delta (R,)."""
        step, self._step = self._step, None
        self._learned_from = step
        if step is None:
            return {}
        flat, x, value, parameters = self._state(step.obs)
        bootstrap = self.gamma * (1.0 - step.terminated.astype(np.float64)) * self._value(step.next_obs)
        delta = step.reward - self.avg_reward + bootstrap - value
        self.avg_reward += self._avg_reward_lr * delta
        self._by_head[1:] = self.policy.score(parameters, step.action.T)
        self.traces.add(self._decay, flat, self._by_head[:, :, None] * x)
        self.traces.apply(self._flat_weights, self._lr * delta)
        self._present = None
        ended = np.logical_or(step.terminated, step.truncated)
        if ended.any():
            self.traces.clear(ended)
        return {"td_error": torch.from_numpy(delta)}

    @property
    def last_batch(self) -> Batch | None:
        """The transition that the last `update` learned from, as a batch of one."""
        step = self._learned_from
        if step is None:
            return None
        parts = (step.obs, step.action, step.reward[:, None], step.terminated[:, None], step.next_obs)
        rows = torch.from_numpy(np.concatenate(parts, 1).astype(np.float32)).unsqueeze(1)
        return Batch(rows, step.obs.shape[1], step.action.shape[1])

    def state_dict(self) -> dict[str, Any]:
        """All that learning depends on, copied. Evaluation's stream is not in it: it begins anew each time."""
        return {
            "weights": self.weights.copy(),
            "avg_reward": self.avg_reward.copy(),
            "traces": self.traces.state_dict(),
            "act": copy.deepcopy(self._act.state_dict()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self.weights[:], self._present = state["weights"], None
        self.avg_reward[:] = state["avg_reward"]
        self.traces.load_state_dict(state["traces"])
        self._act.load_state_dict(state["act"])

    def break_off(self, runs: np.ndarray) -> None:
        """Clear the runs' traces."""
        self.traces.clear(runs)

    def learned_params(self, run: int) -> dict[str, np.ndarray]:
        """Weights of the value and of each of the policy's heads, (F,), and the average reward."""
        named = {"critic/value": self.weights[0, run].copy()}
        for i, name in enumerate(self.policy.names):
            named[f"actor/{name}"] = self.weights[1 + i, run].copy()
        return named | {"avg_reward": self.avg_reward[run].copy()}

    def load_learned_params(self, params: Mapping[str, np.ndarray], run: int) -> None:
        """Weights and average reward of one run, from its `learned_params`."""
        names = ["critic/value", *(f"actor/{name}" for name in self.policy.names)]
        weights = np.stack([params[name] for name in names])
        if weights.shape[1:] != self.weights.shape[2:]:
            raise ValueError(f"found weights of {weights.shape[1]} features; allowed: {self.features.size}")
        self.weights[:, run], self._present = weights, None
        self.avg_reward[run] = params["avg_reward"]


def make_features(setting: LinearACHyperparameters, spaces: Spaces) -> Features:
    """Tile coding, unless the environment's configuration says otherwise."""
    if spaces.tile_coding is False:
        return RawFeatures(spaces.obs_dim)
    return TileCoder(spaces.obs_low, spaces.obs_high, setting.tilings, setting.tiles)
