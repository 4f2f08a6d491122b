"""What environments share: the values of the modules and classes that define them.

A snapshot refers to such an object instead of copying it, and has a fingerprint of the values. State is restored only
where these are the same, since other environments use and change them too.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import random
import sys
from collections import deque
from enum import Enum
from importlib.machinery import ExtensionFileLoader
from types import FunctionType, ModuleType
from typing import Any

import gymnasium as gym
import numpy as np

from env.episodes.physics import is_physics, pack_model, read_physics
from env.episodes.snapshot.functions import Steps
from env.episodes.snapshot.layout import Unsavable, attributes, instance_dict, is_kept, layout_of, module_of

TRUSTED_PACKAGES = frozenset(
    {"gymnasium", "numpy", "scipy", "mujoco", "torch", "pygame", "minatar", "__future__", *sys.stdlib_module_names}
)
"""Packages whose modules and classes have no state that environments depend on."""

CONTAINERS = (list, dict, set, deque, bytearray)
RANDOM_TYPES = (np.random.Generator, np.random.RandomState, np.random.BitGenerator, random.Random)
CACHED = type(functools.lru_cache(lambda: None))

MAX_DEPTH, MAX_OBJECTS = 5, 20_000
"""Bounds of the search for shared objects."""


def is_trusted(module: str) -> bool:
    """Return whether a module is in one of the trusted packages."""
    return module.split(".", 1)[0] in TRUSTED_PACKAGES


class Shared:
    """The objects that the modules and classes of an environment's objects hold.

    own: ids of the environment and its wrappers, which a module may hold too.
    """

    def __init__(self, own: set[int]) -> None:
        self._own, self._places = own, dict[int, tuple[str, Steps]]()
        self._modules: set[str] = set()
        self._classes: set[type] = set()
        self._alive: list[Any] = []
        self._searched: set[str] = set()

    def add_class(self, kind: type) -> None:
        """Search the modules that define a class and its bases.  Raises Unsavable for state out of reach."""
        if kind in self._classes:
            return
        for base in kind.__mro__:
            if base in self._classes or is_trusted(module_of(base)):
                continue
            self._classes.add(base)
            _check_methods(base)
            module = sys.modules.get(module_of(base))
            if module is not None and module_of(base) not in self._modules:
                self._modules.add(module_of(base))
                self._search_module(module, module_of(base), imports=True)
        self._classes.add(kind)

    @property
    def modules(self) -> tuple[str, ...]:
        """Names of the modules that define the classes, sorted."""
        return tuple(sorted(self._modules))

    def place(self, value: Any) -> tuple[str, Steps] | None:
        """Return module and steps to a shared object, None for any other."""
        return self._places.get(id(value))

    def _search_module(self, module: ModuleType, name: str, imports: bool) -> None:
        """Find the objects in a module; `imports`: and in those that it imports."""
        if name in self._searched:
            return
        self._searched.add(name)
        for key, value in _own_items(module):
            if isinstance(value, ModuleType):
                other = value.__name__
                if imports:
                    _check_extension(value, name)
                    if not is_trusted(other) and sys.modules.get(other) is value:
                        self._search_module(value, other, imports=False)
            elif isinstance(value, ctypes.CDLL):
                raise Unsavable(f"{name}.{key} is a library in C, whose state is out of reach")
            else:
                self._search(value, name, (key,), MAX_DEPTH)

    def _search(self, value: Any, module: str, steps: Steps, depth: int) -> None:
        """Add a value, and the objects in it."""
        if len(self._places) >= MAX_OBJECTS or depth == 0 or id(value) in self._own or id(value) in self._places:
            return
        if isinstance(value, type):
            if module_of(value) == module and not issubclass(value, Enum):
                for key, item in _own_items(value):
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


def _label(kind: type) -> str:
    return f"{module_of(kind)}.{kind.__qualname__}"


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


def fingerprints(modules: tuple[str, ...], referred: dict[str, Any]) -> dict[str, str]:
    """Return a fingerprint of each plain value in some modules and in their classes, and of referred objects.

    referred: objects by their names.
    """
    found: dict[str, Any] = {name: fingerprint(value) for name, value in referred.items()}
    for module in modules:
        for key, value in _own_items(sys.modules.get(module)):
            if not isinstance(value, type):
                found[f"{module}.{key}"] = fingerprint(value)
            elif module_of(value) == module and not issubclass(value, Enum):
                found |= {f"{_label(value)}.{name}": fingerprint(item) for name, item in _own_items(value)}
    return {name: text for name, text in found.items() if text is not None}


def _own_items(holder: Any) -> list[tuple[str, Any]]:
    """Return the values of a module or a class that may be state."""
    if holder is None:
        return []
    return [(key, value) for key, value in vars(holder).items() if not key.startswith("__") and key != "_abc_impl"]


def fingerprint(value: Any) -> Any:
    """Return a hash of a value's content, None if it has no plain content."""
    parts: list[bytes] = []
    _describe(value, parts, {})
    return None if parts == [b"?"] else hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _describe(value: Any, parts: list[bytes], seen: dict[int, int]) -> None:
    """Append a value's content to `parts`; of an object that is not plain, only that there is one."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str, bytes, complex):
        parts.append(f"{kind.__name__} {value!r}".encode("utf-8", "surrogatepass"))
        return
    if id(value) in seen:
        parts.append(b"again %d" % seen[id(value)])
        return
    seen[id(value)] = len(seen)
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        parts += [f"{array.dtype} {array.shape}".encode(), b"" if array.dtype.hasobject else array.tobytes()]
    elif isinstance(value, Enum):
        parts.append(f"{_label(kind)} {value._name_}".encode())
    elif isinstance(value, (list, tuple, deque, bytearray)):
        parts.append(f"{kind.__name__} {len(value)}".encode())
        for item in value:
            _describe(item, parts, seen)
    elif isinstance(value, dict):
        parts.append(f"{kind.__name__} {len(value)}".encode())
        for pair in value.items():
            for item in pair:
                _describe(item, parts, seen)
    elif isinstance(value, (set, frozenset)):
        parts += [f"{kind.__name__} {len(value)}".encode(), *sorted(str(fingerprint(item)).encode() for item in value)]
    elif isinstance(value, RANDOM_TYPES):
        parts.append(kind.__name__.encode())
        _describe(_random_state(value), parts, seen)
    elif is_physics(value):
        parts.append(kind.__name__.encode())
        _describe(pack_model(value) if kind.__name__ == "MjModel" else read_physics(value), parts, seen)
    else:
        _describe_object(value, parts, seen)


def _random_state(value: Any) -> Any:
    if isinstance(value, random.Random):
        return value.getstate()
    if isinstance(value, np.random.RandomState):
        return value.get_state(legacy=False)
    return value.state if isinstance(value, np.random.BitGenerator) else value.bit_generator.state


def _describe_object(value: Any, parts: list[bytes], seen: dict[int, int]) -> None:
    kind = type(value)
    if isinstance(value, FunctionType) and vars(value).keys() - {"__wrapped__"}:
        own = {key: item for key, item in vars(value).items() if key != "__wrapped__"}
        parts.append(b"function")
        _describe(own, parts, seen)
    elif isinstance(value, gym.Env) or is_kept(value) or not layout_of(kind).plain or _is_foreign(kind):
        parts.append(b"?")
    else:
        parts.append(_label(kind).encode())
        _describe(attributes(value), parts, seen)


def _is_foreign(kind: type) -> bool:
    return is_trusted(module_of(kind)) and not issubclass(kind, gym.Space)


def _check_methods(kind: type) -> None:
    """Raise Unsavable for a class with methods that keep results, or that call an extension module."""
    extensions = _extension_names()
    for key, value in list(vars(kind).items()):
        if isinstance(value, CACHED) and value.cache_info().currsize:
            raise Unsavable(f"{kind.__name__}.{key} keeps results of earlier calls (functools.lru_cache)")
        if isinstance(value, FunctionType) and (used := extensions.intersection(value.__code__.co_names)):
            raise Unsavable(_extension_reason(kind.__name__, min(used)))


def _check_extension(module: ModuleType, user: str) -> None:
    if _is_extension(module):
        raise Unsavable(_extension_reason(user, module.__name__))


def _extension_reason(user: str, name: str) -> str:
    return f"{user} uses {name}, a module in C whose state is out of reach"


def _is_extension(module: Any) -> bool:
    """Return whether this is a module in C on its own, such as pybullet, rather than a part of a package."""
    spec = getattr(module, "__spec__", None)
    if not isinstance(getattr(spec, "loader", None), ExtensionFileLoader):
        return False
    return "." not in module.__name__ and not is_trusted(module.__name__)


_extensions: tuple[int, frozenset[str]] = (0, frozenset())


def _extension_names() -> frozenset[str]:
    """Return the names of the loaded modules in C on their own."""
    global _extensions
    if _extensions[0] != len(sys.modules):
        names = frozenset(name for name, module in list(sys.modules.items()) if _is_extension(module))
        _extensions = (len(sys.modules), names)
    return _extensions[1]
