"""The first part of an observation that is not as its space, for messages about an environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

from env.episodes.spaces import describe_space
from utils.core.errors import EnvironmentFault

NUMERIC = "biuf"
"""Kinds of dtypes of numbers: booleans, integers, floats."""

WHOLE = "biu"
"""Kinds of dtypes of whole numbers."""


class Flaw(NamedTuple):
    """A part of an observation that its space does not allow.

    found: the part and what it is, such as "observation['gear'] = 4".  allowed: what the space allows.
    """

    found: str
    allowed: str


class WrongObservation(EnvironmentFault):
    """Error for an observation that is not as its space.

    step: the step of the episode that returned it; 0: its reset; None: not known yet.
    """

    def __init__(self, flaw: Flaw, step: int | None = None) -> None:
        when = "" if step is None else f" at step {step} of an episode"
        super().__init__(f"returned {flaw.found}{when}; allowed: {flaw.allowed}")
        self.flaw = flaw

    def at_step(self, step: int) -> WrongObservation:
        """Return the error with the step of the episode."""
        return WrongObservation(self.flaw, step)


def find_flaw(space: Any, obs: Any) -> Flaw | None:
    """Return the first part of an observation that its space does not allow; None if it allows all of them.

    The numbers of a Box may be of another type and beyond its bounds, but within a Dict or Tuple, where Gymnasium casts
    them to the space's dtype, that of a Box of integers must be able to hold them.
    """
    if isinstance(space, Dict | Tuple):
        return _find_flaw_in_parts(space, obs, "observation")
    return _find_flaw_in_numbers(space, obs, "observation", nested=False)


def _find_flaw_in_parts(space: Dict | Tuple, obs: Any, name: str) -> Flaw | None:
    """Return the first flaw of a Dict's or Tuple's observation.  name: its own name in messages."""
    parts: Iterable[tuple[Any, Any]]
    if isinstance(space, Dict):
        if not isinstance(obs, Mapping) or obs.keys() != space.spaces.keys():
            keys = ", ".join(map(repr, space.spaces))
            return Flaw(f"as {name} {describe_value(obs)}", f"a dict with the keys {keys}")
        parts = space.spaces.items()
    else:
        if not isinstance(obs, tuple | list) or len(obs) != len(space.spaces):
            return Flaw(f"as {name} {describe_value(obs)}", f"a tuple of length {len(space.spaces)}")
        parts = enumerate(space.spaces)
    for key, part in parts:
        part_name = f"{name}[{key!r}]"
        if isinstance(part, Dict | Tuple):
            flaw = _find_flaw_in_parts(part, obs[key], part_name)
        else:
            flaw = _find_flaw_in_numbers(part, obs[key], part_name, nested=True)
        if flaw is not None:
            return flaw
    return None


def _find_flaw_in_numbers(space: Any, obs: Any, name: str, nested: bool) -> Flaw | None:
    """Return the flaw of an observation of numbers.  nested: whether it is a part of a Dict or Tuple."""
    if isinstance(space, Discrete):
        return _find_flaw_in_index(space, obs, name)
    if space.shape == () and is_number(obs):
        obs = np.asarray(obs).reshape(())
    if not isinstance(obs, np.ndarray) or obs.dtype.kind not in NUMERIC or obs.shape != space.shape:
        return Flaw(f"as {name} {describe_value(obs)}", f"an array of numbers of shape {space.shape}, as its space")
    if isinstance(space, Box) and (space.dtype.kind == "f" or not nested):
        return None
    if obs.dtype.kind not in WHOLE:
        return Flaw(f"as {name} {describe_value(obs)}", f"integers, as its space, {describe_space(space)}")
    return _find_flaw_in_entries(*_limits(space), obs, name)


def _find_flaw_in_index(space: Discrete, obs: Any, name: str) -> Flaw | None:
    """Return the flaw of a Discrete's observation, which is one integer, perhaps in an array."""
    low, high = int(space.start), int(space.start + space.n) - 1
    if isinstance(obs, np.ndarray) and obs.size == 1:
        obs = obs.reshape(())[()]
    if isinstance(obs, int | np.integer | np.bool_):
        return None if low <= obs <= high else Flaw(f"{name} = {obs}", f"an integer from {low} to {high}")
    return Flaw(f"as {name} {describe_value(obs)}", f"an integer from {low} to {high}")


def _limits(space: Any) -> tuple[Any, Any]:
    """Return the smallest and the largest integers of a space: numbers, or arrays of the space's shape."""
    if isinstance(space, MultiDiscrete):
        return space.start, space.start + space.nvec - 1
    if isinstance(space, MultiBinary) or space.dtype.kind == "b":
        return 0, 1
    info = np.iinfo(space.dtype)
    return info.min, info.max


def _find_flaw_in_entries(low: Any, high: Any, obs: np.ndarray, name: str) -> Flaw | None:
    """Return the flaw of the first entry below its lowest or above its highest number."""
    outside = (obs < low) | (obs > high)
    if not outside.any():
        return None
    index = tuple(int(i) for i in np.argwhere(outside)[0])
    first, last = (int(np.broadcast_to(limit, obs.shape)[index]) for limit in (low, high))
    entry = f"{name}[{', '.join(map(str, index))}]" if index else name
    return Flaw(f"{entry} = {obs[index]}", f"an integer from {first} to {last}")


def is_number(value: Any) -> bool:
    """Return whether a value is one number, which may be in an array."""
    if isinstance(value, bool | int | float):
        return True
    return isinstance(value, np.generic | np.ndarray) and value.dtype.kind in NUMERIC and value.size == 1


def describe_value(value: Any) -> str:
    """Return a short description of a value: its type, and its shape or length."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, tuple | list | Mapping):
        return f"a {type(value).__name__} of length {len(value)}"
    text = repr(value)
    return "None" if value is None else f"a {type(value).__name__}, {text if len(text) < 40 else text[:37] + '...'}"
