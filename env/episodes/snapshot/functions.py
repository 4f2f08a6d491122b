"""References to classes, modules and functions by their names, and closures as plain values."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from env.episodes.snapshot.layout import MISSING, Unsavable, instance_dict

if TYPE_CHECKING:
    from env.episodes.snapshot.reader import Reader
    from env.episodes.snapshot.writer import Writer

Steps = tuple[Any, ...]
"""The way from a module to an object in it: names of attributes, and ("item", key) for elements."""


def follow(module: str, steps: Steps) -> Any:
    """Return an object in a module that is loaded, MISSING if there is none. No code is run."""
    value: Any = sys.modules.get(module, MISSING)
    for step in steps:
        value = child(value, step)
    return value


def child(value: Any, step: Any) -> Any:
    """Return an attribute or an element without running code, MISSING if there is none."""
    if value is MISSING or value is None:
        return MISSING
    if isinstance(step, tuple):
        try:
            return value[step[1]] if type(value) in (list, tuple, dict, deque) else MISSING
        except (LookupError, TypeError):
            return MISSING
    if isinstance(value, type):
        return next((vars(base)[step] for base in value.__mro__ if step in vars(base)), MISSING)
    if isinstance(value, ModuleType):
        return vars(value).get(step, MISSING)
    if isinstance(value, (MethodType, BuiltinFunctionType, staticmethod, classmethod)):
        return getattr(value, step, MISSING) if step in ("__self__", "__func__") else MISSING
    return instance_dict(value).get(step, MISSING)


def name_of(value: Any) -> tuple[str, Steps] | None:
    """Return module and steps that lead to a class, module or function by its own name; None if they do not."""
    if isinstance(value, ModuleType):
        name = value.__name__
        return (name, ()) if sys.modules.get(name) is value else None
    module: Any = getattr(value, "__module__", None) or (None if isinstance(value, type) else type(value).__module__)
    qualname: Any = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if not isinstance(module, str) or not isinstance(qualname, str):
        return None
    steps = tuple(qualname.split("."))
    found = follow(module, steps)
    if isinstance(found, (staticmethod, classmethod)):
        found, steps = found.__func__, (*steps, "__func__")
    return (module, steps) if found is value else None


def write_named(writer: Writer, value: Any, index: int) -> tuple[str, Any]:
    """Return kind and content of a class, a module, or a function that state cannot hide in."""
    name = name_of(value)
    if name is None:
        raise Unsavable(f"{writer.path(index)} is a {type(value).__name__}")
    return "name", name


def write_builtin(writer: Writer, function: Any, index: int) -> tuple[str, Any]:
    """Return kind and content of a function in C, or of a method of an object in C."""
    owner = function.__self__
    if owner is None or isinstance(owner, (ModuleType, type)):
        return write_named(writer, function, index)
    return "builtin", (writer.value(owner, index, "__self__"), function.__name__)


def write_method(writer: Writer, method: MethodType, index: int) -> tuple[str, Any]:
    """Return kind and content of a bound method."""
    return "method", (
        writer.value(method.__func__, index, "__func__"),
        writer.value(method.__self__, index, "__self__"),
    )


def write_function(writer: Writer, function: FunctionType, index: int) -> tuple[str, Any]:
    """Return kind and content of a function: its name in a module, or its code's place and its variables."""
    name = name_of(function)
    if name is not None:
        return "name", name
    module, qualname = function.__globals__.get("__name__"), function.__code__.co_qualname
    number = next((i for i, code in enumerate(_codes(module, qualname)) if code is function.__code__), None)
    if number is None:
        raise Unsavable(f"{writer.path(index)} is a function whose code has no name in a module")
    variables = (function.__closure__ or (), function.__defaults__, function.__kwdefaults__, vars(function))
    return "function", (module, qualname, number, *(writer.value(value, index, None) for value in variables))


def write_cell(writer: Writer, cell: CellType, index: int) -> tuple[str, Any]:
    """Return kind and content of a variable of a closure, which functions may share."""
    try:
        return "cell", (writer.value(cell.cell_contents, index, "cell_contents"),)
    except ValueError:  # It has no value yet.
        return "cell", ()


def _codes(module: Any, qualname: str) -> Iterator[CodeType]:
    """Yield the code objects of a qualified name that are defined inside functions and methods of a module."""
    head = qualname.split(".<locals>")[0]
    outer = follow(module, tuple(head.split("."))) if isinstance(module, str) else MISSING
    outer = getattr(outer, "fget", None) or getattr(outer, "__func__", outer)
    while isinstance(outer, FunctionType):
        yield from (code for code in _nested(outer.__code__) if code.co_qualname == qualname)
        outer = vars(outer).get("__wrapped__")


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def make_named(reader: Reader, index: int) -> Any:
    """Return the object of a name.  Raises Unsavable if there is none, or its module is not loaded."""
    module, steps = reader.content(index)
    found = follow(module, steps)
    if found is MISSING:
        raise Unsavable(f"{reader.path(index)} was {label(module, steps)}, which is not there")
    return found


def label(module: str, steps: Steps) -> str:
    """Return a name for messages."""
    return module + "".join(f"[{step[1]!r}]" if isinstance(step, tuple) else f".{step}" for step in steps)


def make_function(reader: Reader, index: int) -> FunctionType:
    """Return a new function from its node; its variables are filled later."""
    module, qualname, number, closure, *_ = reader.content(index)
    codes = list(_codes(module, qualname))
    if number >= len(codes):
        raise Unsavable(f"{reader.path(index)} was the function {module}.{qualname}, which is not there")
    code = codes[number]
    cells = reader.value(closure)
    return FunctionType(code, vars(sys.modules[module]), code.co_name, None, cells or None)


def fill_function(reader: Reader, function: FunctionType, index: int) -> None:
    """Set the defaults and attributes of a function."""
    _, _, _, _, defaults, keywords, own = reader.content(index)
    function.__defaults__, function.__kwdefaults__ = reader.value(defaults), reader.complete(keywords)
    function.__qualname__ = function.__code__.co_qualname
    vars(function).update(reader.complete(own))


def fill_cell(reader: Reader, cell: CellType, index: int) -> None:
    """Set the value of a closure's variable."""
    for value in reader.content(index):
        cell.cell_contents = reader.value(value)


def make_method(reader: Reader, index: int) -> MethodType:
    """Return a new bound method from its node."""
    function, owner = reader.content(index)
    return MethodType(reader.value(function), reader.value(owner))


def make_builtin(reader: Reader, index: int) -> Any:
    """Return the method of a new object in C from its node."""
    owner, name = reader.content(index)
    return getattr(reader.value(owner), name)


NAMED_TYPES = (
    type, ModuleType, np.ufunc, type(str.upper), type(object.__repr__), type(dict.fromkeys),
)  # fmt: skip
"""Types of objects that are saved by their name."""
