"""Conversion of observations to what learners take: one flat float32 vector.

A Box of one dimension stays unchanged. A Box of another shape is flattened row by row; its values are kept, so those
of a uint8 grid range from 0 to 255. All other observations are flattened by `gymnasium.spaces.flatten`:

- Discrete: one-hot, n numbers. MultiDiscrete: one-hot for each entry, in the order of the entries. MultiBinary: its
  zeros and ones.
- Dict: its parts one after another, in the order of `space.spaces`: sorted by key if the space was made of a dict.
  Tuple: its parts in their order. Both may be nested.

All networks here are fully connected, so images are refused: every Box of two or more dimensions with at least
`IMAGE_SIZE` numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple, flatdim, flatten, flatten_space

from env.episodes.space_flaws import Flaw, WrongObservation, find_flaw
from env.episodes.spaces import describe_space

IMAGE_SIZE = 64 * 64
"""Numbers in a Box of two or more dimensions from which it is taken for an image."""

ALLOWED = "Box, Discrete, MultiBinary or MultiDiscrete, or a Dict or Tuple of these"


def flatten_observations(env: gym.Env[Any, Any], name: str) -> gym.Env[Any, Any]:
    """Return the environment with flat observations.

    name: the environment's name in messages.  Raises ValueError for observations that cannot be flattened, have no
    number at all, or are images.
    """
    space = env.observation_space
    for path, leaf in _leaves(space):
        _check_leaf(f"env_name: '{name}' has observation{_path_text(path)}", leaf)
    if not any(flatdim(leaf) for _, leaf in _leaves(space)):
        text = describe_space(space)
        raise ValueError(f"env_name: '{name}' has observations without any number, {text}; allowed: at least one")
    if isinstance(space, Box):
        return env if len(space.shape) == 1 else FlatBox(env)
    return FlatSpace(env)


Path = tuple[Any, ...]
"""Keys and positions that lead to a part of a space or of an observation."""


def _path_text(path: Path) -> str:
    """Return a path as text, such as "['goal'][0]"."""
    return "".join(f"[{key!r}]" for key in path)


def _leaves(space: gym.Space[Any], path: Path = ()) -> Iterator[tuple[Path, gym.Space[Any]]]:
    """Yield each part of a space that is neither a Dict nor a Tuple, with its path."""
    parts: Any = ()
    if isinstance(space, Dict):
        parts = space.spaces.items()
    elif isinstance(space, Tuple):
        parts = enumerate(space.spaces)
    else:
        yield path, space
    for key, part in parts:
        yield from _leaves(part, (*path, key))


def _check_leaf(found: str, leaf: gym.Space[Any]) -> None:
    """Raise ValueError for a part of a space that is an image or cannot be flattened.

    found: the beginning of the message.
    """
    if not isinstance(leaf, Box | Discrete | MultiBinary | MultiDiscrete):
        raise ValueError(
            f"{found} of type {type(leaf).__name__}; allowed: {ALLOWED}; a wrapper can leave it out or encode it as "
            "numbers"
        )
    if isinstance(leaf, Box) and len(leaf.shape) > 1 and flatdim(leaf) >= IMAGE_SIZE:
        raise ValueError(
            f"{found}, an image of shape {leaf.shape}; allowed: fewer than {IMAGE_SIZE} numbers in an array of two or "
            "more dimensions, because all networks here are fully connected; use an observation of features (ale-py: "
            '"env_kwargs": {"obs_type": "ram"}), or a wrapper that returns a vector'
        )


class FlatObservations(gym.ObservationWrapper[np.ndarray, Any, Any]):
    """Base class of the wrappers whose observations are flat, (O,) float32."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        flat: Any = flatten_space(env.observation_space)
        with np.errstate(over="ignore"):  # The largest float64 becomes infinite.
            low, high = flat.low.astype(np.float32), flat.high.astype(np.float32)
        self.observation_space = Box(low, high, dtype=np.float32)


class FlatBox(FlatObservations):
    """A wrapper that flattens arrays of any shape row by row."""

    def observation(self, observation: np.ndarray) -> np.ndarray:
        """Return an array of any shape as (O,) float32.  Raises WrongObservation for another shape than the space's."""
        found = np.asarray(observation, np.float32)
        if found.shape != self.env.observation_space.shape:
            raise WrongObservation(
                Flaw(f"an observation of shape {found.shape}", str(self.env.observation_space.shape))
            )
        return found.reshape(-1)


class FlatSpace(FlatObservations):
    """A wrapper that flattens observations of any other space as Gymnasium does."""

    def observation(self, observation: Any) -> np.ndarray:
        """Return an observation as (O,) float32.

        Raises WrongObservation for one that is not as its space: flattening could take it for another one.
        """
        flaw = find_flaw(self.env.observation_space, observation)
        if flaw is not None:
            raise WrongObservation(flaw)
        flat: Any = flatten(self.env.observation_space, observation)
        return flat.astype(np.float32)
