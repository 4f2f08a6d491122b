"""What the harness adds to a gymnasium environment: step limit, rewards, start state, clipping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np

from env.episodes.snapshot import restore, save
from env.episodes.start_state import check_start_state, set_state


@dataclass(frozen=True)
class EpisodeProtocol:
    """How episodes run.  steps_per_episode: the only step limit there is."""

    steps_per_episode: int
    overwrite_rewards: bool = False
    rewards: dict[str, float] = field(default_factory=dict)
    start_state: Sequence[float] = ()
    bootstrap_on_truncation: bool = True


class Episodes:
    """One environment under a protocol.

    An action outside the bounds of a box is clipped here and nowhere else; an index into discrete
    actions becomes an integer. Steps report `terminated` where
    nothing is to be bootstrapped: at a terminal state, at the end of a one-step episode (a bandit
    has no future), and at the step limit if the protocol says so.
    """

    def __init__(self, env: gym.Env[Any, Any], protocol: EpisodeProtocol, seed: int) -> None:
        """seed: for the environment's own generator at the next reset; later resets carry it on.

        Raises ValueError for a start_state that the environment cannot be in.
        """
        self.env, self.protocol = env, protocol
        self._seed: int | None = seed
        space: Any = env.action_space
        self.discrete = isinstance(space, gym.spaces.Discrete)
        self.action_bounds: tuple[np.ndarray, np.ndarray] | None = None if self.discrete else (space.low, space.high)
        self._first_action = int(space.start) if self.discrete else 0
        self._steps = 0
        if len(protocol.start_state):
            check_start_state(env, protocol.start_state)

    def reseed(self, seed: int) -> None:
        """Have the next reset seed the environment's generator anew."""
        self._seed = seed

    def reset(self) -> np.ndarray:
        """Begin an episode. Returns obs (O,)."""
        obs, _ = self.env.reset(seed=self._seed)
        self._seed, self._steps = None, 0
        if len(self.protocol.start_state):
            obs = set_state(self.env, self.protocol.start_state)
        return obs

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool]:
        """action (A,) -> next_obs (O,), reward, terminated, truncated."""
        obs, reward, terminated, truncated, _ = self.env.step(self._legal(action))
        self._steps += 1
        protocol = self.protocol
        if protocol.overwrite_rewards:
            reward = protocol.rewards["goal" if terminated else "timestep"]
        truncated = not terminated and (truncated or self._steps >= protocol.steps_per_episode)
        if truncated and (protocol.steps_per_episode == 1 or not protocol.bootstrap_on_truncation):
            terminated = True
        return obs, float(reward), bool(terminated), bool(truncated)

    def state(self) -> dict[str, Any]:
        """Where the present episode stands.  Raises `env.episodes.snapshot.Unsavable`."""
        return {"steps": self._steps, "env": save(self.env)}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on where `state` was called.  Raises `env.episodes.snapshot.Unsavable`; a reset is then due."""
        restore(self.env, state["env"])
        self._seed, self._steps = None, state["steps"]

    def _legal(self, action: np.ndarray) -> np.ndarray | int:
        """What the environment is handed for an action (A,)."""
        if self.action_bounds is None:
            return self._first_action + int(action[0])
        low, high = self.action_bounds
        return np.minimum(np.maximum(action, low), high)
