"""Conversion of actions from what agents choose, a flat bounded Box or Discrete, to what the environment takes.

- Box of one dimension and of floats, Discrete: unchanged.
- Box of another shape: the environment gets an array of that shape, filled row by row.
- Box of integers or booleans: agents choose real numbers within the bounds; the environment gets an array of the
  space's dtype, each number rounded to the nearest integer (a half to the even one).
- MultiDiscrete, MultiBinary: one Discrete that enumerates all joint actions, the last entry fastest, as
  `numpy.unravel_index` does; with choices (2, 3), index 4 is (1, 1). At most `MAX_JOINT_ACTIONS`.
"""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

from env.episodes.spaces import describe_space

MAX_JOINT_ACTIONS = 1024
"""Largest number of joint actions: 10 entries of MultiBinary."""

MAX_INTEGER = 2**24
"""Largest magnitude up to which float32 has all integers."""


def action_kind(space: gym.Space[Any]) -> str | None:
    """Return "continuous" or "discrete"; None for a space that no agent here supports."""
    if isinstance(space, Box):
        return "continuous"
    return "discrete" if isinstance(space, Discrete | MultiDiscrete | MultiBinary) else None


def flatten_actions(env: gym.Env[Any, Any], name: str) -> gym.Env[Any, Any]:
    """Return the environment with actions that are Discrete or a flat Box of floats.

    name: the environment's name in messages.  Raises ValueError for other spaces, for bounds that are infinite, equal,
    or integers that float32 does not have, and for too many joint actions.
    """
    space = env.action_space
    if isinstance(space, Discrete):
        return env
    if isinstance(space, MultiDiscrete | MultiBinary):
        return _enumerate_actions(env, name)
    if not isinstance(space, Box):
        raise ValueError(
            f"env_name: '{name}' has actions {describe_space(space)}; allowed: Box, Discrete, MultiBinary or "
            "MultiDiscrete; a wrapper can turn one of these into them"
        )
    _check_bounds(name, space)
    return env if len(space.shape) == 1 and space.dtype.kind == "f" else BoxActions(env)


def _check_bounds(name: str, space: Box) -> None:
    """Raise ValueError unless a Box has numbers, finite bounds, and each lower bound below the upper one."""
    text = describe_space(space)
    if not space.low.size:
        raise ValueError(f"env_name: '{name}' has actions without any number, {text}; allowed: at least one")
    if not (np.isfinite(space.low).all() and np.isfinite(space.high).all()):
        raise ValueError(f"env_name: '{name}' has unbounded actions {text}; allowed: finite bounds")
    low, high = space.low.ravel(), space.high.ravel()
    if space.dtype.kind in "iu" and max(-low.min().item(), high.max().item()) > MAX_INTEGER:
        raise ValueError(
            f"env_name: '{name}' has integer actions {text}; allowed: bounds from {-MAX_INTEGER} to {MAX_INTEGER}"
        )
    equal = np.flatnonzero(~(low.astype(np.float32) < high.astype(np.float32)))
    if len(equal):
        first = int(equal[0])
        where = first if len(space.shape) == 1 else tuple(map(int, np.unravel_index(first, space.shape)))
        raise ValueError(
            f"env_name: '{name}' has actions whose dimension {where} is fixed: its bounds are {low[first]:g} to "
            f"{high[first]:g}; allowed: a lower bound below the upper one, or a wrapper that adds the fixed dimension "
            "itself"
        )


def _enumerate_actions(env: gym.Env[Any, Any], name: str) -> gym.Env[Any, Any]:
    """Return the environment with one Discrete for all joint actions.  Raises ValueError if these are too many."""
    wrapped = JointActions(env)
    if not 1 <= wrapped.count <= MAX_JOINT_ACTIONS:
        raise ValueError(
            f"env_name: '{name}' has actions {describe_space(env.action_space)} with {wrapped.count} joint actions; "
            f"allowed: 1 to {MAX_JOINT_ACTIONS}; a wrapper can offer fewer, or a Box"
        )
    wrapped.action_space = Discrete(wrapped.count)
    return wrapped


class ConvertedActions(gym.ActionWrapper[Any, Any, Any]):
    """Base class of the wrappers that convert actions."""


class BoxActions(ConvertedActions):
    """A wrapper whose actions, (A,) floats within the bounds, become arrays of the environment's shape and dtype."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        space: Any = env.action_space
        self._shape, self._dtype = space.shape, space.dtype
        dtype = space.dtype if space.dtype.kind == "f" else np.dtype(np.float32)
        self.action_space = Box(space.low.ravel().astype(dtype), space.high.ravel().astype(dtype), dtype=dtype.type)

    def action(self, action: np.ndarray) -> np.ndarray:
        """Return an action (A,) as the environment takes it."""
        rounded = action if self._dtype.kind == "f" else np.rint(action).astype(self._dtype)
        return rounded.reshape(self._shape)


class JointActions(ConvertedActions):
    """A wrapper whose actions are indices into all joint actions.

    count: number of joint actions.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        space: Any = env.action_space
        self._choices = np.full(space.shape, 2) if isinstance(space, MultiBinary) else space.nvec
        self._start = np.zeros(space.shape, space.dtype) if isinstance(space, MultiBinary) else space.start
        self._dtype = space.dtype
        self.count = math.prod(map(int, self._choices.ravel()))

    def action(self, action: int) -> np.ndarray:
        """Return the joint action with an index, in the space's shape and dtype."""
        entries = np.array(np.unravel_index(action, self._choices.ravel())).reshape(self._choices.shape)
        return (self._start + entries).astype(self._dtype)
