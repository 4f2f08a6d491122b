"""The likely cause, in words, why an environment is not a function of its seed.

Two instances are made alike, reset with one seed and stepped; whatever differs between them, or changes in their
classes and modules, is a suspect.
"""

from __future__ import annotations

import random
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

import gymnasium as gym
import numpy as np

from env.episodes.episode import Episodes
from env.episodes.seeding import OwnStreams, SeededEpisodes

MAX_DEPTH = 5
"""Depth to which attributes of attributes are compared."""

MAX_NAMES = 3
"""Number of suspects that are named."""

UNKNOWN = "its attributes do not show it: a clock, entropy of the operating system, or state outside of them"

GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)

ATOMIC_TYPES = (bool, int, float, complex, str, bytes, np.generic, type(None))

BY_ADDRESS = ("set",)
"""The mark of a set of two objects or more that are hashed by their address in memory."""

Marks = dict[str, Any]
"""A comparable value for each attribute, by its path."""


def find_cause(make: Callable[[int], Episodes], seed: int, actions: Sequence[np.ndarray]) -> str:
    """Return the likely cause.

    make: makes an instance with a seed for its first reset.  actions: (A,) for each step.
    """
    with closing(make(seed)) as one:
        shared = _shared_marks(one.env)
        made_one = _marks(one.env)
        one.reset()
        begun_one = _marks(one.env)
        for action in actions:
            _, _, terminated, truncated = one.step(action)
            if terminated or truncated:
                one.reset()
        changed = _unequal(shared, _shared_marks(one.env))
        drawn_one = _marks(one.env)
    with closing(make(seed)) as other:
        made_other = _marks(other.env)
        other.reset()
        begun_other = _marks(other.env)
        other.step(actions[0])
        streams = [name for name, mark in _marks(other.env).items() if _is_stream(mark) and name in drawn_one]
    if changed:
        return f"{_names(changed)} changes, which all instances share (in a class or module, not in self)"
    unseeded = [name for name in _unequal(begun_one, begun_other) if _is_stream(begun_one[name])]
    unseeded += [name for name in streams if name not in begun_one]
    if unseeded:
        return f"reset(seed=...) does not seed the generator {_names(unseeded)}"
    left = _unequal(begun_one, begun_other)
    drawn = [name for name in left if name in _unequal(made_one, made_other)]
    if drawn:
        return f"{_names(drawn)} is drawn when the environment is made, where no seed is given (env_kwargs may fix it)"
    if left and not _unequal(_begun_twice(make, seed), _begun_twice(make, seed)):
        return f"reset draws {_names(left)} before it passes the seed on; super().reset(seed=seed) must come first"
    if left:
        return f"reset(seed=...) leaves {_names(left)} different"
    sets = [name for name, mark in begun_one.items() if mark == BY_ADDRESS]
    return f"{_names(sets)} has a set of objects, whose order is that of addresses in memory" if sets else UNKNOWN


def _begun_twice(make: Callable[[int], Episodes], seed: int) -> Marks:
    """Return the marks of an instance that was reset with the same seed twice."""
    with closing(make(seed)) as episodes:
        episodes.reset()
        episodes.reseed(seed)
        episodes.reset()
        return _marks(episodes.env)


def _names(paths: list[str]) -> str:
    """Return the first attributes that the paths lead through, as text."""
    names = list(dict.fromkeys(".".join(path.split(".")[:2]) for path in paths))
    return ", ".join(names[:MAX_NAMES]) + (" and others" if len(names) > MAX_NAMES else "")


def _unequal(a: Marks, b: Marks) -> list[str]:
    """Return the paths that both have, with different values."""
    return [path for path in a if path in b and a[path] != b[path]]


def _is_stream(mark: Any) -> bool:
    """Return whether a mark is a generator's."""
    return isinstance(mark, tuple) and mark[:1] == ("generator",)


def _marks(env: gym.Env[Any, Any]) -> Marks:
    """Return the marks of the attributes of an environment and of its wrappers."""
    found: Marks = {}
    seen: set[int] = set()
    while isinstance(env, gym.Wrapper):
        own = {name: value for name, value in vars(env).items() if name != "env"}
        if not isinstance(env, OwnStreams | SeededEpisodes):
            _add_attributes(found, type(env).__name__, own, seen, 0)
        env = env.env
    _add_attributes(found, type(env).__name__, vars(env), seen, 0)
    return found


def _shared_marks(env: gym.Env[Any, Any]) -> Marks:
    """Return the marks of what instances share: variables of the environment's classes and of their modules."""
    found: Marks = {}
    for kind in type(env.unwrapped).__mro__:
        if kind is not object and kind.__module__.partition(".")[0] not in ("gymnasium", "typing"):
            _add_attributes(found, kind.__name__, _plain_variables(vars(kind)), set(), 0)
            module = sys.modules.get(kind.__module__)
            _add_attributes(found, kind.__module__, _plain_variables(vars(module) if module else {}), set(), 0)
    return found


def _plain_variables(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that may be state: plain values and generators, and no special names."""
    plain = (*ATOMIC_TYPES, *GENERATORS, np.ndarray, list, dict)
    return {name: value for name, value in variables.items() if isinstance(value, plain) and not name.startswith("__")}


def _add_attributes(found: Marks, path: str, attributes: Mapping[str, Any], seen: set[int], depth: int) -> None:
    """Add the marks of an object's attributes."""
    for name, value in list(attributes.items()):
        _add(found, f"{path}.{name}", value, seen, depth + 1)


def _add(found: Marks, path: str, value: Any, seen: set[int], depth: int) -> None:
    """Add the mark of a value, or the marks of what it contains; values without a comparison are left out."""
    if isinstance(value, ATOMIC_TYPES):
        found[path] = repr(value)
    elif isinstance(value, np.ndarray):
        found[path] = (value.shape, repr(value.tolist()) if value.dtype.hasobject else value.tobytes())
    elif isinstance(value, GENERATORS):
        found[path] = ("generator", _stream_state(value))
    elif isinstance(value, set | frozenset):
        objects = [item() if isinstance(item, weakref.ref) else item for item in list(value)]
        if sum(type(item).__hash__ is object.__hash__ for item in objects) > 1:
            found[path] = BY_ADDRESS
    elif depth <= MAX_DEPTH and id(value) not in seen and not isinstance(value, type):
        seen.add(id(value))
        if isinstance(value, list | tuple):
            _add_attributes(found, path, {str(i): element for i, element in enumerate(value)}, seen, depth)
        elif isinstance(value, dict):
            _add_attributes(found, path, {str(key): element for key, element in value.items()}, seen, depth)
        elif not isinstance(value, gym.Space):
            _add_attributes(found, path, getattr(value, "__dict__", {}), seen, depth)


def _stream_state(generator: Any) -> str:
    """Return a generator's state as text; of the operating system's entropy, which generator it is."""
    if isinstance(generator, random.SystemRandom):
        return str(id(generator))
    if isinstance(generator, random.Random):
        return repr(generator.getstate())
    if isinstance(generator, np.random.RandomState):
        state = generator.get_state(legacy=False)
        return repr((state["state"]["key"].tobytes(), state["state"]["pos"]))
    return repr(generator.bit_generator.state)
