"""Snapshots of an environment's state: saved as plain values, restored to the same bits.

The state consists of all attributes of the environment, of the wrappers around it, and of plain Python
objects in them: numbers, strings, lists, tuples, dictionaries and arrays, with their types. A random
generator is saved as its bit generator's state, MuJoCo's data as in `env.episodes.physics`.

Attributes that cannot change during an episode are left alone: spaces, models, functions, and objects
that draw. Any other kind of attribute, or an array or list that occurs in two places at once, makes the
environment unsavable. State that is in no attribute, such as a module's variables, goes unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Generic

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

ATOMIC_TYPES = (type(None), bool, int, float, str, bytes)

CONSTANT_TYPES = (gym.Space, EnvSpec, type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, PurePath)
"""Types of attributes that do not change during an episode."""

DRAWING_MODULES = ("pygame", "gymnasium.envs.mujoco.mujoco_rendering")
"""Modules whose objects only draw."""

SKIPPED_ATTRIBUTES = ("render_mode", "_ezpickle_args", "_ezpickle_kwargs")
"""Attributes that are the same in every state, or concern rendering only."""

HEAP_TYPE = 1 << 9
"""Py_TPFLAGS_HEAPTYPE, the flag of classes that a class statement defines."""


class Unsavable(Exception):
    """Error that names the attribute that cannot be saved or restored."""


def save(env: gym.Env[Any, Any]) -> dict[str, Any]:
    """Return a copy of the state of an environment that was reset.  Raises Unsavable if a part cannot be saved."""
    return _Saver().save_attributes(env, type(env).__name__)


def restore(env: gym.Env[Any, Any], state: dict[str, Any]) -> None:
    """Restore the state of an environment made like the saved one.  Raises Unsavable if it differs from that."""
    env.reset(seed=0)  # Creates the objects that are then filled.
    _restore_attributes(env, state, type(env).__name__)


def _is_constant(value: Any) -> bool:
    """Return whether the value is neither saved nor restored, such as a model."""
    kind = type(value)
    return (
        isinstance(value, CONSTANT_TYPES) or kind.__module__.startswith(DRAWING_MODULES) or kind.__name__ == "MjModel"
    )


def _is_python_class(kind: type) -> bool:
    """Return whether all data of an object of this class is in its __dict__."""
    own = [base for base in kind.__mro__ if base not in (object, Generic)]
    return all(base.__flags__ & HEAP_TYPE and not base.__dict__.get("__slots__") for base in own)


def _mutable_attributes(holder: Any) -> dict[str, Any]:
    """Return the attributes that may change."""
    return {
        name: value
        for name, value in vars(holder).items()
        if name not in SKIPPED_ATTRIBUTES and not _is_constant(value)
    }


class _Saver:
    """A copier of values that refuses to copy a mutable value twice."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def save_attributes(self, holder: Any, path: str) -> dict[str, Any]:
        """Return copies of an object's attributes, each under its kind.  path: name of the object in messages."""
        self._visit(holder, path)
        return {name: self._save_value(value, f"{path}.{name}") for name, value in _mutable_attributes(holder).items()}

    def _save_value(self, value: Any, path: str) -> Any:
        """Return a copy of an attribute under its kind."""
        if isinstance(value, np.random.Generator):
            return {"generator": value.bit_generator.state}
        if isinstance(value, np.random.RandomState):
            return {"generator": value.get_state(legacy=False)}
        if _is_physics(value):
            return {"physics": _save_physics(value)}
        if type(value) in COPIERS or type(value) in ATOMIC_TYPES or isinstance(value, np.generic):
            return {"value": self._copy(value, path)}
        if hasattr(value, "__dict__") and _is_python_class(type(value)):
            return {"object": self.save_attributes(value, path)}
        raise Unsavable(f"{path} is a {type(value).__name__}")

    def _copy(self, value: Any, path: str) -> Any:
        """Return a copy of a value that consists of plain values."""
        if type(value) in ATOMIC_TYPES or isinstance(value, np.generic):
            return value
        copier = COPIERS.get(type(value))
        if copier is None:
            raise Unsavable(f"{path} contains a {type(value).__name__}")
        return copier(self, value, path)

    def _visit(self, value: Any, path: str) -> None:
        """Raise Unsavable if the value was visited before."""
        if id(value) in self._seen:
            raise Unsavable(f"{path} occurs in two places")
        self._seen.add(id(value))

    def _copy_list(self, values: list[Any], path: str) -> list[Any]:
        self._visit(values, path)
        return [self._copy(value, path) for value in values]

    def _copy_tuple(self, values: tuple[Any, ...], path: str) -> tuple[Any, ...]:
        return tuple(self._copy(value, path) for value in values)

    def _copy_dict(self, values: dict[Any, Any], path: str) -> dict[Any, Any]:
        self._visit(values, path)
        return {self._copy(key, path): self._copy(value, path) for key, value in values.items()}

    def _copy_array(self, array: np.ndarray, path: str) -> np.ndarray:
        owner: Any = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        if owner.base is not None or array.dtype.hasobject:
            raise Unsavable(f"{path} is an array of objects, or of memory that it does not own")
        self._visit(owner, path)
        return array.copy()


COPIERS: dict[type, Callable[[_Saver, Any, str], Any]] = {
    list: _Saver._copy_list,
    tuple: _Saver._copy_tuple,
    dict: _Saver._copy_dict,
    np.ndarray: _Saver._copy_array,
}
"""Methods that copy containers and arrays, by type."""


def _restore_attributes(holder: Any, state: dict[str, Any], path: str) -> None:
    """Give an object its saved attributes and remove all others that may change."""
    for name in _mutable_attributes(holder).keys() - state.keys():
        delattr(holder, name)
    for name, saved in state.items():
        ((kind, content),) = saved.items()
        current = getattr(holder, name, None)
        if kind == "value":
            setattr(holder, name, content)
        else:
            RESTORERS[kind](current, content, f"{path}.{name}")


def _restore_generator(generator: Any, state: dict[str, Any], path: str) -> None:
    try:
        if isinstance(generator, np.random.RandomState):
            generator.set_state(state)
        else:
            generator.bit_generator.state = state
    except (AttributeError, ValueError, TypeError) as error:
        raise Unsavable(f"{path} is a different generator than the saved one ({error})") from error


def _restore_object(current: Any, state: dict[str, Any], path: str) -> None:
    if not hasattr(current, "__dict__"):
        raise Unsavable(f"{path} is not an object like the saved one")
    _restore_attributes(current, state, path)


def _is_physics(value: Any) -> bool:
    """Return whether the value is MuJoCo's data, without importing MuJoCo."""
    return type(value).__name__ == "MjData" and type(value).__module__.startswith("mujoco.")


def _save_physics(data: Any) -> dict[str, np.ndarray]:
    from env.episodes.physics import read_physics

    return read_physics(data)


def _restore_physics(data: Any, state: dict[str, np.ndarray], path: str) -> None:
    if not _is_physics(data):
        raise Unsavable(f"{path} is not MuJoCo's data, as the saved one was")
    from env.episodes.physics import write_physics

    try:
        write_physics(data, state)
    except ValueError as error:
        raise Unsavable(f"{path}: {error}") from error


RESTORERS: dict[str, Callable[[Any, Any, str], None]] = {
    "generator": _restore_generator,
    "object": _restore_object,
    "physics": _restore_physics,
}
"""Functions that fill an existing object with its saved state, by kind."""
