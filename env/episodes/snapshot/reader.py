"""From nodes to an environment: new objects are made, filled, and given to it at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym

from env.episodes.physics import check_model, check_physics, is_physics, write_model, write_physics
from env.episodes.snapshot import arrays, functions, randomness, values
from env.episodes.snapshot.layout import (
    MISSING,
    SHARED_CHANGE,
    Unsavable,
    attributes,
    class_label,
    instance_dict,
    is_kept,
    set_attributes,
)
from env.episodes.snapshot.shared import first_change
from env.episodes.snapshot.writer import SKIPPED_ATTRIBUTES, is_idle_space

TEXT_KINDS = ("bytes", "bytearray", "str", "int", "float")
CONTAINER_KINDS = ("dict", "list", "tuple", "set", "frozenset", "deque", *TEXT_KINDS)

IN_PLACE = ("environment", "physics", "model", "kept")
"""Kinds of objects that are taken from the environment, by the way that led to the saved one."""


class Reader:
    """The objects of a saved state, made for an environment.

    References in contents are those of `env.episodes.snapshot.writer.Writer`.
    """

    def __init__(self, env: gym.Env[Any, Any], state: dict[str, Any]) -> None:
        self._env, self._state = env, state
        self._nodes = state["nodes"]
        self._made: dict[int, Any] = {}
        self._filled: set[int] = set()
        self._completed: set[int] = set()
        self._targets: dict[int, int] = {}

    def restore(self) -> None:
        """Change the environment.  Raises Unsavable, and leaves it unchanged, if it differs from the saved one."""
        for index in range(len(self._nodes)):
            self._make(index)
        for keyed in (False, True):
            for index in range(len(self._nodes)):
                if keyed == (self.kind(index) in ("dict", "set", "frozenset")):
                    self._fill(index)
        self._check_shared()
        changes = {i: self._environment_attributes(i) for i in self._of_kind("environment")}
        for index in self._of_kind("model"):
            write_model(self._made[index], self.content(index))
        for index in self._of_kind("physics"):
            write_physics(self._made[index], self.content(index)[0])
        for index, found in changes.items():
            _replace_attributes(self._made[index], found)

    def _of_kind(self, kind: str) -> list[int]:
        return [index for index in range(len(self._nodes)) if self.kind(index) == kind]

    def kind(self, index: int) -> str:
        """Return a node's kind."""
        return self._nodes[index][0]

    def content(self, index: int) -> Any:
        """Return a node's content."""
        return self._nodes[index][1]

    def path(self, index: int) -> str:
        """Return the name of an object for messages."""
        parent, step = self._nodes[index][2:]
        if parent < 0:
            return type(self._env).__name__
        if isinstance(step, tuple):
            return f"{self.path(parent)}[{step[1]!r}]"
        return self.path(parent) if step is None else f"{self.path(parent)}.{step}"

    def value(self, value: Any) -> Any:
        """Return a value of a content; an object may still be empty."""
        if not isinstance(value, tuple):
            return value
        made = self._make(value[0])
        if made is MISSING:
            raise Unsavable(f"{self.path(value[0])} is not there; the saved one was a {self.content(value[0])}")
        return made

    def complete(self, value: Any) -> Any:
        """Return a value of a content with everything in it, for use as a key."""
        if isinstance(value, tuple):
            self._complete(value[0])
        return self.value(value)

    def _complete(self, index: int) -> None:
        if index in self._completed:
            return
        self._completed.add(index)
        self._make(index)
        self._fill(index)
        for value in self._parts(index):
            self.complete(value)

    def _parts(self, index: int) -> list[Any]:
        """Return the values in an object on which its hash may depend."""
        kind, content = self.kind(index), self.content(index)
        if kind == "object":
            return list(content[1].values())
        if kind not in CONTAINER_KINDS:
            return []
        _, own, items, _ = content
        parts = list(own[1].values()) if own else []
        if kind == "dict":
            return [*parts, *(value for pair in items for value in pair)]
        return parts if kind in TEXT_KINDS else [*parts, *items]

    def _make(self, index: int) -> Any:
        """Return the object of a node, made if need be."""
        if index not in self._made:
            kind = self.kind(index)
            self._made[index] = self._live(index) if kind in IN_PLACE else MAKERS[kind](self, index)
        return self._made[index]

    def _fill(self, index: int) -> None:
        """Fill an object, once."""
        if index not in self._filled:
            self._filled.add(index)
            filler = FILLERS.get(self.kind(index))
            if filler is not None:
                filler(self, self._make(index), index)

    def attributes(self, index: int, saved: dict[str, Any]) -> dict[str, Any]:
        """Return the attributes of an object; those that are kept are the ones that the environment has now."""
        found: dict[str, Any] = {}
        for name, value in saved.items():
            if isinstance(value, tuple) and self.kind(value[0]) == "kept":
                holder = self._find(index)
                if holder is MISSING:
                    raise Unsavable(f"{self.path(index)}.{name} is not there; it was a {self.content(value[0])}")
                present = functions.child(holder, name)
                if present is not MISSING:
                    found[name] = present
            else:
                found[name] = self.value(value)
        return found

    def make_class(self, reference: Any, index: int) -> type:
        """Return the class of an object.  Raises Unsavable if it is not there."""
        if not isinstance(reference, str):
            found = self.value(reference)
            if isinstance(found, type):
                return found
        present = self._find(index)
        if present is MISSING or class_label(type(present)) != reference:
            raise Unsavable(f"{self.path(index)} was an object of a class that is not there ({reference})")
        return type(present)

    def _find(self, index: int) -> Any:
        """Return the environment's present object in the place of a saved one, MISSING if there is none."""
        parent, step = self._nodes[index][2:]
        if parent < 0:
            return self._env
        return MISSING if step is None else functions.child(self._find(parent), step)

    def _live(self, index: int) -> Any:
        """Return the environment's own object in the place of a saved one.  Raises Unsavable if it differs."""
        kind, content = self.kind(index), self.content(index)
        if kind == "model" and self._nodes[index][3] is None:
            present: Any = self._make(self._nodes[index][2]).model
        else:
            present = self._find(index)
        if kind == "kept":
            return present if class_label(type(present)) == content else MISSING
        expected = (
            content[0] if kind == "environment" else {"physics": "MuJoCo's data", "model": "MuJoCo's model"}[kind]
        )
        self._check_live(index, present, expected)
        if self._targets.setdefault(id(present), index) != index:
            raise Unsavable(f"{self.path(index)} is the same object as {self.path(self._targets[id(present)])} here")
        return present

    def _check_live(self, index: int, present: Any, expected: str) -> None:
        """Raise Unsavable unless an object can take the state of a saved one."""
        kind, content = self.kind(index), self.content(index)
        if kind == "environment":
            fits = class_label(type(present)) == expected
        else:
            fits = is_physics(present) and type(present).__name__ == {"physics": "MjData", "model": "MjModel"}[kind]
        if not fits:
            found = "not there" if present is MISSING else f"a {class_label(type(present))}"
            raise Unsavable(f"{self.path(index)} is {found}; the saved one was {expected}")
        try:
            if kind == "physics":
                check_physics(present, content[0])
            elif kind == "model":
                check_model(present, content)
        except ValueError as error:
            raise Unsavable(f"{self.path(index)}: {error}") from error

    def _environment_attributes(self, index: int) -> dict[str, Any]:
        return self.attributes(index, self.content(index)[1])

    def _check_shared(self) -> None:
        """Raise Unsavable if a value that environments share is not as it was."""
        name = first_change(self._state["shared"])
        if name is not None:
            raise Unsavable(f"{name}, {SHARED_CHANGE}")


