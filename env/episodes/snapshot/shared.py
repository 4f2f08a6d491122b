"""What environments share: objects in the modules and classes that define them.

A snapshot refers to such an object instead of copying it. It has a fingerprint of each, and of all other values that
the environments' code names. State is restored only where these are the same, since other environments use them too.
"""

from __future__ import annotations

import ctypes
import sys
from collections import deque
from collections.abc import Iterable
from enum import Enum
from types import FunctionType, ModuleType
from typing import Any

import gymnasium as gym
import numpy as np

from env.episodes.physics import is_physics
from env.episodes.snapshot.fingerprints import RANDOM_TYPES, fingerprint
from env.episodes.snapshot.functions import Steps, follow, label
from env.episodes.snapshot.layout import MISSING, Unsavable, instance_dict, is_kept, is_trusted, layout_of, module_of
from env.episodes.snapshot.reach import CACHED, extension_names, own_items, reach_of

SharedValue = tuple[str, Steps, str]
"""Module, steps to a value in it, and the value's fingerprint."""

CONTAINERS = (list, dict, set, deque, bytearray)

MAX_DEPTH, MAX_OBJECTS = 5, 20_000
"""Bounds of the search for shared objects."""


class Shared:
    """The objects that the modules and classes of an environment's objects hold.

    own: ids of the environment and its wrappers, which a module may hold too.
    """

    def __init__(self, own: set[int]) -> None:
        self._own, self._places = own, dict[int, tuple[str, Steps]]()
        self._classes: set[type] = set()
        self._alive: list[Any] = []
        self._searched: set[str] = set()
        self._referred: dict[tuple[str, Steps], None] = {}

    def add_class(self, kind: type) -> None:
        """Search the modules that define a class and its bases."""
        if kind in self._classes or is_trusted(module_of(kind)):
            return
        for base in kind.__mro__:
            module = module_of(base)
            if base not in self._classes and not is_trusted(module) and module in sys.modules:
                self._classes.add(base)
                self._search_module(sys.modules[module], module, imports=True)

    def refer(self, value: Any) -> tuple[str, Steps] | None:
        """Return module and steps to a shared object, to which a snapshot then refers; None for any other object."""
        place = self._places.get(id(value))
        if place is not None:
            self._referred[place] = None
        return place

    def values(self) -> tuple[SharedValue, ...]:
        """Return module, steps and fingerprint of each shared value.  Raises Unsavable for state out of reach."""
        reach = reach_of(frozenset(self._classes))
        used = extension_names() & reach.names
        if used:
            raise Unsavable(f"its code uses {min(used)}, a module in C whose state is out of reach")
        places = {**self._referred, **reach.places}
        for module, steps in places:
            value = follow(module, steps)
            if isinstance(value, ctypes.CDLL):
                raise Unsavable(f"{label(module, steps)} is a library in C, whose state is out of reach")
            if isinstance(value, CACHED) and len(steps) > 1 and value.cache_info().currsize:
                raise Unsavable(f"{label(module, steps)} keeps results of earlier calls (functools.lru_cache)")
        return read_places(places)

    def _search_module(self, module: ModuleType, name: str, imports: bool) -> None:
        """Find the objects in a module; `imports`: and in those that it imports."""
        if name in self._searched:
            return
        self._searched.add(name)
        for key, value in own_items(module):
            if not isinstance(value, ModuleType):
                self._search(value, name, (key,), MAX_DEPTH)
            elif imports and not is_trusted(value.__name__) and sys.modules.get(value.__name__) is value:
                self._search_module(value, value.__name__, imports=False)

    def _search(self, value: Any, module: str, steps: Steps, depth: int) -> None:
        """Add a value, and the objects in it."""
        if len(self._places) >= MAX_OBJECTS or depth == 0 or id(value) in self._own or id(value) in self._places:
            return
        if isinstance(value, type):
            if module_of(value) == module and not issubclass(value, Enum):
                for key, item in own_items(value):
                    self._search(item, module, (*steps, key), depth - 1)
            return
        children = _children(value, module)
        if children is None:
            return
        if not isinstance(value, (tuple, frozenset)):
            self._places[id(value)] = (module, steps)
            self._alive.append(value)
        for step, item in children:
            self._search(item, module, (*steps, step), depth - 1)


def _children(value: Any, module: str) -> list[tuple[Any, Any]] | None:
    """Return the steps to the objects in a value, and these; None if it need not be found."""
    if isinstance(value, (str, bytes, int, float, type(None), Enum, np.generic)):
        return None
    if isinstance(value, (*RANDOM_TYPES, np.ndarray)) or is_physics(value):
        return []
    if type(value) in (list, tuple):
        return [(("item", i), item) for i, item in enumerate(value)]
    if type(value) is dict:
        return [(("item", key), item) for key, item in value.items() if type(key) in (str, int, bool)]
    if isinstance(value, CONTAINERS) or (isinstance(value, FunctionType) and value.__module__ == module):
        return []
    kind = type(value)
    if is_kept(value) or is_trusted(module_of(kind)) or not layout_of(kind).plain:
        return [] if isinstance(value, gym.Space) else None
    return list(instance_dict(value).items())


def read_places(places: Iterable[tuple[str, Steps]]) -> tuple[SharedValue, ...]:
    """Return the plain values among those in some places."""
    found = ((module, steps, fingerprint(follow(module, steps))) for module, steps in places)
    return tuple((module, steps, text) for module, steps, text in found if text is not None)


def first_change(saved: Iterable[SharedValue]) -> str | None:
    """Return the name of the first shared value that is not as it was, None if there is none."""
    for module, steps, text in saved:
        value = follow(module, steps)
        if value is MISSING or fingerprint(value) != text:
            return label(module, steps)
    return None
