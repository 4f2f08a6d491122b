"""What an environment returns: a check before training, and the error for values that are not finite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np

from env.episodes.observations import FlatBox, OneHot
from env.episodes.seeding import reset_with_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from env.episodes.episode import Episodes

NUMERIC = "biuf"
"""Kinds of dtypes of numbers: booleans, integers, floats."""

STEP_PARTS = ("observation", "reward", "terminated", "truncated", "info")


class WrongReturn(ValueError):
    """Error for an environment whose `reset` or `step` does not return what it must."""


def check_returns(episodes: Episodes, seed: int, actions: Sequence[np.ndarray]) -> int:
    """Check what a reset and some steps return.  Returns the seed that `reset` was given.

    actions: (A,) each.  Raises WrongReturn, naming class and part, what was found and what is allowed.
    """
    env: gym.Env[Any, Any] = episodes.env
    if isinstance(env, FlatBox | OneHot):
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
        raise WrongReturn(f"{_name(env)}.reset returned {_describe(found)}; allowed: a pair, (observation, info)")
    _check_observation(env, "reset", found[0])


def _check_step(env: gym.Env[Any, Any], found: Any, uses_reward: bool) -> None:
    if not isinstance(found, tuple | list) or len(found) != len(STEP_PARTS):
        raise WrongReturn(f"{_name(env)}.step returned {_describe(found)}; allowed: ({', '.join(STEP_PARTS)})")
    _check_observation(env, "step", found[0])
    for part, value in zip(STEP_PARTS[1:4], found[1:4], strict=True):
        if (part != "reward" or uses_reward) and not _is_number(value):
            allowed = "a number" if part == "reward" else "true or false"
            raise WrongReturn(f"{_name(env)}.step returned as {part} {_describe(value)}; allowed: {allowed}")


def _check_observation(env: gym.Env[Any, Any], method: str, obs: Any) -> None:
    """Raise WrongReturn unless the observation has the type and shape of its space."""
    space = env.observation_space
    if isinstance(space, gym.spaces.Discrete):
        if _is_number(obs) and space.contains(np.int64(np.asarray(obs).item())):
            return
        allowed = f"an integer from {space.start} to {space.start + space.n - 1}"
    else:
        if isinstance(obs, np.ndarray) and obs.dtype.kind in NUMERIC and obs.shape == space.shape:
            return
        allowed = f"an array of numbers of shape {space.shape}, as its observation_space"
    raise WrongReturn(f"{_name(env)}.{method} returned as observation {_describe(obs)}; allowed: {allowed}")


def _is_number(value: Any) -> bool:
    """Return whether a value is one number, which may be in an array."""
    if isinstance(value, bool | int | float):
        return True
    return isinstance(value, np.generic | np.ndarray) and value.dtype.kind in NUMERIC and value.size == 1


def _describe(value: Any) -> str:
    """Return a short description of a value: its type, and its shape or length."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, tuple | list | Mapping):
        return f"a {type(value).__name__} of length {len(value)}"
    text = repr(value)
    return "None" if value is None else f"a {type(value).__name__}, {text if len(text) < 40 else text[:37] + '...'}"


def _name(env: gym.Env[Any, Any]) -> str:
    """Return the name of an environment's class."""
    return type(env).__name__
