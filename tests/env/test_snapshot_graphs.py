"""Random graphs of objects, with shared parts and cycles, are restored as they were."""

from __future__ import annotations

import functools
import random
from collections import deque
from types import CellType, SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from env.episodes.snapshot import restore, save
from tests.env.test_snapshot_kinds import begun, stored
from tests.support.habits.containers import Board, Pair
from tests.support.habits.objects import Cart, Doors, Gear, Particle, Pose
from tests.support.habits.shared import GOALS, ModuleObject

ATOMS = (
    None, True, 0, -7, 2**70, 0.1, float("inf"), -0.0, "text", "é\ud800", b"raw", 1j, np.float32(0.1), np.int64(3),
    Gear.MID, Doors.LEFT | Doors.RIGHT, Cart, len, range(3), GOALS[0],
)  # fmt: skip
"""Values that have no parts; the last is an object of a module."""

KINDS = (
    "list", "dict", "set", "deque", "tuple", "frozenset", "object", "slots", "frozen", "namespace", "board", "pair",
    "array", "fortran", "view", "objects", "generator", "random", "partial", "cell", "bytearray", "method",
)  # fmt: skip


def make_shell(kind: str, i: int, parts: list[Any]) -> Any:
    """Return an object of a kind, still empty if it can be changed.  parts: objects for one that cannot."""
    shells: dict[str, Any] = {
        "list": list, "dict": dict, "set": set, "slots": Cart, "namespace": SimpleNamespace, "board": Board,
        "cell": CellType,
        "deque": lambda: deque(maxlen=9),
        "tuple": lambda: (i, *parts),
        "frozenset": lambda: frozenset({i, i + 100}),
        "object": lambda: Particle(float(i)),
        "frozen": lambda: Pose(float(i), (i,)),
        "pair": lambda: Pair(i, parts),
        "array": lambda: np.arange(float(i + 2)),
        "fortran": lambda: np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "view": lambda: np.arange(10)[i % 3 :: 2],
        "objects": lambda: np.full((2, 1), None),
        "generator": lambda: np.random.Generator(np.random.PCG64(i)),
        "random": lambda: random.Random(i),
        "partial": lambda: functools.partial(max, *parts, key=parts),
        "bytearray": lambda: bytearray([i]),
        "method": lambda: Particle(0.5).meet,
    }  # fmt: skip
    return shells[kind]()


def make_shells(kinds: list[str]) -> list[Any]:
    """Return an object of each kind, and views of the arrays among them."""
    made: list[Any] = []
    for i, kind in enumerate(kinds):
        made.append(make_shell(kind, i, made[-2:]))
    arrays = [value for value in made if type(value) is np.ndarray and value.dtype == float and value.ndim == 1]
    return [*made, *(array[::-1] for array in arrays[:2])]


def link(holder: Any, part: Any, number: int) -> None:
    """Put a part into an object, if it takes parts."""
    kind = type(holder)
    if kind in (list, Board, deque):
        holder.append(part)
    elif kind is dict:
        holder[number if number % 2 else f"key{number}"] = part
    elif kind is set and type(part) in (Particle, Pose, Gear, bytes):
        holder.add(part)
    elif kind in (Particle, SimpleNamespace):
        setattr(holder, f"part{number % 3}", part)
    elif kind is Cart:
        holder.speed = part
    elif kind is CellType:
        holder.cell_contents = part
    elif kind is np.ndarray and holder.dtype == object:
        holder[number % 2, 0] = part


@st.composite
def graphs(draw: st.DrawFn) -> list[Any]:
    """Draw a list of objects that contain each other."""
    made = make_shells(draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=14)))
    everything = [*made, *ATOMS]
    for number, (i, j) in enumerate(draw(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=30))):
        link(made[i % len(made)], everything[j % len(everything)], number)
    return made


class Match:
    """A comparison of two graphs: the same types and values, and a pair of objects for each object."""

    def __init__(self) -> None:
        self._partners: dict[int, int] = {}
        self._reverse: dict[int, int] = {}
        self.copies: list[tuple[Any, Any]] = []

    def check(self, a: Any, b: Any) -> None:
        assert type(a) is type(b)
        if id(a) in self._partners or id(b) in self._reverse:
            assert self._partners.get(id(a)) == id(b)
            assert self._reverse[id(b)] == id(a)
            return
        parts = self._parts(a), self._parts(b)
        if isinstance(a, (type(None), bool, int, float, str, bytes, complex, np.generic, range, type, type(len))):
            assert repr(a) == repr(b)
            return
        if isinstance(a, Gear | Doors) or a is GOALS[0]:
            assert a is b
            return
        self._partners[id(a)], self._reverse[id(b)] = id(b), id(a)
        self.copies.append((a, b))
        assert len(parts[0]) == len(parts[1])
        for one, other in zip(*parts, strict=True):
            self.check(one, other)

    @staticmethod
    def _parts(value: Any) -> list[Any]:
        """Return what an object contains, in order."""
        kind = type(value)
        if kind is np.ndarray:
            content = value.tolist() if value.dtype == object else [value.tobytes()]
            return [
                str(value.dtype),
                *value.shape,
                *value.strides,
                *([] if value.base is None else [value.base]),
                content,
            ]
        if kind is np.random.Generator:
            return [repr(value.bit_generator.state)]
        if kind is random.Random:
            return [repr(value.getstate())]
        if kind is functools.partial:
            return [value.func, value.args, value.keywords]
        if kind is CellType:
            try:
                return [value.cell_contents]
            except ValueError:
                return []
        if kind in (set, frozenset):
            return sorted(value, key=lambda part: (type(part).__name__, str(getattr(part, "place", part))))
        own = list(vars(value).items()) if hasattr(value, "__dict__") and kind is not type else []
        if kind in (list, tuple, deque, Board, Pair, bytearray):
            return [*value, *own, getattr(value, "maxlen", None)]
        if kind is dict:
            return [part for pair in value.items() for part in pair]
        if kind is Cart:
            return [value.speed, value.past]
        if kind is type(Particle(0.0).meet):
            return [value.__func__.__qualname__, value.__self__]
        return own


@settings(derandomize=True, max_examples=60, deadline=None, database=None)
@given(graphs())
def test_a_graph_is_restored_as_it_was(objects):
    env, other = begun(ModuleObject, 5, 2), begun(ModuleObject, 8, 1)
    env.objects, env.first = objects, objects[0]
    state = stored(save(env))
    restore(other, state)
    match = Match()
    match.check(vars(env)["objects"], vars(other)["objects"])
    match.check(env.first, other.first)
    for one, copy in match.copies:
        assert one is not copy or one == ()
    restore(begun(ModuleObject, 3, 1), state)
    Match().check(env.objects, other.objects)
