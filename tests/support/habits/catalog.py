"""The sleds by what happens to them: those that the probe is tried on, and what can be saved of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym

from tests.support.habits.addresses import Wheeled, WheelOrder
from tests.support.habits.containers import (
    Bytes,
    Containers,
    Cycle,
    Fortran,
    History,
    ObjectArray,
    Views,
    make_counted,
)
from tests.support.habits.generators import (
    BoundDraw,
    EnclosedDraw,
    GlobalMethod,
    OwnStandard,
    PartialDraw,
    RandomMethods,
    SeedChildren,
    SharedGenerator,
    SpaceDraw,
    Spawned,
)
from tests.support.habits.libraries import (
    Barred,
    BodyMoved,
    Charted,
    PygameRect,
    PygameSprite,
    PygameVector,
    Tabled,
)
from tests.support.habits.objects import (
    Dataclasses,
    EnumState,
    OwnMethod,
    Particles,
    PartOf,
    SetAttr,
    SharedClosure,
)
from tests.support.habits.out_of_reach import (
    CountIterator,
    CycleIterator,
    LibraryClient,
    PythonGenerator,
    StateInC,
    SwigLike,
    Tiles,
)
from tests.support.habits.seeds import (
    Clock,
    FreshGenerator,
    LegacySeed,
    MadeFromEntropy,
    MadeFromStream,
    NumpyStream,
    NumpyStreamReseeded,
    NumpyStreamSeeded,
    OwnEntropy,
    SeedDropped,
    SeededTooLate,
    ShortSeed,
    StandardStream,
    StandardStreamSeeded,
    SystemEntropy,
    TorchStream,
)
from tests.support.habits.shared import CommonBuffer, Curriculum, Memo, ModuleFunction, ModuleGenerator, ModuleObject
from tests.support.habits.sled import GymStream, Sled

Make = Callable[[], gym.Env[Any, Any]]


def name_of(make: Any) -> str:
    """Return the name of a version."""
    return "Counted" if make is make_counted else make.__name__


HABITS: dict[str, Make] = {
    name_of(make): make
    for make in (
        Sled, GymStream, NumpyStream, NumpyStreamSeeded, NumpyStreamReseeded, FreshGenerator, StandardStream,
        StandardStreamSeeded, TorchStream, MadeFromStream, MadeFromEntropy, OwnEntropy, SeedDropped, Clock, Curriculum,
        CommonBuffer, OwnStandard, BoundDraw, PartialDraw, EnclosedDraw, SpaceDraw, Memo, make_counted, History, Bytes,
        LegacySeed, ShortSeed,
    )
}  # fmt: skip
"""Versions that the probe is tried on, and that agents train on, by name."""

EXACT: tuple[Make, ...] = (
    OwnEntropy, SeedDropped, OwnStandard, RandomMethods, PartialDraw, BoundDraw, OwnMethod, EnclosedDraw, SharedClosure,
    ModuleFunction, SpaceDraw, Spawned, SeedChildren, LegacySeed, PygameRect, PygameVector, PygameSprite, EnumState,
    Dataclasses, ModuleObject, Bytes, Fortran, Views, ObjectArray, SetAttr, Containers, SharedGenerator, PartOf,
    Particles, Cycle, make_counted, BodyMoved,
)  # fmt: skip
"""Environments that continue with the same bits after they were restored."""

UNSAVABLE: dict[type[Sled], str] = {
    GlobalMethod: r"GlobalMethod\.draw\.__self__ is numpy's global random stream",
    CountIterator: r"CountIterator\.clock is a count",
    CycleIterator: r"CycleIterator\.signs is a cycle",
    PythonGenerator: r"PythonGenerator\.signs is a generator",
    StateInC: r"StateInC\.world is a Structure",
    SwigLike: r"SwigLike\.world\.this is a tuple_iterator",
    Memo: r"Memo\.slope keeps results of earlier calls",
}
"""Environments that cannot be saved, each with the reason."""

CHANGED: dict[type[Sled], str] = {
    Curriculum: r"Curriculum\.begun, which environments share, has changed",
    CommonBuffer: r"CommonBuffer\.buffer, which environments share, has changed",
    ModuleGenerator: r"shared\.MODULE_RNG, which environments share, has changed",
}
"""Environments that cannot be restored, each with the reason."""

STREAMS: dict[type[Sled], str] = {
    NumpyStream: "NumpyStream: numpy's global random stream was used since the environment was made",
    NumpyStreamSeeded: "NumpyStreamSeeded: numpy's global random stream was used since the environment was made",
    StandardStream: "StandardStream: Python's global random stream was used since the environment was made",
}
"""Environments that draw from a stream of the whole process, each with the reason."""

OTHERS: tuple[Make, ...] = (
    Barred, Charted, LibraryClient, SeededTooLate, SystemEntropy, Tabled, Tiles, Wheeled, WheelOrder,
)  # fmt: skip
"""Versions that have tests of their own."""

_EVERY: tuple[Make, ...] = (*HABITS.values(), *EXACT, *UNSAVABLE, *CHANGED, *OTHERS)

ALL: dict[str, Make] = {name_of(make): make for make in _EVERY}
"""Every version, by name."""
