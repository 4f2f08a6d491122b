"""An environment's state as plain values, and an environment put back into one, to the bit.

All attributes of an environment and of the wrappers around it are taken, and those of plain Python
objects in them: numbers, texts, lists, tuples, dictionaries and arrays, with their types. A random
generator is told by its bit generator's state, MuJoCo's data as `env.episodes.physics` says.

What cannot change in an episode is left alone: spaces, models, functions, and what draws pictures.
Anything else, and an array or a list that is in two places at once, makes the environment one that
cannot be saved. What no attribute shows, a module's own variables for one, is not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Generic

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

PLAIN = (type(None), bool, int, float, str, bytes)

FIXED = (gym.Space, EnvSpec, type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, PurePath)
"""What does not change in an episode."""

PICTURES = ("pygame", "gymnasium.envs.mujoco.mujoco_rendering")
"""Modules whose objects only draw."""

LEFT_OUT = ("render_mode", "_ezpickle_args", "_ezpickle_kwargs")
"""Attributes that are the same in every state, or a matter of who looks on."""

HEAP_TYPE = 1 << 9
"""Py_TPFLAGS_HEAPTYPE: set on classes that a class statement made."""


class Unsavable(Exception):
    """Says which attribute cannot be saved, or put back."""


def save(env: gym.Env[Any, Any]) -> dict[str, Any]:
    """The state of an environment that was reset, copied.  Raises Unsavable."""
    return _Saver().attributes(env, type(env).__name__)


def restore(env: gym.Env[Any, Any], state: dict[str, Any]) -> None:
    """Put an environment, made as the saved one was, into its state.  Raises Unsavable."""
    env.reset(seed=0)  # Makes the objects that are then filled.
    _put_attributes(env, state, type(env).__name__)


def _is_fixed(value: Any) -> bool:
    """Models, MuJoCo's included, and all else that is left alone."""
    kind = type(value)
    return isinstance(value, FIXED) or kind.__module__.startswith(PICTURES) or kind.__name__ == "MjModel"


def _is_python(kind: type) -> bool:
    """Whether all that an object of this class holds is in its __dict__."""
    own = [base for base in kind.__mro__ if base not in (object, Generic)]
    return all(base.__flags__ & HEAP_TYPE and not base.__dict__.get("__slots__") for base in own)


def _varying(holder: Any) -> dict[str, Any]:
    """The attributes that may change."""
    return {name: value for name, value in vars(holder).items() if name not in LEFT_OUT and not _is_fixed(value)}


class _Saver:
    """Copies values, each changeable one once."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def attributes(self, holder: Any, place: str) -> dict[str, Any]:
        """Those of an object."""
        self._meet(holder, place)
        return {name: self.value(value, f"{place}.{name}") for name, value in _varying(holder).items()}

    def value(self, value: Any, place: str) -> Any:
        """An attribute's."""
        if isinstance(value, np.random.Generator):
            return {"generator": value.bit_generator.state}
        if isinstance(value, np.random.RandomState):
            return {"generator": value.get_state(legacy=False)}
        if _is_physics(value):
            return {"physics": _physics(value)}
        if type(value) in COPIERS or type(value) in PLAIN or isinstance(value, np.generic):
            return {"value": self.plain(value, place)}
        if hasattr(value, "__dict__") and _is_python(type(value)):
            return {"object": self.attributes(value, place)}
        raise Unsavable(f"{place} is a {type(value).__name__}")

    def plain(self, value: Any, place: str) -> Any:
        """A value that is told by what it consists of."""
        if type(value) in PLAIN or isinstance(value, np.generic):
            return value
        copier = COPIERS.get(type(value))
        if copier is None:
            raise Unsavable(f"{place} has a {type(value).__name__} in it")
        return copier(self, value, place)

    def _meet(self, value: Any, place: str) -> None:
        if id(value) in self._seen:
            raise Unsavable(f"{place} is in a second place too")
        self._seen.add(id(value))

    def _list(self, values: list[Any], place: str) -> list[Any]:
        self._meet(values, place)
        return [self.plain(value, place) for value in values]

    def _tuple(self, values: tuple[Any, ...], place: str) -> tuple[Any, ...]:
        return tuple(self.plain(value, place) for value in values)

    def _dict(self, values: dict[Any, Any], place: str) -> dict[Any, Any]:
        self._meet(values, place)
        return {self.plain(key, place): self.plain(value, place) for key, value in values.items()}

    def _array(self, array: np.ndarray, place: str) -> np.ndarray:
        owner: Any = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        if owner.base is not None or array.dtype.hasobject:
            raise Unsavable(f"{place} is an array of objects, or of memory that is not its own")
        self._meet(owner, place)
        return array.copy()


COPIERS: dict[type, Callable[[_Saver, Any, str], Any]] = {
    list: _Saver._list,
    tuple: _Saver._tuple,
    dict: _Saver._dict,
    np.ndarray: _Saver._array,
}


def _put_attributes(holder: Any, state: dict[str, Any], place: str) -> None:
    for name in _varying(holder).keys() - state.keys():
        delattr(holder, name)
    for name, saved in state.items():
        ((kind, content),) = saved.items()
        current = getattr(holder, name, None)
        if kind == "value":
            setattr(holder, name, content)
        else:
            PUTTERS[kind](current, content, f"{place}.{name}")


def _put_generator(generator: Any, state: dict[str, Any], place: str) -> None:
    try:
        if isinstance(generator, np.random.RandomState):
            generator.set_state(state)
        else:
            generator.bit_generator.state = state
    except (AttributeError, ValueError, TypeError) as error:
        raise Unsavable(f"{place} is not the generator that it was ({error})") from error


def _put_object(current: Any, state: dict[str, Any], place: str) -> None:
    if not hasattr(current, "__dict__"):
        raise Unsavable(f"{place} is not the object that it was")
    _put_attributes(current, state, place)


def _is_physics(value: Any) -> bool:
    return type(value).__name__ == "MjData" and type(value).__module__.startswith("mujoco.")


def _physics(data: Any) -> dict[str, np.ndarray]:
    from env.episodes.physics import state_of

    return state_of(data)


def _put_physics(data: Any, state: dict[str, np.ndarray], place: str) -> None:
    if not _is_physics(data):
        raise Unsavable(f"{place} is not the physics that it was")
    from env.episodes.physics import put

    try:
        put(data, state)
    except ValueError as error:
        raise Unsavable(f"{place}: {error}") from error


PUTTERS: dict[str, Callable[[Any, Any, str], None]] = {
    "generator": _put_generator,
    "object": _put_object,
    "physics": _put_physics,
}
