"""From an environment to nodes: each object that can be reached is written once."""

from __future__ import annotations

import ctypes
import functools
import random
import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from enum import Enum
from pathlib import PurePath
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np

from env.episodes.physics import is_physics, pack_model, read_physics
from env.episodes.snapshot.arrays import check_dtype, write_array
from env.episodes.snapshot.functions import (
    NAMED_TYPES,
    write_builtin,
    write_cell,
    write_function,
    write_method,
    write_named,
)
from env.episodes.snapshot.layout import Unsavable, attributes, class_label, is_kept, layout_of
from env.episodes.snapshot.randomness import write_bits, write_generator, write_random, write_seeds
from env.episodes.snapshot.shared import Shared
from env.episodes.snapshot.values import (
    MAX_BITS,
    is_drawing_value,
    write_container,
    write_drawing_value,
    write_enum,
    write_object,
    write_partial,
    write_path,
    write_simple,
)

SKIPPED_ATTRIBUTES = ("render_mode", "_ezpickle_args", "_ezpickle_kwargs")
"""Attributes of environments that are the same in every state, or concern rendering only."""


class Writer:
    """The nodes of one environment: kind, parent's index, step from the parent, and content of each object.

    A value in a content is a number, a text or None as it is, and (index,) for the object of a node.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        self._env = env
        self._nodes: list[Any] = []
        self._places: list[tuple[int, Any]] = []
        self._indices: dict[int, int] = {}
        self._alive: list[Any] = []  # The object of each node, so that no other one gets its id.
        own: Any = env
        chain = {id(env)}
        while isinstance(own, gym.Wrapper):
            own = own.env
            chain.add(id(own))
        self._shared = Shared(chain)
        self._chain = chain

    def state(self) -> dict[str, Any]:
        """Return the environment's state.  Raises Unsavable."""
        self.value(self._env, -1, None)
        return {
            "nodes": tuple(self._nodes),
            "shared": self._shared.values(),
        }

    def path(self, index: int) -> str:
        """Return the name of an object for messages, which begins with the class of its environment or wrapper."""
        parent, step = self._places[index]
        if index < len(self._alive) and id(self._alive[index]) in self._chain:
            return type(self._alive[index]).__name__
        if isinstance(step, tuple):
            return f"{self.path(parent)}[{step[1]!r}]"
        return self.path(parent) if step is None else f"{self.path(parent)}.{step}"

    def value(self, value: Any, parent: int, step: Any) -> Any:
        """Return a value as it is in a content.

        step: the way to it from the parent: an attribute's name, ("item", key), or None if there is no such way.
        """
        kind = type(value)
        if value is None or kind is bool or kind is float:
            return value
        if kind is int and value.bit_length() < MAX_BITS:
            return value
        if kind is str and value.isascii():
            return value
        known = self._indices.get(id(value))
        if known is not None:
            return (known,)
        index = len(self._nodes)
        self._places.append((parent, step))
        if isinstance(value, np.generic) and not value.dtype.hasobject:
            check_dtype(value.dtype, self, index)
            self._places.pop()
            return value
        self._indices[id(value)] = index
        self._alive.append(value)
        self._nodes.append(None)
        self._nodes[index] = (*self._write(value, index), parent, step)
        return (index,)

    def _write(self, value: Any, index: int) -> tuple[str, Any]:
        """Return kind and content of an object."""
        kind = type(value)
        if isinstance(value, Enum):
            return write_enum(self, value, index)
        if not isinstance(value, NAMED_TYPES):
            self._shared.add_class(kind)
            place = None if id(value) in self._chain else self._shared.refer(value)
            if place is not None:
                return "shared", place
        writer = WRITERS.get(kind)
        if writer is not None:
            return writer(self, value, index)
        if isinstance(value, gym.Env):
            return "environment", (class_label(kind), self.attributes(value, index, SKIPPED_ATTRIBUTES))
        if is_kept(value) or (is_idle_space(value) and isinstance(self._alive[self._places[index][0]], gym.Env)):
            return "kept", class_label(kind)
        for kinds, writer in CHECKED_WRITERS:
            if isinstance(value, kinds):
                return writer(self, value, index)
        return self._write_by_layout(value, index)

    def _write_by_layout(self, value: Any, index: int) -> tuple[str, Any]:
        """Return kind and content of an object by the layout of its class."""
        kind = type(value)
        if is_physics(value):
            return _write_physics(self, value, index)
        if is_drawing_value(kind):
            return write_drawing_value(self, value, index)
        layout = layout_of(kind)
        if not layout.plain and callable(value):  # Such as a function of Cython.
            return write_named(self, value, index)
        if not layout.plain or isinstance(value, ctypes.CDLL):
            raise Unsavable(f"{self.path(index)} is a {kind.__name__}")
        return (write_object if layout.base in (object, SimpleNamespace) else write_container)(self, value, index)

    def attributes(self, holder: Any, index: int, skipped: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the attributes of an object as they are in a content."""
        return {
            name: self.value(value, index, name) for name, value in attributes(holder).items() if name not in skipped
        }


def is_idle_space(value: Any) -> bool:
    """Return whether this is a space that has drawn nothing, and so is as it was made."""
    if not isinstance(value, gym.Space) or vars(value).get("_np_random") is not None:
        return False
    parts = vars(value).get("spaces", ())
    return all(map(is_idle_space, parts.values() if isinstance(parts, dict) else parts))


def _write_physics(writer: Writer, value: Any, index: int) -> tuple[str, Any]:
    """Return kind and content of MuJoCo's data, or of its model."""
    if type(value).__name__ == "MjModel":
        return "model", pack_model(value)
    return "physics", (read_physics(value), writer.value(value.model, index, None))


WRITERS: dict[type, Callable[[Writer, Any, int], tuple[str, Any]]] = {
    np.ndarray: write_array,
    np.random.Generator: write_generator,
    np.random.RandomState: write_generator,
    np.random.SeedSequence: write_seeds,
    random.Random: write_random,
    FunctionType: write_function,
    BuiltinFunctionType: write_builtin,
    MethodType: write_method,
    CellType: write_cell,
    functools.partial: write_partial,
    **dict.fromkeys((complex, range, slice, weakref.ref, type(...), type(NotImplemented)), write_simple),
    **dict.fromkeys(
        (dict, OrderedDict, defaultdict, list, tuple, set, frozenset, deque, bytes, bytearray, str, int),
        write_container,
    ),
}
"""Functions that write objects of exactly one type."""

CHECKED_WRITERS: tuple[tuple[Any, Callable[[Writer, Any, int], tuple[str, Any]]], ...] = (
    (NAMED_TYPES, write_named),
    (np.random.BitGenerator, write_bits),
    (np.dtype, write_simple),
    (PurePath, write_path),
)
"""Functions that write objects of some types and their subclasses."""
