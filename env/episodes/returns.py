"""What an environment returns: a check before training, and the error for values that are not finite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np

from env.episodes.actions import ConvertedActions
from env.episodes.observations import FlatObservations
from env.episodes.seeding import reset_with_seed
from env.episodes.space_flaws import describe_value, find_flaw, is_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from env.episodes.episode import Episodes

STEP_PARTS = ("observation", "reward", "terminated", "truncated", "info")


class WrongReturn(ValueError):
    """Error for an environment whose `reset` or `step` does not return what it must."""


def check_returns(episodes: Episodes, seed: int, actions: Sequence[np.ndarray]) -> int:
    """Check what a reset and some steps return.  Returns the seed that `reset` was given.

    actions: (A,) each.  Raises WrongReturn, naming class and part, what was found and what is allowed.
    """
    env: gym.Env[Any, Any] = episodes.env
    if isinstance(env, FlatObservations):
        env = env.env
    found, handed = reset_with_seed(env, seed)
    _check_reset(env, found)
    for action in actions:
        _check_step(env, env.step(episodes.env_action(action)), not episodes.protocol.overwrite_rewards)
    assert handed is not None, "the seed was given"
    return handed


def describe_not_finite(obs: np.ndarray, reward: float) -> str:
    """Return the first entry that is not finite, of an observation (O,) and a reward, one of which is not finite."""
    entries = np.flatnonzero(~np.isfinite(obs))
    return f"observation[{entries[0]}] = {obs[entries[0]]}" if len(entries) else f"reward = {reward}"


def _check_reset(env: gym.Env[Any, Any], found: Any) -> None:
    if not isinstance(found, tuple | list) or len(found) != 2 or not isinstance(found[1], Mapping | None):
        raise WrongReturn(f"{_name(env)}.reset returned {describe_value(found)}; allowed: a pair, (observation, info)")
    _check_observation(env, "reset", found[0])


def _check_step(env: gym.Env[Any, Any], found: Any, uses_reward: bool) -> None:
    if not isinstance(found, tuple | list) or len(found) != len(STEP_PARTS):
        raise WrongReturn(f"{_name(env)}.step returned {describe_value(found)}; allowed: ({', '.join(STEP_PARTS)})")
    _check_observation(env, "step", found[0])
    for part, value in zip(STEP_PARTS[1:4], found[1:4], strict=True):
        if (part != "reward" or uses_reward) and not is_number(value):
            allowed = _allowed_reward(value) if part == "reward" else "true or false"
            raise WrongReturn(f"{_name(env)}.step returned as {part} {describe_value(value)}; allowed: {allowed}")


def _allowed_reward(found: Any) -> str:
    """Return what a reward may be, for an environment that returned something else."""
    wrapper = "; a wrapper can make one number of them, such as mo_gymnasium.wrappers.LinearReward with fixed weights"
    return f"a number{wrapper if isinstance(found, np.ndarray | list | tuple | Mapping) else ''}"


def _check_observation(env: gym.Env[Any, Any], method: str, obs: Any) -> None:
    """Raise WrongReturn unless the observation has the type and shape of its space."""
    flaw = find_flaw(env.observation_space, obs)
    if flaw is not None:
        raise WrongReturn(f"{_name(env)}.{method} returned {flaw.found}; allowed: {flaw.allowed}")


def _name(env: gym.Env[Any, Any]) -> str:
    """Return the name of an environment's class, below our own conversion of actions."""
    return type(env.env if isinstance(env, ConvertedActions) else env).__name__
