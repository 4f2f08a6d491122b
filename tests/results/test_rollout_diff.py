"""utils/results/rollout_diff.py: the size of a difference between two traces, and what it is called."""

from __future__ import annotations

import math
from typing import Any

import pytest

from utils.results.rollout_diff import Size, describe_rollouts, hash_form, measure_difference

STEPS = [1, 10, 20, 30]


def trace(*rollouts: list[Any], dtype: str = "float64", steps: list[int] = STEPS) -> dict[str, Any]:
    """Return a trace with sums of magnitudes 10, from its sums; None: not finite."""
    return {"steps": steps, "dtype": dtype, "sums": [[s if s is None else [s, 10.0] for s in row] for row in rollouts]}


ONE = trace([1.0, 2.0, 3.0, 4.0])


UNIT = 2.0**-52


def rollout(*differences: float | None) -> list[Any]:
    """Return sums of magnitudes 10 with these relative differences to sums of 0; None: not finite."""
    return [difference if difference is None else 10.0 * difference for difference in differences]


def size_of(*rollouts: list[Any], dtype: str = "float64") -> Size | None:
    zeros = [[0.0] * len(STEPS)] * len(rollouts)
    found = measure_difference(trace(*rollouts, dtype=dtype), trace(*zeros, dtype=dtype))
    assert found == measure_difference(trace(*zeros, dtype=dtype), trace(*rollouts, dtype=dtype))
    return found


@pytest.mark.parametrize(
    ("differences", "jump", "relative", "step"),
    [
        # Without a jump, the larger one at the first two steps with a difference.
        ((0.0, 0.0, 0.0, UNIT), False, UNIT, 30),
        ((UNIT, 4 * UNIT, 2 * UNIT, 8 * UNIT), False, 4 * UNIT, 10),
        ((0.0, 4 * UNIT, UNIT, 8 * UNIT), False, 4 * UNIT, 10),
        ((0.0, 4096 * UNIT, 0.0, 0.0), False, 4096 * UNIT, 10),
        # From nothing, more than 4096 units.
        ((0.0, 4097 * UNIT, 0.0, 0.0), True, 4097 * UNIT, 10),
        ((0.0, 0.05, 0.5, 0.9), True, 0.05, 10),
        ((0.05, 0.05, 0.5, 0.9), True, 0.05, 1),
        # From a difference, up to step 20, more than 2^15 times as much.
        ((1e-13, 1e-9, 1e-5, 0.9), False, 1e-9, 10),
        ((0.0, 2**-40, 2**-25, 0.0), False, 2**-25, 20),
        ((0.0, 2**-40, 2**-24, 0.0), True, 2**-24, 20),
        # Later, more than 2^20 times as much, or 2^24 times if it is above 1e-4.
        ((0.0, 2**-41, 2**-34, 2**-14), False, 2**-34, 20),
        ((0.0, 2**-41, 2**-35, 2**-14), True, 2**-14, 30),
        ((0.0, 2**-41, 2**-26, 2**-2), False, 2**-26, 20),
        ((0.0, 2**-41, 2**-26, 2**-1), True, 2**-1, 30),
        # As Humanoid-v5 under MuJoCo 3.17.0: the solver first, then a contact that is felt from further away.
        ((2e-12, 3e-12, 0.09, 0.2), True, 0.09, 20),
        ((0.0, 0.0, None, 0.0), True, math.inf, 20),
    ],
)
def test_the_largest_jump_counts(differences: Any, jump: bool, relative: float, step: int) -> None:
    found = size_of(rollout(*differences))
    assert found is not None
    assert (found.jump, found.relative, found.step) == (jump, pytest.approx(relative, rel=1e-12), step)


def test_another_task_is_not_hidden_by_other_numerics():
    """Humanoid-v5: MuJoCo 4.0.0 has another integrator than 3.17.0, and both have other contacts than 3.3.7."""

    def humanoid(*totals: float) -> dict[str, Any]:
        sums = [list(pair) for pair in zip(totals, (547.0, 2470.0, 992.0, 1020.0), strict=True)]
        return {"steps": STEPS, "dtype": "float64", "sums": [sums]}

    old = humanoid(237.76464058581587, 1842.7010159843244, 510.88738380581975, 147.4234064769668)
    before = humanoid(237.76464056782334, 1834.0859888528296, 510.7473694767948, 146.51652270327682)
    new = humanoid(237.7646361257998, 1834.0914726045146, 510.74073183586245, 146.51605350945528)
    for release in (before, new):
        assert describe_rollouts(("2:00", "2:ff"), (old, release)) == "another task (0.003 after 10 steps)"
    assert describe_rollouts(("2:00", "2:ff"), (before, new)) == "other numerics (8e-09 after 1 step)"


