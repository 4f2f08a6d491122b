"""utils/results/rollout_diff.py: the size of a difference between two traces, and what it is called."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from utils.results.rollout_diff import Size, describe_rollouts, hash_form, measure_difference

STEPS = [1, 10, 20, 30]


def trace(*rollouts: list[Any], dtype: str = "float64", steps: list[int] = STEPS) -> dict[str, Any]:
    """Return a trace with sums of magnitudes 10, from its sums; None: not finite."""
    return {"steps": steps, "dtype": dtype, "sums": [[s if s is None else [s, 10.0] for s in row] for row in rollouts]}


ONE = trace([1.0, 2.0, 3.0, 4.0])


@pytest.mark.parametrize(
    ("other", "size"),
    [
        (trace([1.0, 2.0, 3.0, 4.0]), None),
        (trace([1.5, 2.0, 3.0, 4.0]), Size(0.05, 1, "float64")),
        (trace([1.0, 2.0, 3.0, 4.5]), Size(0.05, 30, "float64")),
        (trace([1.001, 2.01, 3.5, 9.0]), Size(0.001, 10, "float64")),  # 20 and 30 are too late.
        (trace([1.0, 2.0, 3.001, 4.01]), Size(0.001, 30, "float64")),
        (trace([1.0, 2.0, None, 4.0]), Size(math.inf, 20, "float64")),
        (trace([1.0, 2.5, 3.0, 4.0], dtype="float32"), Size(0.05, 10, "float32")),
        (trace([1.0, 2.5, 3.0, 4.0], dtype="int64"), Size(0.05, 10, "float32")),
        (trace([1.0, 2.0, 3.0, 4.0], [1.0] * 4), None),
        (trace([1.0, 2.0, 3.0], steps=[1, 10, 20]), None),
    ],
)
def test_the_first_two_recorded_steps_with_a_difference_are_measured(other: Any, size: Size | None) -> None:
    found = measure_difference(ONE, other)
    assert found == measure_difference(other, ONE)
    assert (found and found[1:]) == (size and size[1:])
    assert (found and found.relative) == (size and pytest.approx(size.relative))


def test_the_largest_difference_of_all_rollouts_counts() -> None:
    a, b = trace([1.0] * 4, [1.0] * 4, [1.0] * 4), trace([1.0, 1.0, 1.1, 1.1], [1.0, 1.0, 1.0, 6.0], [1.0] * 4)
    assert measure_difference(a, b) == Size(0.5, 30, "float64")


def test_two_observations_that_are_not_finite_do_not_differ() -> None:
    assert measure_difference(trace([None] * 4), trace([None] * 4)) is None


def test_differences_are_relative_to_the_larger_magnitude() -> None:
    a = {"steps": [1], "dtype": "float64", "sums": [[[1.0, 2.0]]]}
    b = {"steps": [1], "dtype": "float64", "sums": [[[2.0, 8.0]]]}
    assert measure_difference(a, b) == Size(0.125, 1, "float64")


@pytest.mark.parametrize(
    ("relative", "dtype", "text"),
    [
        (1e-16, "float64", "rounding (1e-16 after 10 steps)"),
        (4096 * 2.0**-52, "float64", "rounding (9e-13 after 10 steps)"),
        (np.nextafter(4096 * 2.0**-52, 1), "float64", "other numerics (9e-13 after 10 steps)"),
        (2e-5, "float64", "other numerics (2e-05 after 10 steps)"),
        (1e-4, "float64", "other numerics (0.0001 after 10 steps)"),
        (1.1e-4, "float64", "another task (0.0001 after 10 steps)"),
        (0.05, "float64", "another task (0.05 after 10 steps)"),
        (math.inf, "float64", "another task (not finite after 10 steps)"),
        (4096 * 2.0**-23, "float32", "rounding (0.0005 after 10 steps)"),
        (6e-4, "float32", "another task (0.0006 after 10 steps)"),
    ],
)
def test_the_name_of_a_difference(relative: float, dtype: str, text: str) -> None:
    assert Size(relative, 10, dtype).describe() == text


def test_one_step_is_singular() -> None:
    assert Size(0.5, 1, "float64").describe() == "another task (0.5 after 1 step)"


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
    assert measure_difference(a, b) == Size(math.inf, 1, "float64")
