"""R environments in lock-step, each reset when its episode ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from ctypes import CDLL
from math import isfinite
from typing import Any

import numpy as np

from env.episodes.episode import Episodes
from env.episodes.returns import describe_not_finite
from env.episodes.snapshot import Unsavable
from env.episodes.space_flaws import Flaw, WrongObservation
from utils.core.errors import EnvironmentFault
from utils.core.finite import all_finite
from utils.core.transition import Step

StackSteps = Callable[[np.ndarray, Sequence[int]], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Steps environments of one class in some slots, given actions (R, A) within their bounds.

Returns obs (R, O), rewards (R,) and which have terminated, (R,) bool; other slots' rows have no meaning. A class of
environments offers it as `make_stack_steps(envs, load)`; see `env.tasks.pendulum_steps`.
"""

Outcome = tuple[np.ndarray, float, bool, bool]
"""What `Episodes.step` returns."""


def describe_flaw(error: Exception) -> str:
    """Return an error's message, with its type unless the error is about what cannot be saved."""
    return str(error) if isinstance(error, Unsavable) else f"{type(error).__name__}: {error}"


def check_shape(obs: np.ndarray, rows: np.ndarray, step: int) -> np.ndarray:
    """Return obs (O,), to become one of rows (R, O).

    step: the step of the episode.  Raises EnvironmentFault if the observation has another shape.
    """
    if obs.shape != rows.shape[1:]:
        raise WrongObservation(Flaw(f"an observation of shape {obs.shape}", str(rows.shape[1:])), step)
    return obs


class EpisodeBatch:
    """R environments in lock-step, one per slot.

    obs: (R, O) float32, the current observation of each.
    errors: the exception of each environment that raised one, by slot. The other slots continue.
    Methods change active or chosen slots only; all other slots keep their last values.
    """

    def __init__(self, envs: Sequence[Episodes]) -> None:
        self.envs = envs
        self.runs = len(envs)
        obs_dim = envs[0].env.observation_space.shape[0]  # type: ignore[index]
        self.obs = np.zeros((self.runs, obs_dim), np.float32)
        self.errors: dict[int, Exception] = {}
        self._stack_steps: StackSteps | None = None

    def compile_steps(self, load: Callable[[str], CDLL]) -> None:
        """Step all environments in one call of machine code from now on, if they are of a class that offers it.

        load: returns the library that a C++ source is compiled to, and may raise. No bit changes.
        """
        envs: list[Any] = [episodes.env for episodes in self.envs]
        make = getattr(type(envs[0]), "make_stack_steps", None)
        if make is not None and all(type(env) is type(envs[0]) and env.render_mode is None for env in envs):
            self._stack_steps = make(envs, load)

    def reset(self) -> np.ndarray:
        """Begin an episode in all slots. Returns obs (R, O)."""
        self.obs = self.obs.copy()
        for r in range(self.runs):
            self._reset(r)
        return self.obs

    def _reset(self, run: int) -> None:
        """Begin an episode in one slot."""
        try:
            obs = self.envs[run].reset()
            row = check_shape(obs, self.obs, 0).astype(np.float32)
            if not all_finite(row):
                raise self._fault(run, row, 0.0)
            self.obs[run] = row
        except Exception as error:  # noqa: BLE001 - environments may raise anything; the loop reports it.
            self.errors[run] = error

    def _fault(self, run: int, obs: np.ndarray, reward: float) -> EnvironmentFault:
        """Return the error for a slot's observation (O,) or reward that is not finite."""
        found = describe_not_finite(obs, reward)
        return EnvironmentFault(f"returned {found} at step {self.envs[run].steps} of an episode")

    def begin(self, seeds: Sequence[int], which: np.ndarray) -> None:
        """Begin an episode in the chosen slots (R,) bool, with newly seeded generators."""
        self.obs = self.obs.copy()
        for r in which.nonzero()[0].tolist():
            self.envs[r].reseed(seeds[r])
            self._reset(r)

    def state(self, run: int) -> dict[str, Any]:
        """Return one slot's observation and environment state, or only the reason why these cannot be saved."""
        try:
            return {"obs": self.obs[run].copy(), "episodes": self.envs[run].state()}
        except Exception as reason:  # noqa: BLE001 - attributes may raise anything when they are read.
            return {"unsavable": describe_flaw(reason)}

    def load_state(self, run: int, state: dict[str, Any]) -> str | None:
        """Restore one slot from its `state`. Returns None, or why that failed: the slot must then be reset."""
        if "unsavable" in state:
            return str(state["unsavable"])
        try:
            self.envs[run].load_state(state["episodes"])
        except Exception as reason:  # noqa: BLE001 - as in `state`.
            return describe_flaw(reason)
        if self.envs[run].inexact is not None:
            return self.envs[run].inexact
        self.obs = self.obs.copy()
        self.obs[run] = state["obs"]
        return None

    def step(self, action: np.ndarray, active: np.ndarray) -> Step:
        """Step the active environments and reset those whose episode ends. Returns the transitions.

        action: (R, A) float32.  active: (R,) bool.  The transitions' reward is float64.
        """
        obs, next_obs = self.obs, self.obs.copy()
        reward = np.zeros(self.runs)
        terminated, truncated = np.zeros((2, self.runs), np.float32)
        ended = []
        for r, outcome in self._step_slots(action, active.nonzero()[0].tolist()):
            next_obs[r], reward[r], terminated[r], truncated[r] = outcome
            if outcome[2] or outcome[3]:
                ended.append(r)
        if not (all_finite(next_obs) and all_finite(reward)):
            self._end_not_finite(obs, next_obs, reward)
        self.obs = next_obs.copy()
        for r in ended:
            if r not in self.errors:
                self._reset(r)
        return Step(obs, action, reward, next_obs, terminated, truncated)

    def _end_not_finite(self, obs: np.ndarray, next_obs: np.ndarray, reward: np.ndarray) -> None:
        """Record an error for each slot with a value that is not finite, and give it back its last values.

        obs, next_obs: (R, O).  reward: (R,).
        """
        for r in range(self.runs):
            if not (isfinite(reward[r]) and all_finite(next_obs[r])):
                self.errors[r] = self._fault(r, next_obs[r], reward[r])
                next_obs[r], reward[r] = obs[r], 0.0

    def close(self) -> None:
        """Close all environments."""
        for episodes in self.envs:
            episodes.close()

    def _step_slots(self, action: np.ndarray, slots: list[int]) -> Iterator[tuple[int, Outcome]]:
        """Step the environments in some slots. Yields the slot and the outcome of each that raised no error."""
        if self._stack_steps is not None:
            obs, rewards, ended = self._stack_steps(self.envs[0].clip_action(action), slots)
            for r, reward, end in zip(slots, rewards[slots].tolist(), ended[slots].tolist(), strict=True):
                yield r, (obs[r], *self.envs[r].finish_step(reward, end, False))
            return
        for r in slots:
            try:
                outcome = self.envs[r].step(action[r])
                check_shape(outcome[0], self.obs, self.envs[r].steps)
            except Exception as error:  # noqa: BLE001 - as in `_reset`.
                self.errors[r] = error
            else:
                yield r, outcome
