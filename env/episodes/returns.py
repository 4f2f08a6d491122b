"""What an environment returns: a check before training, and the error for values that are not finite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, Tuple

from env.episodes.actions import ConvertedActions
from env.episodes.observations import FlatObservations
from env.episodes.seeding import reset_with_seed
from env.episodes.spaces import describe_space

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
        raise WrongReturn(f"{_name(env)}.reset returned {_describe(found)}; allowed: a pair, (observation, info)")
    _check_observation(env, "reset", found[0])


def _check_step(env: gym.Env[Any, Any], found: Any, uses_reward: bool) -> None:
    if not isinstance(found, tuple | list) or len(found) != len(STEP_PARTS):
        raise WrongReturn(f"{_name(env)}.step returned {_describe(found)}; allowed: ({', '.join(STEP_PARTS)})")
    _check_observation(env, "step", found[0])
    for part, value in zip(STEP_PARTS[1:4], found[1:4], strict=True):
        if (part != "reward" or uses_reward) and not _is_number(value):
            allowed = _allowed_reward(value) if part == "reward" else "true or false"
            raise WrongReturn(f"{_name(env)}.step returned as {part} {_describe(value)}; allowed: {allowed}")


def _allowed_reward(found: Any) -> str:
    """Return what a reward may be, for an environment that returned something else."""
    wrapper = "; a wrapper can make one number of them, such as mo_gymnasium.wrappers.LinearReward with fixed weights"
    return f"a number{wrapper if isinstance(found, np.ndarray | list | tuple | Mapping) else ''}"


def _check_observation(env: gym.Env[Any, Any], method: str, obs: Any) -> None:
    """Raise WrongReturn unless the observation has the type and shape of its space."""
    flaw = _find_flaw(env.observation_space, obs)
    if flaw is not None:
        path, found, allowed = flaw
        raise WrongReturn(f"{_name(env)}.{method} returned as observation{path} {_describe(found)}; allowed: {allowed}")


def _find_flaw(space: Any, obs: Any, path: str = "") -> tuple[str, Any, str] | None:
    """Return the first part of an observation that its space does not allow: its path, itself, what is allowed."""
    if isinstance(space, Dict):
        keys = ", ".join(map(repr, space.spaces))
        if not isinstance(obs, Mapping) or obs.keys() != space.spaces.keys():
            return path, obs, f"a dict with the keys {keys}"
        parts = [(key, part, obs[key]) for key, part in space.spaces.items()]
        return _first_flaw(parts, path)
    if isinstance(space, Tuple):
        if not isinstance(obs, tuple | list) or len(obs) != len(space.spaces):
            return path, obs, f"a tuple of length {len(space.spaces)}"
        return _first_flaw([(i, part, obs[i]) for i, part in enumerate(space.spaces)], path)
    allowed = _allowed_numbers(space, obs, path != "")
    return None if allowed is None else (path, obs, allowed)


def _first_flaw(parts: list[tuple[Any, Any, Any]], path: str) -> tuple[str, Any, str] | None:
    """Return the first flaw among parts of an observation: key, space and value each."""
    flaws = (_find_flaw(space, value, f"{path}[{key!r}]") for key, space, value in parts)
    return next((flaw for flaw in flaws if flaw is not None), None)


def _allowed_numbers(space: Any, obs: Any, nested: bool) -> str | None:
    """Return what a space of numbers allows, None if it allows this observation.

    nested: whether it is a part of an observation: Gymnasium then casts it to the space's dtype.
    """
    if isinstance(space, Discrete):
        if _is_number(obs) and _is_whole(obs) and space.contains(np.int64(np.asarray(obs).item())):
            return None
        return f"an integer from {space.start} to {space.start + space.n - 1}"
    if space.shape == () and _is_number(obs):
        obs = np.asarray(obs)
    any_number = isinstance(space, Box) and (space.dtype.kind == "f" or not nested)
    if not isinstance(obs, np.ndarray) or obs.dtype.kind not in NUMERIC or obs.shape != space.shape:
        return f"an array of numbers of shape {space.shape}, as its observation_space"
    if not any_number and not _is_whole(obs):
        return f"integers, as its observation_space, {describe_space(space)}"
    if not isinstance(space, Box) and not space.contains(obs.astype(space.dtype)):
        return f"values in {describe_space(space)}"
    return None


def _is_whole(numbers: Any) -> bool:
    """Return whether numbers are of a type of integers or booleans."""
    return np.asarray(numbers).dtype.kind in "biu"


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
    """Return the name of an environment's class, below our own conversion of actions."""
    return type(env.env if isinstance(env, ConvertedActions) else env).__name__
