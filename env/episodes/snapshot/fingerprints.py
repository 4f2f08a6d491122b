"""Hashes of the contents of values that environments share, the same in every process."""

from __future__ import annotations

import hashlib
import random
from collections import deque
from enum import Enum
from types import FunctionType
from typing import Any

import gymnasium as gym
import numpy as np

from env.episodes.physics import is_physics, pack_model, read_physics
from env.episodes.snapshot.layout import attributes, class_label, is_kept, is_trusted, layout_of, module_of

RANDOM_TYPES = (np.random.Generator, np.random.RandomState, np.random.BitGenerator, random.Random)

Seen = dict[int, tuple[int, Any]]
"""Numbers of the objects that were described, by id, and the objects themselves, so that no other one gets an id."""


def fingerprint(value: Any) -> str | None:
    """Return a hash of a value's content, None if it has no plain content."""
    parts: list[bytes] = []
    _describe(value, parts, {})
    return None if parts == [b"?"] else hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _describe(value: Any, parts: list[bytes], seen: Seen) -> None:
    """Append a value's content to `parts`; of an object that is not plain, only that there is one."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str, bytes, complex):
        parts.append(f"{kind.__name__} {value!r}".encode("utf-8", "surrogatepass"))
    elif id(value) in seen:
        parts.append(b"again %d" % seen[id(value)][0])
    else:
        seen[id(value)] = (len(seen), value)
        _describe_content(value, parts, seen)


def _describe_content(value: Any, parts: list[bytes], seen: Seen) -> None:
    kind = type(value)
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        parts += [f"{array.dtype} {array.shape}".encode(), b"" if array.dtype.hasobject else array.tobytes()]
    elif isinstance(value, Enum):
        parts.append(f"{class_label(kind)} {value._name_}".encode())
    elif isinstance(value, (set, frozenset)):
        parts += [f"{kind.__name__} {len(value)}".encode(), *sorted(str(fingerprint(item)).encode() for item in value)]
    elif isinstance(value, (list, tuple, deque, bytearray, dict)):
        parts.append(f"{kind.__name__} {len(value)}".encode())
        for item in [part for pair in value.items() for part in pair] if isinstance(value, dict) else value:
            _describe(item, parts, seen)
    else:
        parts.append(class_label(kind).encode())
        content = _object_content(value)
        if content is None:
            parts[-1] = b"?"
        else:
            seen[id(content)] = (len(seen), content)
            _describe_content(content, parts, seen)


def _object_content(value: Any) -> Any:
    """Return what an object consists of as a dictionary or a tuple, None if that is out of reach."""
    kind = type(value)
    if isinstance(value, random.Random):
        return None if isinstance(value, random.SystemRandom) else value.getstate()
    if isinstance(value, np.random.RandomState):
        return value.get_state(legacy=False)
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    if isinstance(value, np.random.BitGenerator):
        return value.state
    if is_physics(value):
        return pack_model(value) if kind.__name__ == "MjModel" else read_physics(value)
    if isinstance(value, FunctionType):
        return {key: item for key, item in vars(value).items() if key != "__wrapped__"} or None
    foreign = is_trusted(module_of(kind)) and not isinstance(value, gym.Space)
    if isinstance(value, gym.Env) or is_kept(value) or foreign or not layout_of(kind).plain:
        return None
    return attributes(value)
