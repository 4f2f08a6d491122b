"""Episodes of a gymnasium environment under a protocol: step limit, rewards, start state, clipping."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np

from env.episodes.seeding import reset_with_seed
from env.episodes.snapshot import Surroundings, restore, save
from env.episodes.space_flaws import WrongObservation
from env.episodes.start_state import check_start_state, set_state

log = logging.getLogger("policy_params")


@dataclass(frozen=True)
class EpisodeProtocol:
    """The rules of an episode.

    steps_per_episode: the only step limit; gymnasium's own is off.
    overwrite_rewards: replace rewards by those of `rewards`, "timestep" and, at termination, "goal".
    start_state: the state in which every episode starts; empty: the environment's own choice.
    bootstrap_on_truncation: whether the value of the state at the step limit is bootstrapped.
    """

    steps_per_episode: int
    overwrite_rewards: bool = False
    rewards: dict[str, float] = field(default_factory=dict)
    start_state: Sequence[float] = ()
    bootstrap_on_truncation: bool = True


class Episodes:
    """One environment under a protocol.

    This is the only place where an action outside the bounds of a box is clipped; an index into discrete
    actions becomes an integer. Steps report `terminated` where the value of the successor must not be
    bootstrapped: at a terminal state, at the end of a one-step episode (a bandit has no future), and at
    the step limit if the protocol asks for it.
    """

    def __init__(
        self, env: gym.Env[Any, Any], protocol: EpisodeProtocol, seed: int, inexact: str | None = None
    ) -> None:
        """Check the start state.

        seed: seed of the environment's own generator at the next reset; later resets do not seed it again.
        inexact: why an episode cannot be resumed exactly; None: it can.
        Raises ValueError for a start_state that the environment cannot be in.
        """
        self.env, self.protocol, self.inexact = env, protocol, inexact
        self._seed: int | None = seed
        space: Any = env.action_space
        self.discrete = isinstance(space, gym.spaces.Discrete)
        self.action_bounds: tuple[np.ndarray, np.ndarray] | None = None if self.discrete else (space.low, space.high)
        self._first_action = int(space.start) if self.discrete else 0
        self.steps = 0
        """Steps of the present episode."""
        self._surroundings = Surroundings(env)
        if len(protocol.start_state):
            check_start_state(env, protocol.start_state)

    def reseed(self, seed: int) -> None:
        """Seed the environment's generator again at the next reset."""
        self._seed = seed

    def reset(self) -> np.ndarray:
        """Begin an episode. Returns obs (O,).  Raises WrongObservation for one that cannot be flattened."""
        try:
            (obs, _), _ = reset_with_seed(self.env, self._seed)
        except WrongObservation as error:
            raise error.at_step(0) from None
        self._seed, self.steps = None, 0
        self._surroundings.begin()
        if len(self.protocol.start_state):
            obs = set_state(self.env, self.protocol.start_state)
        return obs

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool]:
        """Take an action (A,). Returns next_obs (O,), reward, terminated, truncated.

        Raises WrongObservation for an observation that cannot be flattened.
        """
        try:
            obs, reward, terminated, truncated, _ = self.env.step(self.env_action(action))
        except WrongObservation as error:
            raise error.at_step(self.steps + 1) from None
        return obs, *self.finish_step(reward, terminated, truncated)

    def finish_step(self, reward: Any, terminated: Any, truncated: Any) -> tuple[float, bool, bool]:
        """Count a step of the environment, and return reward, terminated and truncated under the protocol."""
        self.steps += 1
        protocol = self.protocol
        if protocol.overwrite_rewards:
            reward = protocol.rewards["goal" if terminated else "timestep"]
        truncated = not terminated and (truncated or self.steps >= protocol.steps_per_episode)
        if truncated and (protocol.steps_per_episode == 1 or not protocol.bootstrap_on_truncation):
            terminated = True
        if not isinstance(reward, float):
            reward = np.asarray(reward).item()  # An array of one number is one, too.
        return float(reward), bool(terminated), bool(truncated)

    def state(self) -> dict[str, Any]:
        """Return the state of the present episode.  Raises `env.episodes.snapshot.Unsavable`."""
        self._surroundings.check()
        return {"steps": self.steps, "env": save(self.env)}

    def load_state(self, state: dict[str, Any]) -> None:
        """Resume the episode whose state `state` returned.

        Raises `env.episodes.snapshot.Unsavable`; the environment must then be reset.
        """
        restore(self.env, state["env"])
        self._surroundings.begin()
        self._seed, self.steps = None, state["steps"]

    def close(self) -> None:
        """Close the environment: it gives back windows, licences, ports and processes. An error is only logged."""
        try:
            self.env.close()
        except Exception as error:  # noqa: BLE001 - environments may raise anything.
            log.warning("%s cannot be closed: %s", type(self.env.unwrapped).__name__, error)

    def env_action(self, action: np.ndarray) -> np.ndarray | int:
        """Return an action (A,) in the form that the environment takes."""
        return self._first_action + int(action[0]) if self.discrete else self.clip_action(action)

    def clip_action(self, action: np.ndarray) -> np.ndarray:
        """Return actions (..., A) within the bounds of the box; unchanged if actions are discrete."""
        if self.action_bounds is None:
            return action
        low, high = self.action_bounds
        return np.minimum(np.maximum(action, low), high)
