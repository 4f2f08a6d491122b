"""Comparison of two environments by the fingerprints in provenances: hashes and traces of fixed rollouts.

A trace has, for each rollout and recorded step, a weighted sum of the observation's entries and that of their
magnitudes (`env.episodes.rollout`). The difference of two observations is that of their sums, relative to the larger
sum of magnitudes. Differences grow: over the 10 steps between two recorded ones, bodies in contact amplify them. So a
difference is a *jump* if it is larger than rounding that began since the last recorded step, and than the last
difference can have grown. Rollouts without a jump differ by *rounding*. Otherwise the largest jump decides:

- *other numerics*: at most 1e-4. Iterative solvers that begin or stop elsewhere differ by 1e-12 to 2e-5.
- *another task*: more. Other contacts or other equations differ by 1e-3 and more.

How differences grow was measured in Gymnasium's MuJoCo environments, all of whose joints were moved after each reset:

- By one unit in the last place: to at most 300 units within 10 steps.
- By 1e-13 to 1e-6 of their positions: between recorded steps, up to step 20, by a factor of at most 4,000, in Humanoid,
  whose feet touch the ground then. Later, by at most 70,000; but by 1.3 million once in Ant, where one of two bodies
  makes a contact that the other one misses.

A release that changes numerics and contacts at once is another task by the jump on top of the small difference:
Humanoid under MuJoCo 4.0.0 differs by 8e-9 after one step, through its integrator, and by 3e-3 after ten. Where a state
is exactly at a limit, as two of Pusher's joints are after a reset, one unit can be a jump.
tests/faults/mujoco_releases.py compares releases.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from utils.files.json_text import canonical_json

ROUNDING_UNITS = 2.0**12
"""Largest relative difference within 10 steps that begins with rounding, in units in the last place."""

SAME_TASK = 1e-4
"""Largest relative difference of environments that are the same task."""

EARLY_STEPS = 20
"""Steps of a rollout in which differences grow by less than later."""

EARLY_GROWTH, GROWTH = 2.0**15, 2.0**20
"""Largest factors by which a difference grows over 10 steps: up to step EARLY_STEPS, and later."""

CONTACT_GROWTH = 2.0**24
"""Largest factor later, where a contact that only one of two bodies makes leaves them further apart than SAME_TASK."""

KINDS = ("rounding", "other numerics", "another task")
"""Kinds of differences, the smallest first."""

FLOATS = ("float16", "float32", "float64")
"""Types of observations that have a unit in the last place of their own; others are taken to have that of float32."""

FIRST_FORM = "1"
"""Form of hashes that do not name their form: one rollout, with a reset at each end of an episode."""


class Size(NamedTuple):
    """The size of the difference between two traces; of two sizes, the larger one counts.

    jump: whether it is the largest jump, otherwise what rounding has grown to soon after it began.
    relative: infinite where only one observation is finite.  step: the step of the rollout at which it was found.
    """

    jump: bool
    relative: float
    step: int

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        return KINDS[self.jump + (self.jump and self.relative > SAME_TASK)]

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
    eps = max(float(np.finfo(_float_type(trace["dtype"])).eps) for trace in (a, b))
    found: list[Size] = []
    for ours, theirs in zip(a["sums"], b["sums"], strict=True):
        found += _rollout_sizes(a["steps"], list(map(_relative_difference, ours, theirs)), eps)
    return max(found, default=None)


def _rollout_sizes(steps: list[int], differences: list[float], eps: float) -> list[Size]:
    """Return the jumps of a rollout; without one, the differences at the first two recorded steps that have any.

    eps: the unit in the last place of 1.0.
    """
    before = [0.0, *differences[:-1]]
    sizes = [
        Size(difference > max(ROUNDING_UNITS * eps, _growth(step, difference) * last), difference, step)
        for difference, last, step in zip(differences, before, steps, strict=True)
    ]
    jumps = [size for size in sizes if size.jump]
    first = next((i for i, size in enumerate(sizes) if size.relative > 0), len(sizes))
    return jumps or [size for size in sizes[first : first + 2] if size.relative > 0]


def _growth(step: int, difference: float) -> float:
    """Return the largest factor by which the last difference can have grown to this one."""
    if step <= EARLY_STEPS:
        return EARLY_GROWTH
    return GROWTH if difference <= SAME_TASK else CONTACT_GROWTH


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
