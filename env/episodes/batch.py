"""R environments in lock-step, each reset when its episode ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from env.episodes.episode import Episodes
from env.episodes.snapshot import Unsavable
from utils.core.transition import Step


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

    def reset(self) -> np.ndarray:
        """Begin an episode in all slots. Returns obs (R, O)."""
        self.obs = self.obs.copy()
        for r in range(self.runs):
            self._reset(r)
        return self.obs

    def _reset(self, run: int) -> None:
        """Begin an episode in one slot."""
        try:
            self.obs[run] = self.envs[run].reset()
        except Exception as error:  # noqa: BLE001 - environments may raise anything; the loop reports it.
            self.errors[run] = error

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
        except Unsavable as reason:
            return {"unsavable": str(reason)}

    def load_state(self, run: int, state: dict[str, Any]) -> str | None:
        """Restore one slot from its `state`. Returns None, or why that failed: the slot must then be reset."""
        if "unsavable" in state:
            return str(state["unsavable"])
        try:
            self.envs[run].load_state(state["episodes"])
        except Unsavable as reason:
            return str(reason)
        self.obs = self.obs.copy()
        self.obs[run] = state["obs"]
        return None

    def step(self, action: np.ndarray, active: np.ndarray) -> Step:
        """Step the active environments and reset those whose episode ends. Returns the transitions.

        action: (R, A) float32.  active: (R,) bool.  The transitions' reward is float64.
        """
        obs, next_obs, self.obs = self.obs, self.obs.copy(), self.obs.copy()
        reward = np.zeros(self.runs)
        terminated, truncated = np.zeros((2, self.runs), np.float32)
        for r in active.nonzero()[0].tolist():
            try:
                next_obs[r], reward[r], ended, cut = self.envs[r].step(action[r])
            except Exception as error:  # noqa: BLE001 - as in `_reset`.
                self.errors[r] = error
                continue
            self.obs[r] = next_obs[r]
            if ended or cut:
                terminated[r], truncated[r] = ended, cut
                self._reset(r)
        return Step(obs, action, reward, next_obs, terminated, truncated)
