"""The global random streams of `random`, numpy and torch, which this project neither seeds nor reads.

An environment may draw from them. Then every run needs streams of its own, which replace the global ones while its
environment computes. A state of the streams consists of plain values, so that a checkpoint can hold it.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

GlobalState = dict[str, Any]
"""State of each stream: "random", a tuple; "numpy", a dictionary; "torch", bytes (N,), a seed, or None."""


def seeded_streams(seed: int) -> GlobalState:
    """Return the state of newly seeded streams.  seed: an integer from 0."""
    words = [int(word) for word in np.random.SeedSequence(seed).generate_state(3, np.uint32)]
    numpy_stream = np.random.RandomState(words[1])
    return {
        "random": random.Random(words[0]).getstate(),
        "numpy": numpy_stream.get_state(legacy=False),
        "torch": words[2],
    }


def read_global_streams() -> GlobalState:
    """Return the present state of the global streams."""
    torch = sys.modules.get("torch")  # Without torch imported, nothing can draw from its stream.
    return {
        "random": random.getstate(),
        "numpy": np.random.get_state(legacy=False),  # noqa: NPY002
        "torch": None if torch is None else torch.default_generator.get_state().numpy().copy(),
    }


def write_global_streams(state: GlobalState) -> None:
    """Set the global streams."""
    random.setstate(state["random"])
    np.random.set_state(state["numpy"])  # noqa: NPY002
    torch = sys.modules.get("torch")
    if torch is None or state["torch"] is None:
        return
    if isinstance(state["torch"], int):
        torch.default_generator.manual_seed(state["torch"])
    else:
        torch.default_generator.set_state(torch.from_numpy(state["torch"].copy()))


def seed_global_streams(seed: int) -> None:
    """Seed the global streams.  seed: an integer below 2^32."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.manual_seed(seed)


def is_same_state(a: GlobalState, b: GlobalState) -> bool:
    """Return whether two states are equal. A stream that one of them lacks does not count."""
    return all(_is_equal(a[name], b[name]) for name in a if a[name] is not None and b[name] is not None)


def _is_equal(a: Any, b: Any) -> bool:
    """Return whether two plain values are equal."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_is_equal(a[key], b[key]) for key in a)
    return np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b


@contextmanager
def kept_global_streams() -> Iterator[None]:
    """Give the global streams the state back that they had before."""
    before = read_global_streams()
    try:
        yield
    finally:
        write_global_streams(before)