def test_jumps_count_before_rounding_and_then_the_largest_of_all_rollouts() -> None:
    task, small, rounding = rollout(0, 0, 0.5, 0), rollout(0.1, 0, 0, 0), rollout(1e-13, 1e-9, 0, 0)
    assert size_of(rounding, small, task) == Size(True, 0.5, 20)
    assert size_of(rounding, small) == Size(True, 0.1, 1)
    assert size_of(rounding, rollout(0, 0, 0, 0)) == Size(False, 1e-9, 10)
    assert size_of(rounding, rollout(0, 0, 0, 1e-12)) == Size(True, 1e-12, 30)


@pytest.mark.parametrize(
    ("dtype", "other", "jump"),
    [
        ("float64", "float64", True), ("float32", "float32", False), ("float64", "float32", False),
        ("int64", "int64", False), ("float16", "float32", False),
    ],
)  # fmt: skip
def test_units_in_the_last_place_are_of_the_coarser_type(dtype: str, other: str, jump: bool) -> None:
    found = measure_difference(trace(rollout(0, 4e-4, 0, 0), dtype=dtype), trace(rollout(0, 0, 0, 0), dtype=other))
    assert found == Size(jump, 4e-4, 10)


def test_traces_of_other_rollouts_are_not_measured() -> None:
    for other in (trace([1.0] * 4, [1.0] * 4), trace([1.0] * 3, steps=[1, 10, 20])):
        assert measure_difference(trace([2.0] * 4), other) is None


def test_equal_observations_do_not_differ() -> None:
    assert measure_difference(ONE, trace([1.0, 2.0, 3.0, 4.0])) is None
    assert measure_difference(trace([None] * 4), trace([None] * 4)) is None


def test_differences_are_relative_to_the_larger_magnitude() -> None:
    a = {"steps": [1], "dtype": "float64", "sums": [[[1.0, 2.0]]]}
    b = {"steps": [1], "dtype": "float64", "sums": [[[2.0, 8.0]]]}
    assert measure_difference(a, b) == Size(True, 0.125, 1)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (Size(False, 1e-16, 10), "rounding (1e-16 after 10 steps)"),
        (Size(False, 0.05, 10), "rounding (0.05 after 10 steps)"),
        (Size(True, 2e-12, 10), "other numerics (2e-12 after 10 steps)"),
        (Size(True, 1e-4, 10), "other numerics (0.0001 after 10 steps)"),
        (Size(True, 1.1e-4, 10), "another task (0.0001 after 10 steps)"),
        (Size(True, 0.05, 1), "another task (0.05 after 1 step)"),
        (Size(True, math.inf, 200), "another task (not finite after 200 steps)"),
    ],
)
def test_the_name_of_a_difference(size: Size, text: str) -> None:
    assert size.describe() == text


@pytest.mark.parametrize(("text", "form"), [("2:00ff", "2"), ("00ff00ff00ff00ff", "1"), ("", "1"), ("3:", "3")])
def test_the_form_of_a_hash(text: str, form: str) -> None:
    assert hash_form(text) == form


def test_hashes_of_other_forms_are_not_compared() -> None:
    assert describe_rollouts(("00ff", "2:00ff"), (None, ONE)) == "their hashes are of forms 1 and 2"


def test_traces_decide() -> None:
    texts = [
        describe_rollouts(("2:00", "2:ff"), (ONE, other))
        for other in (trace([1.0, 2.5, 3.0, 4.0]), trace(*[[1.0, 2.0, 3.0, 4.0]]), None)
    ]
    assert texts == [
        "another task (0.05 after 10 steps)",
        "the same observations at all recorded steps, but other rewards, ends or steps in between",
        "by how much is not recorded",
    ]


@pytest.mark.parametrize(
    "odd",
    [
        None, 3, [], {}, {"steps": [1]}, ONE | {"dtype": 64}, ONE | {"steps": 3}, ONE | {"steps": ["1", "2", "3", "4"]},
        ONE | {"sums": [1.0]}, ONE | {"sums": [[1.0] * 4]}, ONE | {"sums": [[[1.0, "2"]] * 4]}, ONE | {"sums": [[]]},
    ],
)  # fmt: skip
def test_odd_records_are_not_measured(odd: Any) -> None:
    assert measure_difference(ONE, odd) is None
    assert describe_rollouts(("2:00", "2:ff"), (odd, ONE)) == "by how much is not recorded"


def test_sums_without_magnitudes_in_an_edited_result() -> None:
    a, b = ({"steps": [1], "dtype": "float64", "sums": [[[total, 0.0]]]} for total in (1.0, 2.0))
    assert measure_difference(a, b) == Size(True, math.inf, 1)
