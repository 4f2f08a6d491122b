"""The layout of objects in memory: which consist of attributes only, and which attributes these are."""

from __future__ import annotations

import logging
import sys
from collections import OrderedDict, defaultdict, deque
from types import MemberDescriptorType, SimpleNamespace
from typing import Any

from gymnasium.envs.registration import EnvSpec

DRAWING_MODULES = ("pygame", "gymnasium.envs.mujoco.mujoco_rendering", "matplotlib", "pyglet", "glfw")
"""Modules whose objects only draw, except for `STATEFUL_DRAWING`."""

STATEFUL_DRAWING = ("Mask", "Vector2", "Vector3", "Rect", "FRect", "Color")
"""Types of pygame that hold an environment's state."""

EXTERNAL_MODULES = (
    "_thread", "asyncio", "concurrent", "ctypes", "multiprocessing", "queue", "selectors", "socket", "sqlite3",
    "subprocess", "threading",
)  # fmt: skip
"""Modules whose objects refer to threads, processes, files or libraries."""

KEPT_TYPES = (EnvSpec, logging.Logger)
"""Types of objects that are the same in every state."""

TRUSTED_PACKAGES = frozenset({
    "gymnasium", "numpy", "scipy", "pandas", "mujoco", "torch", "tqdm", "__future__", *sys.stdlib_module_names,
    *(module.split(".", 1)[0] for module in DRAWING_MODULES),
})  # fmt: skip
"""Packages whose modules and classes have no state that environments depend on."""

BASES = (
    SimpleNamespace,
    OrderedDict, defaultdict, dict, list, tuple, set, frozenset, deque, bytearray, bytes, str, float, int,
)  # fmt: skip
"""Built-in types whose subclasses can be saved."""

POINTER = 8
HEAP_TYPE, MANAGED_DICT = 1 << 9, 1 << 4
"""Py_TPFLAGS_HEAPTYPE, the flag of classes that are made at run time, and Py_TPFLAGS_MANAGED_DICT."""

MISSING: Any = object()


SHARED_CHANGE = "which environments share, has changed"
"""How the reason ends if a value of a module or class is not what it was."""


class Unsavable(Exception):
    """Error that names the attribute that cannot be saved or restored."""


def module_of(kind: type) -> str:
    """Return the name of the module that defines a class; types in C need not have one."""
    return str(getattr(kind, "__module__", ""))


def class_label(kind: type) -> str:
    """Return a class's name with its module."""
    return f"{module_of(kind)}.{kind.__qualname__}"


def is_trusted(module: str) -> bool:
    """Return whether a module is in one of the trusted packages."""
    return module.split(".", 1)[0] in TRUSTED_PACKAGES


def in_modules(kind: type, modules: tuple[str, ...]) -> bool:
    """Return whether a class is defined in one of the modules, or in a module inside them."""
    name = module_of(kind)
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def is_kept(value: Any) -> bool:
    """Return whether the value is neither saved nor restored, such as a window."""
    kind = type(value)
    if isinstance(value, KEPT_TYPES):
        return True
    return in_modules(kind, DRAWING_MODULES) and kind.__name__ not in STATEFUL_DRAWING and not _is_sprite(kind)


def _is_sprite(kind: type) -> bool:
    """Return whether this is one of pygame's Python classes, whose objects have positions and speeds."""
    return in_modules(kind, ("pygame.sprite",))


class Layout:
    """What the objects of a class consist of.

    base: the built-in type of their content, `object` if there are attributes only.  slots: descriptors of `__slots__`.
    plain: whether there is nothing else.
    """

    def __init__(self, kind: type) -> None:
        self.base: type = next((base for base in kind.__mro__ if base in BASES), object)
        own = kind.__mro__[: kind.__mro__.index(self.base)]
        self.slots = {
            slot.__name__: slot for base in reversed(own) for slot in vars(base).values()
            if isinstance(slot, MemberDescriptorType)
        }  # fmt: skip
        size = self.base.__basicsize__ + POINTER * len(self.slots)
        if kind.__weakrefoffset__ != self.base.__weakrefoffset__:
            size += POINTER
        if kind.__dictoffset__ != self.base.__dictoffset__ and not kind.__flags__ & MANAGED_DICT:
            size += POINTER
        python = all(base.__flags__ & HEAP_TYPE for base in own)
        self.plain = python and kind.__basicsize__ <= size and not in_modules(kind, EXTERNAL_MODULES)


_layouts: dict[type, Layout] = {}


def layout_of(kind: type) -> Layout:
    """Return the layout of a class."""
    if len(_layouts) > 10_000:  # Classes that are made at run time must not accumulate.
        _layouts.clear()
    found = _layouts.get(kind)
    if found is None:
        found = _layouts[kind] = Layout(kind)
    return found


def attributes(holder: Any) -> dict[str, Any]:
    """Return the attributes of an object, those in slots included, without calling any code of its class."""
    found = dict(instance_dict(holder))
    for name, slot in layout_of(type(holder)).slots.items():
        try:
            found[name] = slot.__get__(holder)
        except AttributeError:
            continue
    return found


def instance_dict(holder: Any) -> dict[str, Any]:
    """Return an object's `__dict__`, empty if it has none."""
    if not type(holder).__dictoffset__:
        return {}
    return object.__getattribute__(holder, "__dict__")


def set_attributes(holder: Any, values: dict[str, Any]) -> None:
    """Set the attributes of an object without calling any code of its class, also if it is frozen."""
    slots = layout_of(type(holder)).slots
    for name, value in values.items():
        if name in slots:
            slots[name].__set__(holder, value)
        else:
            instance_dict(holder)[name] = value
