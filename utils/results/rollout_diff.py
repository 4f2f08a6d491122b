"""Comparison of two environments by the fingerprints in provenances: hashes and traces of fixed rollouts.

A trace has, for each rollout and recorded step, a weighted sum of the observation's entries and that of their
magnitudes (`env.episodes.rollout`). The difference of two observations is that of their sums, relative to the larger
sum of magnitudes. A rollout is judged at the first recorded step where its sums differ and at the next one, so at most
20 steps after it departs: later, chaotic bodies have amplified rounding to the size of the motion. The largest
difference over all rollouts decides:

- *rounding*: at most 4096 units in the last place (1e-12 in float64). In Gymnasium's MuJoCo environments, a change of
  every joint's position by one unit grows to 500 units within 10 steps, in Ant and HalfCheetah.
- *other numerics*: at most 1e-4. Iterative solvers that begin elsewhere or stop elsewhere differ by 1e-11 to 2e-5.
- *another task*: more. Other contacts or other equations differ by 1e-3 and more.

tests/faults/mujoco_releases.py repeats these measurements.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from utils.files.json_text import canonical_json

ROUNDING_UNITS = 4096
"""Largest relative difference that is rounding, in units in the last place: 1.0 has a spacing of one unit."""

SAME_TASK = 1e-4
"""Largest relative difference of environments that are the same task."""

KINDS = ("rounding", "other numerics", "another task")
"""Kinds of differences, the smallest first."""

FLOATS = ("float16", "float32", "float64")
"""Types of observations whose sums are compared with their own rounding; others are compared as float32."""

FIRST_FORM = "1"
"""Form of hashes that do not name their form: one rollout, with a reset at each end of an episode."""


class Size(NamedTuple):
    """The largest difference between two traces.

    relative: infinite where only one observation is finite.  step: the step of the rollout at which it was found.
    dtype: the coarser type of the observations.
    """

    relative: float
    step: int
    dtype: str

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        rounding = ROUNDING_UNITS * float(np.finfo(self.dtype).eps)
        return KINDS[(self.relative > rounding) + (self.relative > max(rounding, SAME_TASK))]

    def describe(self) -> str:
        """Return the kind of difference and its size, such as `another task (0.05 after 10 steps)`."""
        size = f"{self.relative:.1g}" if math.isfinite(self.relative) else "not finite"
        return f"{self.kind} ({size} after {self.step} step{'' if self.step == 1 else 's'})"


def hash_form(rollout_hash: str) -> str:
    """Return the form of a rollout hash; only hashes of one form can be compared."""
    form, separator, _ = rollout_hash.rpartition(":")
    return form if separator else FIRST_FORM


def measure_difference(a: Any, b: Any) -> Size | None:
    """Return the size of the difference between two recorded traces.

    None if their sums agree to the bit, one is not recorded, or they are of different rollouts.
    """
    if not (_is_trace(a) and _is_trace(b)) or a["steps"] != b["steps"] or len(a["sums"]) != len(b["sums"]):
        return None
    dtype = min((_float_type(trace["dtype"]) for trace in (a, b)), key=FLOATS.index)
    found = [
        Size(relative, step, dtype)
        for ours, theirs in zip(a["sums"], b["sums"], strict=True)
        for relative, step in _first_differences(a["steps"], ours, theirs)
    ]
    return max(found, default=None)


def _first_differences(steps: list[int], ours: list[Any], theirs: list[Any]) -> list[tuple[float, int]]:
    """Return the relative difference and the step, at the first recorded step with a difference and at the next."""
    sizes = [_relative_difference(x, y) for x, y in zip(ours, theirs, strict=True)]
    first = next((i for i, size in enumerate(sizes) if size > 0), len(sizes))
    return list(zip(sizes, steps, strict=True))[first : first + 2]


def _relative_difference(a: list[float] | None, b: list[float] | None) -> float:
    """Return the relative difference of two observations.  a, b: sum and sum of magnitudes; None: not finite."""
    if a is None or b is None:
        return 0.0 if a is b else math.inf
    if a[0] == b[0]:
        return 0.0
    scale = max(a[1], b[1])
    return abs(a[0] - b[0]) / scale if scale > 0 else math.inf


def _float_type(dtype: str) -> str:
    return dtype if dtype in FLOATS else "float32"


def _is_trace(found: Any) -> bool:
    """Return whether a value from a result is a trace; anything may stand in a result that was edited."""
    if not isinstance(found, dict) or not isinstance(found.get("dtype"), str):
        return False
    steps, sums = found.get("steps"), found.get("sums")
    if not (isinstance(steps, list) and isinstance(sums, list) and all(type(step) is int for step in steps)):
        return False
    return all(isinstance(rows, list) and len(rows) == len(steps) and all(map(_is_entry, rows)) for rows in sums)


def _is_entry(entry: Any) -> bool:
    """Return whether a value is a sum and a sum of magnitudes, or None."""
    if entry is None:
        return True
    return isinstance(entry, list) and len(entry) == 2 and all(isinstance(number, int | float) for number in entry)


def describe_rollouts(hashes: tuple[str, str], traces: tuple[Any, Any]) -> str:
    """Return how the environments of two fingerprints differ, as a clause such as `rounding (1e-13 after 10 steps)`.

    hashes: different ones.  traces: as recorded; anything if a result has no valid one.
    """
    forms = tuple(map(hash_form, hashes))
    if forms[0] != forms[1]:
        return f"their hashes are of forms {forms[0]} and {forms[1]}"
    size = measure_difference(*traces)
    if size is not None:
        return size.describe()
    if all(map(_is_trace, traces)) and canonical_json(traces[0]) == canonical_json(traces[1]):
        return "the same observations at all recorded steps, but other rewards, ends or steps in between"
    return "by how much is not recorded"
