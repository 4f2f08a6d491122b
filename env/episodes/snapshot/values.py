"""Containers, numbers, texts and objects of Python classes as plain values."""

from __future__ import annotations

import functools
import sys
import weakref
from collections import OrderedDict, defaultdict, deque
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from env.episodes.snapshot.functions import name_of
from env.episodes.snapshot.layout import (
    STATEFUL_DRAWING,
    Unsavable,
    class_label,
    in_modules,
    layout_of,
    set_attributes,
)

if TYPE_CHECKING:
    from env.episodes.snapshot.reader import Reader
    from env.episodes.snapshot.writer import Writer

MAX_BITS = 10_000
"""Bits of an integer from which it is written as hexadecimal text; Python does not convert long ones to decimals."""

SHORT = 8
"""Numbers up to which a list is written one by one instead of as an array."""

STABLE_HASHES = (int, float, bool, np.integer, np.floating)
"""Types of elements whose order in a set is the same in every process."""


def write_class(writer: Writer, kind: type, index: int) -> Any:
    """Return a reference to a class, or its label if no module has it; restoring then needs an object of it."""
    return class_label(kind) if name_of(kind) is None else writer.value(kind, index, None)


def write_container(writer: Writer, value: Any, index: int) -> tuple[str, Any]:
    """Return kind and content of a container or text of a built-in type, or of a subclass of one."""
    kind = type(value)
    base: Any = layout_of(kind).base
    own = () if kind is base and base is not OrderedDict else _write_own(writer, value, index)
    if issubclass(base, dict):
        items: Any = tuple(
            (writer.value(key, index, None), writer.value(item, index, ("item", key) if _is_plain_key(key) else None))
            for key, item in base.items(value)
        )
        factory = writer.value(value.default_factory, index, None) if base is defaultdict else None
        return "dict", (base.__name__, own, items, factory)
    if base in (int, float, str, bytes, bytearray):
        return base.__name__, (base.__name__, own, _write_text(base, value), None)
    if base in (set, frozenset):
        _check_order(writer, value, base, index)
    elements: list[Any] = list(base.__iter__(value))
    if len(elements) > SHORT and set(map(type, elements)) in ({float}, {int}):
        items = elements
    else:
        items = tuple(writer.value(item, index, ("item", i)) for i, item in enumerate(elements))
    return base.__name__, (base.__name__, own, items, value.maxlen if base is deque else None)


def _is_plain_key(key: Any) -> bool:
    return type(key) in (str, int, bool)


def _write_own(writer: Writer, value: Any, index: int) -> tuple[Any, ...]:
    """Return class and attributes of an object of a subclass."""
    return write_class(writer, type(value), index), writer.attributes(value, index)


def _write_text(base: type, value: Any) -> Any:
    """Return a number as text, and text as bytes."""
    if base is int:
        return hex(int(value))
    if base is float:
        return float(value)
    content = str.encode(value, "utf-8", "surrogatepass") if base is str else bytes(value)
    return np.frombuffer(content, np.uint8).copy()


def _read_text(base: str, content: Any) -> Any:
    if base == "int":
        return int(content, 16)
    if base == "float":
        return content
    raw = content.tobytes()
    return raw.decode("utf-8", "surrogatepass") if base == "str" else raw


def has_stable_hash(value: Any) -> bool:
    """Return whether a value has the same hash in every process."""
    if type(value) is tuple:
        return all(map(has_stable_hash, value))
    return isinstance(value, STABLE_HASHES)


def _check_order(writer: Writer, values: Any, base: type, index: int) -> None:
    """Raise Unsavable for a set whose order, which a new set would not have, can matter."""
    if not all(map(has_stable_hash, values)):
        return  # Its order is another one in every process.
    made = base(list(values))
    if sys.getsizeof(made) != sys.getsizeof(base(values) if type(values) is not base else values) or any(
        a is not b for a, b in zip(made, values, strict=True)
    ):
        raise Unsavable(f"{writer.path(index)} is a {base.__name__} whose order depends on what it contained before")


def make_container(reader: Reader, index: int) -> Any:
    """Return a new container, empty if it can change, from its node."""
    base, own, items, extra = reader.content(index)
    kind = reader.make_class(own[0], index) if own else BASE_TYPES[base]
    builtin = BASE_TYPES[base]
    if base in ("int", "float", "str", "bytes"):
        return builtin.__new__(kind, _read_text(base, items))
    if base == "tuple":
        return tuple.__new__(kind, [reader.value(item) for item in items])
    if base == "frozenset":
        return frozenset.__new__(kind, [reader.complete(item) for item in items])
    made: Any = builtin.__new__(kind)
    if base == "bytearray":
        bytearray.__init__(made, items.tobytes())
    elif base == "deque":
        deque.__init__(made, (), extra)
    elif base == "defaultdict":
        defaultdict.__init__(made, reader.value(extra))
    return made


