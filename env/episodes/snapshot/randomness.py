"""Random generators of numpy and of Python as plain values."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np

from env.episodes.snapshot.layout import Unsavable

if TYPE_CHECKING:
    from env.episodes.snapshot.reader import Reader
    from env.episodes.snapshot.writer import Writer

BIT_GENERATORS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64)
}

GLOBAL_NUMPY: Any = getattr(np.random.mtrand, "_rand")  # noqa: B009
GLOBAL_PYTHON: Any = getattr(random, "_inst")  # noqa: B009
"""The generators of all who seed none; what they draw depends on the rest of the process."""


def write_generator(writer: Writer, generator: Any, index: int) -> tuple[str, Any]:
    """Return kind and content of one of numpy's Generators or RandomStates."""
    if generator is GLOBAL_NUMPY:
        raise Unsavable(f"{writer.path(index)} is numpy's global random stream")
    if type(generator) is np.random.Generator:
        return "Generator", writer.value(generator.bit_generator, index, "bit_generator")
    legacy = generator.get_state(legacy=False)
    gauss = (int(legacy["has_gauss"]), float(legacy["gauss"]))
    return "RandomState", (writer.value(generator._bit_generator, index, "_bit_generator"), *gauss)


def write_bits(writer: Writer, bits: Any, index: int) -> tuple[str, Any]:
    """Return kind and content of a bit generator, with the sequence from which it spawns others."""
    kind = type(bits)
    name = kind.__name__
    if BIT_GENERATORS.get(name) is not kind:
        raise Unsavable(f"{writer.path(index)} is a {name}")
    seeds = bits.seed_seq
    return "bits", (name, _copy(bits.state), writer.value(seeds, index, "seed_seq"))


def _copy(state: Any) -> Any:
    """Return a copy of a bit generator's state."""
    if isinstance(state, dict):
        return {name: _copy(value) for name, value in state.items()}
    return state.copy() if isinstance(state, np.ndarray) else state


def write_seeds(writer: Writer, seeds: np.random.SeedSequence, index: int) -> tuple[str, Any]:
    """Return kind and content of a seed sequence."""
    entropy = writer.value(seeds.entropy, index, "entropy")
    key = tuple(int(number) for number in seeds.spawn_key)
    return "seeds", (entropy, key, int(seeds.pool_size), int(seeds.n_children_spawned))


def write_random(writer: Writer, generator: random.Random, index: int) -> tuple[str, Any]:
    """Return kind and content of a generator of the standard library."""
    if generator is GLOBAL_PYTHON:
        raise Unsavable(f"{writer.path(index)} is Python's global random stream")
    version, numbers, gauss = generator.getstate()
    return "random", (version, list(numbers), gauss)


def make_generator(reader: Reader, index: int) -> Any:
    """Return a new Generator or RandomState from its node."""
    content = reader.content(index)
    if reader.kind(index) == "Generator":
        return np.random.Generator(reader.value(content))
    bits, has_gauss, gauss = content
    generator = np.random.RandomState(reader.value(bits))
    state: Any = generator.get_state(legacy=False)
    generator.set_state(state | {"has_gauss": has_gauss, "gauss": gauss})
    return generator


def make_bits(reader: Reader, index: int) -> Any:
    """Return a new bit generator from its node."""
    name, state, seeds = reader.content(index)
    sequence = reader.value(seeds)
    bits = BIT_GENERATORS[name](np.random.SeedSequence(0) if sequence is None else sequence)
    bits.state = state
    return bits


def make_seeds(reader: Reader, index: int) -> np.random.SeedSequence:
    """Return a new seed sequence from its node."""
    entropy, key, size, spawned = reader.content(index)
    return np.random.SeedSequence(reader.value(entropy), spawn_key=key, pool_size=size, n_children_spawned=spawned)


def make_random(reader: Reader, index: int) -> random.Random:
    """Return a new generator of the standard library from its node."""
    version, numbers, gauss = reader.content(index)
    generator = random.Random()
    generator.setstate((version, tuple(numbers), gauss))
    return generator
