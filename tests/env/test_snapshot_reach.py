"""Values of modules and classes count as state if the environment's code names them, directly or through functions."""

from __future__ import annotations

import functools
import random
import sys
from typing import Any, ClassVar

import numpy as np
import pytest

from env.episodes.episode import EpisodeProtocol, Episodes
from env.episodes.snapshot import Unsavable, save
from env.episodes.snapshot.fingerprints import fingerprint
from env.episodes.snapshot.reach import reach_of
from tests.env.test_snapshot_kinds import begun
from tests.support.habits.objects import Cart, Gear
from tests.support.habits.sled import Sled

NAMED, BY_FUNCTION, BY_PROPERTY, BY_CLASS, UNNAMED = [1.0], [1.0], [1.0], [1.0], [1.0]


def read_function() -> float:
    return BY_FUNCTION[0]


class Table:
    rows: ClassVar[list[float]] = [1.0]

    def read(self) -> float:
        return BY_CLASS[0]


class Naming(Sled):
    gains: ClassVar[dict[str, Any]] = {"p": np.ones(2)}

    @property
    def gain(self) -> float:
        return BY_PROPERTY[0]

    def gust(self) -> float:
        return NAMED[0] + read_function() + self.gain + Table().read()


@pytest.mark.parametrize("name", ["NAMED", "BY_FUNCTION", "BY_PROPERTY", "BY_CLASS"])
def test_a_named_value_must_stay_as_it_was(name, monkeypatch):
    episodes = Episodes(Naming(), EpisodeProtocol(50), 3)
    episodes.reset()
    episodes.state()
    monkeypatch.setattr(sys.modules[__name__], name, [2.0])
    with pytest.raises(Unsavable, match=rf"test_snapshot_reach\.{name}, which environments share, has changed"):
        episodes.state()


@pytest.mark.parametrize(("holder", "name"), [(Table, "rows"), (Naming, "gains")])
def test_attributes_of_classes_count(holder, name, monkeypatch):
    episodes = Episodes(Naming(), EpisodeProtocol(50), 3)
    episodes.reset()
    monkeypatch.setattr(holder, name, [2.0])
    with pytest.raises(Unsavable, match=rf"\.{holder.__name__}\.{name}, which environments share, has changed"):
        episodes.state()


def test_other_values_do_not_count(monkeypatch):
    episodes = Episodes(Naming(), EpisodeProtocol(50), 3)
    episodes.reset()
    monkeypatch.setattr(sys.modules[__name__], "UNNAMED", [2.0])
    episodes.state()
    places = {steps[-1] for _, steps in reach_of(frozenset(Naming.__mro__)).places}
    assert {"NAMED", "BY_FUNCTION", "BY_PROPERTY", "BY_CLASS", "rows", "gains"} < places
    assert "UNNAMED" not in places


@functools.lru_cache
def pure(number: int) -> int:
    return number


class Cached(Sled):
    def gust(self) -> float:
        return pure(3) * 0.1


def test_results_of_functions_are_not_state():
    save(begun(Cached, 5, 2))


class Same:
    """An object with an identity, a cycle and no values."""

    def __init__(self) -> None:
        self.me, self.lock = self, iter(())


@pytest.mark.parametrize(
    ("value", "other"),
    [
        ([1, 2], [2, 1]), ({1: 2}, {1: 3}), ({"a": 1, "b": 2}, {"b": 2, "a": 1}), (1, 1.0), (1, True), (b"a", "a"),
        (np.zeros(2), np.zeros((2, 1))), (np.zeros(2), np.zeros(2, np.float32)), (Gear.LOW, Gear.MID),
        (Cart(1.0), Cart(2.0)), (np.random.default_rng(1), np.random.default_rng(2)), (0.0, -0.0),
        ([random.Random(1), random.Random(2)], [random.Random(1), random.Random(3)]),
        ([np.random.default_rng(1), np.random.default_rng(2)], [np.random.default_rng(1), np.random.default_rng(3)]),
    ],
)  # fmt: skip
def test_different_values_have_different_fingerprints(value, other):
    assert fingerprint(value) == fingerprint(value) != fingerprint(other)


def test_equal_values_have_equal_fingerprints():
    assert fingerprint({3, 1, "a"}) == fingerprint({"a", 1, 3})
    assert fingerprint(Same()) == fingerprint(Same())
    assert fingerprint(Cart(1.0, [2.0])) == fingerprint(Cart(1.0, [2.0]))
    assert fingerprint(iter(())) is None
