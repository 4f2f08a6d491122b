"""What all agents share: the spaces they are built for, batches, and acting on named random streams.

`utils.core.interfaces.Agent` is what training expects of an agent; `BaseAgent` implements a part of it.

Shapes: R runs, B batch, O observation features, A action dimensions.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from torch import Tensor

from agent.policy.base import ActionBox
from agent.run_state import check_run_axes, join_runs, split_runs
from utils.core.random_streams import Draws
from utils.core.run_axes import RunAxes

POLICY_PARTS = ("actor/", "observations/")
"""Beginnings of the names of learned parameters that an agent acts by."""


@dataclass(frozen=True)
class Spaces:
    """An environment's observations and actions.

    obs_low, obs_high: bounds of the observations (O,), possibly infinite.
    action: a box, or the number of discrete actions; (R, 1) arrays then hold an action's index.
    tile_coding: whether a linear agent tile-codes observations.  None: the agent's default.
    """

    obs_low: np.ndarray
    obs_high: np.ndarray
    action: ActionBox | int
    tile_coding: bool | None = None

    @property
    def obs_dim(self) -> int:
        """Number of observation features O."""
        return len(self.obs_low)


@dataclass(frozen=True)
class Batch:
    """Sampled transitions: replay rows (R, B, 2 O + A + 2), float32, and views of their columns.

    obs_dim, action_dim: O and A.  A view is made on first use, because a compiled update only needs the rows.
    """

    rows: Tensor
    obs_dim: int
    action_dim: int

    def split(self, rows: int) -> tuple[Batch, Batch]:
        """Return the first `rows` transitions of each run, and the others."""
        first, others = self.rows[:, :rows], self.rows[:, rows:]
        return Batch(first, self.obs_dim, self.action_dim), Batch(others, self.obs_dim, self.action_dim)

    @cached_property
    def obs(self) -> Tensor:
        """Observations (R, B, O)."""
        return self.rows[..., : self.obs_dim]

    @cached_property
    def action(self) -> Tensor:
        """Actions (R, B, A)."""
        return self.rows[..., self.obs_dim : self.obs_dim + self.action_dim]

    @cached_property
    def obs_action(self) -> Tensor:
        """Observations and actions concatenated, the input of a critic, (R, B, O + A)."""
        return self.rows[..., : self.obs_dim + self.action_dim]

    @cached_property
    def reward(self) -> Tensor:
        """Rewards (R, B)."""
        return self.rows[..., self.obs_dim + self.action_dim]

    @cached_property
    def terminated(self) -> Tensor:
        """1 where the next state's value must not be bootstrapped, else 0, (R, B).

        Between them in an n-step transition whose value is discounted by more than gamma (see `agent.replay.n_step`).
        """
        return self.rows[..., self.obs_dim + self.action_dim + 1]

    @cached_property
    def next_obs(self) -> Tensor:
        """Next observations (R, B, O)."""
        return self.rows[..., self.obs_dim + self.action_dim + 2 :]


class BaseAgent(ABC):
    """Base class of all agents: acting, for training and evaluation, and the states of single runs.

    A subclass adds the abstract methods below, and `last_batch`, `observe` and `update` of
    `utils.core.interfaces.Agent`.
    """

    def __init__(self, random_seeds: Sequence[int]) -> None:
        """Create the random streams for acting.  random_seeds: one for each run."""
        self.random_seeds = tuple(random_seeds)
        self._act_draws = Draws(self.random_seeds, "act")
        self.begin_eval(0)

    @abstractmethod
    def _choose(self, obs: np.ndarray, greedy: bool, draws: Draws) -> np.ndarray:
        """Return actions (R, A), float32, for obs (R, O).

        greedy: return the policy's mode, if it has one, and draw nothing.
        """

    def act(self, obs: np.ndarray, greedy: bool = False) -> np.ndarray:
        """See `Agent.act`."""
        return self._choose(obs, greedy, self._act_draws)

    def begin_eval(self, timestep: int) -> None:
        """See `Agent.begin_eval`."""
        self._eval_draws = Draws(self.random_seeds, "eval_act", timestep)

    def act_eval(self, obs: np.ndarray, greedy: bool) -> np.ndarray:
        """See `Agent.act_eval`."""
        return self._choose(obs, greedy, self._eval_draws)

    @property
    @abstractmethod
    def run_axes(self) -> RunAxes:
        """Where the runs are in each entry of `live_state`; see `utils.core.run_axes`."""

    @abstractmethod
    def live_state(self) -> dict[str, Any]:
        """Return everything that learning depends on. Arrays may be the agent's own.

        The evaluation's stream is not part of it, because it is recreated for each evaluation.
        """

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Agent.load_state_dict`."""

    def state_dict(self) -> dict[str, Any]:
        """See `Agent.state_dict`."""
        return copy.deepcopy(self.live_state())

    def check_run_axes(self) -> None:
        """Check that `run_axes` declares the whole state.  Raises TypeError if an entry is missing."""
        check_run_axes(self.live_state(), self.run_axes, type(self).__name__)

    def run_states(self) -> list[dict[str, Any]]:
        """See `Agent.run_states`."""
        return split_runs(self.live_state(), self.run_axes, len(self.random_seeds))

    def load_run_states(self, states: Sequence[dict[str, Any]]) -> None:
        """See `Agent.load_run_states`."""
        self.load_state_dict(join_runs(states, self.run_axes))

    @abstractmethod
    def learned_params(self, run: int) -> dict[str, np.ndarray]:
        """See `Agent.learned_params`. An actor's names begin with one of POLICY_PARTS."""

    def policy_params(self, run: int) -> dict[str, np.ndarray]:
        """See `Agent.policy_params`."""
        return {name: array for name, array in self.learned_params(run).items() if name.startswith(POLICY_PARTS)}

    @abstractmethod
    def load_learned_params(self, params: Mapping[str, np.ndarray], run: int) -> None:
        """See `Agent.load_learned_params`."""

    def begin_from(self, params: Mapping[str, np.ndarray], timesteps: int, run: int) -> None:
        """See `Agent.begin_from`."""
        self.load_learned_params(params, run)

    def read_diagnostics(self, run: int) -> dict[str, float]:
        """See `Agent.read_diagnostics`."""
        return {}

    def break_off(self, runs: np.ndarray) -> None:  # noqa: B027 - most agents carry nothing along an episode.
        """See `Agent.break_off`."""


def select_arrays(params: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """Return the learned arrays named `<name>/...`, by the rest of their names."""
    return {key.removeprefix(f"{name}/"): array for key, array in params.items() if key.startswith(f"{name}/")}
