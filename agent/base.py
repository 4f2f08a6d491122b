"""What every agent is, and what it is handed.

R runs, B batch, K proposed actions a state, O observation features, A action dimensions, C critics.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from torch import Tensor

from agent.policy.base import ActionBox
from agent.run_state import put_together, take_apart
from utils.core.random_streams import Draws
from utils.core.transition import Step


@dataclass(frozen=True)
class Spaces:
    """What an environment shows and takes: bounds of the observations (O,), maybe infinite, and actions.

    action: a box, or the number of discrete actions; an index then stands in (R, 1) arrays.
    tile_coding: whether a linear agent tile-codes observations; None: as the agent is wont to.
    """

    obs_low: np.ndarray
    obs_high: np.ndarray
    action: ActionBox | int
    tile_coding: bool | None = None

    @property
    def obs_dim(self) -> int:
        """Observation features O."""
        return len(self.obs_low)


@dataclass(frozen=True)
class Batch:
    """Sampled transitions: replay rows (R, B, 2 O + A + 2), float32, and views of what stands in them.

    obs_dim, action_dim: O and A.  A view is made when it is asked for: a compiled update takes the rows.
    """

    rows: Tensor
    obs_dim: int
    action_dim: int

    @cached_property
    def obs(self) -> Tensor:
        """(R, B, O)."""
        return self.rows[..., : self.obs_dim]

    @cached_property
    def action(self) -> Tensor:
        """(R, B, A)."""
        return self.rows[..., self.obs_dim : self.obs_dim + self.action_dim]

    @cached_property
    def obs_action(self) -> Tensor:
        """The two side by side, as a critic takes them, (R, B, O + A)."""
        return self.rows[..., : self.obs_dim + self.action_dim]

    @cached_property
    def reward(self) -> Tensor:
        """(R, B)."""
        return self.rows[..., self.obs_dim + self.action_dim]

    @cached_property
    def terminated(self) -> Tensor:
        """(R, B), 1 where nothing is to be bootstrapped."""
        return self.rows[..., self.obs_dim + self.action_dim + 1]

    @cached_property
    def next_obs(self) -> Tensor:
        """(R, B, O)."""
        return self.rows[..., self.obs_dim + self.action_dim + 2 :]


class Agent(Protocol):
    """R learners in lock-step. Nothing that one run computes depends on another."""

    last_batch: Batch | None
    """What the last `update` learned from; None where it did not learn."""

    def act(self, obs: np.ndarray, greedy: bool = False) -> np.ndarray:
        """obs (R, O) -> actions (R, A) in the environment's units; greedy draws no randomness."""

    def begin_eval(self, timestep: int) -> None:
        """Turn the evaluation's random stream to the part for this timestep."""

    def act_eval(self, obs: np.ndarray, greedy: bool) -> np.ndarray:
        """As `act`, on the evaluation's own random stream."""

    def observe(self, step: Step) -> None:
        """Take in one transition of each run."""

    def update(self) -> dict[str, Tensor]:
        """Learn once, if there is enough to learn from. Returns metrics (R,); {} where nothing was learned."""

    def state_dict(self) -> dict:
        """All that learning depends on."""

    def load_state_dict(self, state: dict) -> None:
        """Take over what `state_dict` gave."""

    def run_states(self) -> list[dict]:
        """What `state_dict` says of each run. Arrays may be the agent's own: they hold until it goes on."""

    def load_run_states(self, states: Sequence[dict]) -> None:
        """Take over the states of runs that stood at one timestep, maybe in other stacks: one for each slot."""

    def break_off(self, runs: np.ndarray) -> None:
        """The episodes of the chosen runs, (R,) bool, do not go on: what is observed next begins new ones."""

    def learned_params(self, run: int) -> dict[str, np.ndarray]:
        """Named arrays of the run in slot `run`."""

    def load_learned_params(self, params: Mapping[str, np.ndarray], run: int) -> None:
        """Have slot `run` act as the run whose `learned_params` are given.

        It is no resumption: optimizers, replay, traces and streams stay as they are.  Raises KeyError
        for an array that is missing and ValueError for one of another shape.
        """


class ActsOnStreams(ABC):
    """How an agent acts: training and evaluation choose alike, each from its own random stream."""

    def __init__(self, random_seeds: Sequence[int]) -> None:
        """random_seeds: one for each run."""
        self.random_seeds = tuple(random_seeds)
        self._act = Draws(self.random_seeds, "act")
        self.begin_eval(0)

    def act(self, obs: np.ndarray, greedy: bool = False) -> np.ndarray:
        """See `Agent.act`."""
        return self._choose(obs, greedy, self._act)

    def begin_eval(self, timestep: int) -> None:
        """See `Agent.begin_eval`."""
        self._eval_act = Draws(self.random_seeds, "eval_act", timestep)

    def act_eval(self, obs: np.ndarray, greedy: bool) -> np.ndarray:
        """See `Agent.act_eval`."""
        return self._choose(obs, greedy, self._eval_act)

    @abstractmethod
    def state_dict(self) -> dict:
        """See `Agent.state_dict`."""

    @abstractmethod
    def load_state_dict(self, state: dict) -> None:
        """See `Agent.load_state_dict`."""

    def live_state(self) -> dict:
        """What `state_dict` gives, of which arrays may be the agent's own."""
        return self.state_dict()

    def run_states(self) -> list[dict]:
        """See `Agent.run_states`."""
        return take_apart(self.live_state(), len(self.random_seeds))

    def load_run_states(self, states: Sequence[dict]) -> None:
        """See `Agent.load_run_states`."""
        self.load_state_dict(put_together(states))

    def break_off(self, runs: np.ndarray) -> None:  # noqa: B027 - most carry nothing along an episode.
        """See `Agent.break_off`."""

    @abstractmethod
    def _choose(self, obs: np.ndarray, greedy: bool, draws: Draws) -> np.ndarray:
        """obs (R, O) -> actions (R, A), float32.  greedy: the mode, if there is one, and nothing is drawn."""


def arrays_of(params: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """The learned arrays called `<name>/...`, without that beginning."""
    return {key.removeprefix(f"{name}/"): array for key, array in params.items() if key.startswith(f"{name}/")}