def fill_container(reader: Reader, made: Any, index: int) -> None:
    """Fill a container that can change, and the attributes of an object of a subclass."""
    base, own, items, _ = reader.content(index)
    if own:
        set_attributes(made, reader.attributes(index, own[1]))
    if base == "list":
        list.extend(made, (reader.value(item) for item in items))
    elif base == "deque":
        deque.extend(made, (reader.value(item) for item in items))
    elif base == "set":
        for item in items:
            set.add(made, reader.complete(item))
    elif base in ("dict", "OrderedDict", "defaultdict"):
        for key, item in items:
            BASE_TYPES[base].__setitem__(made, reader.complete(key), reader.value(item))
    if base in ("set", "frozenset"):
        _check_restored_order(reader, made, items, index)


def _check_restored_order(reader: Reader, made: Any, items: Any, index: int) -> None:
    saved = [reader.value(item) for item in items]
    if all(map(has_stable_hash, saved)) and any(a is not b and a != b for a, b in zip(made, saved, strict=True)):
        raise Unsavable(f"{reader.path(index)} is a set whose order is another one here")


BASE_TYPES: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        OrderedDict, defaultdict, dict, list, tuple, set, frozenset, deque, bytearray, bytes, str, float, int,
    )
}  # fmt: skip


def write_object(writer: Writer, value: Any, index: int) -> tuple[str, Any]:
    """Return kind and content of an object that consists of attributes."""
    return "object", (write_class(writer, type(value), index), writer.attributes(value, index))


def make_object(reader: Reader, index: int) -> Any:
    """Return a new object without attributes from its node; no code of its class is run."""
    kind: Any = reader.make_class(reader.content(index)[0], index)
    base: Any = layout_of(kind).base
    return base.__new__(kind)


def fill_object(reader: Reader, made: Any, index: int) -> None:
    """Set the attributes of an object."""
    set_attributes(made, reader.attributes(index, reader.content(index)[1]))


def write_enum(writer: Writer, member: Enum, index: int) -> tuple[str, Any]:
    """Return kind and content of a member of an enumeration, or of a combination of its flags."""
    kind = type(member)
    name = member._name_ if kind._member_map_.get(str(member._name_)) is member else None
    value = None if name is not None else writer.value(member._value_, index, None)
    return "enum", (writer.value(kind, index, None), name, value)


def make_enum(reader: Reader, index: int) -> Any:
    """Return the member of an enumeration from its node."""
    kind, name, value = reader.content(index)
    members = reader.value(kind)
    if name is None:
        return members(reader.value(value))
    if name not in members._member_map_:
        raise Unsavable(f"{reader.path(index)} was {class_label(members)}.{name}, which is not there")
    return members._member_map_[name]


def write_partial(writer: Writer, value: functools.partial[Any], index: int) -> tuple[str, Any]:
    """Return kind and content of a function with some of its arguments."""
    parts = {"func": value.func, "args": value.args, "keywords": value.keywords, "own": vars(value)}
    return "partial", tuple(writer.value(part, index, name) for name, part in parts.items())


def make_partial(reader: Reader, index: int) -> functools.partial[Any]:
    """Return a new partial from its node."""
    function, arguments, keywords, own = reader.content(index)
    made = functools.partial(reader.value(function), *reader.value(arguments), **reader.complete(keywords))
    vars(made).update(reader.complete(own))
    return made


def write_simple(writer: Writer, value: Any, index: int) -> tuple[str, Any]:
    """Return kind and content of an object that some simple values define."""
    if isinstance(value, np.dtype):
        return "dtype", np.empty(0, value)
    if isinstance(value, (range, slice)):
        parts = (value.start, value.stop, value.step)
        return type(value).__name__, tuple(writer.value(part, index, None) for part in parts)
    if isinstance(value, complex):
        return "complex", (value.real, value.imag)
    if isinstance(value, weakref.ref):
        target = value()
        if target is None or value.__callback__ is not None:
            raise Unsavable(f"{writer.path(index)} is a weak reference to nothing, or with a callback")
        return "weakref", writer.value(target, index, None)
    return "constant", "Ellipsis" if value is ... else "NotImplemented"


def make_simple(reader: Reader, index: int) -> Any:
    """Return what `write_simple` wrote."""
    kind, content = reader.kind(index), reader.content(index)
    if kind == "dtype":
        return content.dtype
    if kind == "complex":
        return complex(*content)
    if kind == "weakref":
        return weakref.ref(reader.value(content))
    if kind == "constant":
        return ... if content == "Ellipsis" else NotImplemented
    parts = [reader.value(part) for part in content]
    return range(*parts) if kind == "range" else slice(*parts)


def write_path(writer: Writer, value: Any, index: int) -> tuple[str, Any]:
    """Return kind and content of a path in a file system."""
    return "path", (writer.value(type(value), index, None), writer.value(str(value), index, None))


def is_drawing_value(kind: type) -> bool:
    """Return whether this is one of pygame's types of vectors, rectangles and colours."""
    return in_modules(kind, ("pygame",)) and kind.__name__ in STATEFUL_DRAWING and kind.__name__ != "Mask"


def write_drawing_value(writer: Writer, value: Any, index: int) -> tuple[str, Any]:
    """Return kind and content of a vector, rectangle or colour of pygame."""
    return "pygame", (writer.value(type(value), index, None), tuple(value))


def make_called(reader: Reader, index: int) -> Any:
    """Return a new path, or a new value of pygame, from its node."""
    kind, content = reader.content(index)
    return reader.value(kind)(reader.value(content) if reader.kind(index) == "path" else content)
