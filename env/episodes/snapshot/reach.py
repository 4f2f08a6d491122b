"""The values of modules and classes that the code of an environment's classes names.

They are found by the names in the code: of methods, of the functions that these name, and so on.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from importlib.machinery import ExtensionFileLoader
from types import CodeType, FunctionType, ModuleType
from typing import Any

from env.episodes.snapshot.functions import Steps
from env.episodes.snapshot.layout import MISSING, class_label, is_trusted, module_of

CACHED = type(functools.lru_cache(lambda: None))


@dataclass
class Reach:
    """What the code of some classes names.

    places: module and steps of each value.  classes: the classes themselves, and those that are named.
    names: all names.
    """

    places: dict[tuple[str, Steps], None] = field(default_factory=dict)
    classes: set[type] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    _seen: set[tuple[str, str] | CodeType] = field(default_factory=set)

    def add_class(self, kind: type) -> None:
        """Add a class, the values of its attributes, and what its methods name."""
        module = module_of(kind)
        if kind in self.classes or is_trusted(module) or module not in sys.modules:
            return
        self.classes.add(kind)
        for key, _ in own_items(kind):
            self.places[module, (*kind.__qualname__.split("."), key)] = None
        for value in list(vars(kind).values()):
            self._add_function(value)

    def _add_function(self, value: Any) -> None:
        """Add what a function, or a method of any sort, names."""
        for function in functions_in(value):
            module = function.__globals__.get("__name__")
            if isinstance(module, str) and not is_trusted(module) and function.__code__ not in self._seen:
                self._seen.add(function.__code__)
                self._add_names(module, set(_names(function.__code__)))

    def _add_names(self, module: str, names: set[str]) -> None:
        """Add the values that have the names in a module, or in the modules that have one of the names there."""
        self.names |= names
        for name in sorted(names):
            value = vars(sys.modules[module]).get(name, MISSING) if module in sys.modules else MISSING
            if isinstance(value, ModuleType):
                self.names.add(value.__name__)
                if not is_trusted(value.__name__) and (module, value.__name__) not in self._seen:
                    self._seen.add((module, value.__name__))
                    self._add_names(value.__name__, names)
            elif isinstance(value, type):
                for base in () if issubclass(value, Enum) else value.__mro__:
                    self.add_class(base)
            elif value is not MISSING and not name.startswith("__"):
                self.places[module, (name,)] = None
                self._add_function(value)


def own_items(holder: Any) -> list[tuple[str, Any]]:
    """Return the values of a module or a class that may be state."""
    return [(key, value) for key, value in vars(holder).items() if not key.startswith("__") and key != "_abc_impl"]


def functions_in(value: Any) -> Iterator[FunctionType]:
    """Yield the functions of a method, a property, or a function with a decorator."""
    if isinstance(value, FunctionType):
        yield value
        yield from functions_in(vars(value).get("__wrapped__"))
    elif isinstance(value, (staticmethod, classmethod, CACHED)):
        yield from functions_in(value.__wrapped__)
    elif isinstance(value, property):
        for part in (value.fget, value.fset):
            yield from functions_in(part)
    elif isinstance(value, (functools.cached_property, functools.partialmethod, functools.partial)):
        yield from functions_in(value.__dict__.get("func") or getattr(value, "func", None))


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names of globals and attributes in a function and the functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


_reaches: dict[frozenset[type], Reach] = {}


def reach_of(classes: frozenset[type]) -> Reach:
    """Return what the code of some classes names."""
    found = _reaches.get(classes)
    if found is None:
        found = Reach()
        for kind in sorted(classes, key=class_label):
            found.add_class(kind)
        if len(_reaches) > 100:  # Classes that are made at run time must not accumulate.
            _reaches.clear()
        _reaches[classes] = found
    return found


def is_extension(module: Any) -> bool:
    """Return whether this is a module in C on its own, such as pybullet, rather than a part of a package."""
    spec = getattr(module, "__spec__", None)
    if not isinstance(getattr(spec, "loader", None), ExtensionFileLoader):
        return False
    return "." not in module.__name__ and not is_trusted(module.__name__)


_extensions: tuple[int, frozenset[str]] = (0, frozenset())


def extension_names() -> frozenset[str]:
    """Return the names of the loaded modules in C on their own."""
    global _extensions
    if _extensions[0] != len(sys.modules):
        names = frozenset(name for name, module in list(sys.modules.items()) if is_extension(module))
        _extensions = (len(sys.modules), names)
    return _extensions[1]