def _replace_attributes(holder: Any, found: dict[str, Any]) -> None:
    """Give an environment its saved attributes and remove all others that may change."""
    present = attributes(holder)
    for name in present.keys() - found.keys() - set(SKIPPED_ATTRIBUTES):
        if not (is_kept(present[name]) or is_idle_space(present[name])):
            instance_dict(holder).pop(name, None)
    kept = {name for name in found.keys() & present.keys() if is_kept(present[name])}
    set_attributes(holder, {name: value for name, value in found.items() if name not in kept})


MAKERS: dict[str, Callable[[Reader, int], Any]] = {
    **dict.fromkeys(CONTAINER_KINDS, values.make_container),
    **dict.fromkeys(("array", "view", "objects"), arrays.make_array),
    **dict.fromkeys(("Generator", "RandomState"), randomness.make_generator),
    **dict.fromkeys(("name", "shared"), functions.make_named),
    **dict.fromkeys(("dtype", "range", "slice", "complex", "weakref", "constant"), values.make_simple),
    **dict.fromkeys(("path", "pygame"), values.make_called),
    "bits": randomness.make_bits,
    "seeds": randomness.make_seeds,
    "random": randomness.make_random,
    "function": functions.make_function,
    "method": functions.make_method,
    "builtin": functions.make_builtin,
    "cell": lambda reader, index: functions.CellType(),
    "object": values.make_object,
    "enum": values.make_enum,
    "partial": values.make_partial,
}
"""Functions that make an object, by kind."""

FILLERS: dict[str, Callable[[Reader, Any, int], None]] = {
    **dict.fromkeys(CONTAINER_KINDS, values.fill_container),
    "objects": arrays.fill_objects,
    "function": functions.fill_function,
    "cell": functions.fill_cell,
    "object": values.fill_object,
}
"""Functions that fill an object, by kind."""
