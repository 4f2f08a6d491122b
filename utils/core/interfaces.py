"""Interfaces of training: what the loop expects of an agent and of a batch of environments.

R runs, O observation features, A action dimensions. Nothing that one run computes may depend on another run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ctypes import CDLL
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from utils.core.transition import Step

if TYPE_CHECKING:
    from torch import Tensor


class SampledBatch(Protocol):
    """The transitions that an update learned from."""

    @property
    def obs(self) -> Tensor:
        """Observations (R, B, O)."""

    @property
    def action(self) -> Tensor:
        """Actions (R, B, A)."""

    @property
    def reward(self) -> Tensor:
        """Rewards (R, B)."""

    @property
    def next_obs(self) -> Tensor:
        """Next observations (R, B, O)."""


class Agent(Protocol):
    """R learners in lock-step; slot r of every array belongs to run r."""

    @property
    def last_batch(self) -> SampledBatch | None:
        """The transitions of the last `update`; None if it did not learn."""

    def act(self, obs: np.ndarray, greedy: bool = False) -> np.ndarray:
        """Return actions (R, A), in the environment's units, for obs (R, O). Greedy acting draws no random numbers."""

    def begin_eval(self, timestep: int) -> None:
        """Set the evaluation's random stream to the part for this timestep."""

    def act_eval(self, obs: np.ndarray, greedy: bool) -> np.ndarray:
        """Return actions (R, A) like `act`, drawn from the evaluation's own random stream."""

    def observe(self, step: Step) -> None:
        """Store one transition of each run."""

    def update(self) -> dict[str, Tensor]:
        """Learn once, if there is enough data. Returns metrics (R,) by name; {} if nothing was learned."""

    def read_diagnostics(self, run: int) -> dict[str, float]:
        """Return what a run's updates say of learning, means by name, and begin another window of this run.

        The window is of the updates since the last call for the run; {} if there were none.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return everything that learning depends on, copied."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""

    def run_states(self) -> list[dict[str, Any]]:
        """Return the state of each run. Arrays may be the agent's own: they are valid until its next step."""

    def load_run_states(self, states: Sequence[dict[str, Any]]) -> None:
        """Restore the states of runs that are at one timestep, one for each slot; they may come from other stacks."""

    def break_off(self, runs: np.ndarray) -> None:
        """End the episodes of the chosen runs, (R,) bool: their next observation starts new ones."""

    def learned_params(self, run: int) -> dict[str, np.ndarray]:
        """Return the learned parameters of the run in slot `run`, by name."""

    def policy_params(self, run: int) -> dict[str, np.ndarray]:
        """Return those of `learned_params` that the run acts by."""

    def load_learned_params(self, params: Mapping[str, np.ndarray], run: int) -> None:
        """Make slot `run` act like the run with these `learned_params`.

        This does not resume training: optimizers, replay, traces and random streams stay as they are.
        Raises KeyError for a missing array and ValueError for one of another shape.
        """

    def begin_from(self, params: Mapping[str, np.ndarray], timesteps: int, run: int) -> None:
        """Make slot `run` begin training from the `learned_params` of another run, at timestep 0.

        timesteps: number of training timesteps behind them.  Optimizers, replay, traces and random streams begin
        afresh, and what the settings fix stays.  Raises the errors of `load_learned_params`.
        """


class EnvBatch(Protocol):
    """R environments in lock-step, one per slot; each is reset when its episode ends."""

    envs: Any
    """The environment of each slot."""

    runs: int
    """Number R of slots."""

    obs: np.ndarray
    """Current observations (R, O), float32."""

    errors: dict[int, Exception]
    """Exception of each environment that raised one, by slot; the other slots continue."""

    def reset(self) -> np.ndarray:
        """Begin an episode in all slots. Returns obs (R, O)."""

    def begin(self, seeds: Sequence[int], which: np.ndarray) -> None:
        """Begin an episode in the chosen slots (R,) bool, with newly seeded generators."""

    def compile_steps(self, load: Callable[[str], CDLL]) -> None:
        """Use machine code for steps, where there is such code. No bit changes.

        load: returns the library that a C++ source is compiled to, and may raise.
        """

    def step(self, action: np.ndarray, active: np.ndarray) -> Step:
        """Step the active slots (R,) bool with action (R, A). Episodes that end are reset."""

    def close(self) -> None:
        """Close all environments."""

    def state(self, run: int) -> dict[str, Any]:
        """Return one slot's state, or only why it cannot be saved."""

    def load_state(self, run: int, state: dict[str, Any]) -> str | None:
        """Restore one slot from its `state`. Returns None, or why that failed."""
