"""tests/faults/mujoco_releases.py: cells and rows of its table."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.mujoco_releases import ENVIRONMENTS, RELEASES, describe_cell, pinned_release, table_lines


def fingerprint(digits: str, total: float) -> list[Any]:
    return [f"2:{digits}", {"steps": [10], "dtype": "float64", "sums": [[[total, 10.0]]]}]


@pytest.mark.parametrize(
    ("digits", "total", "cell"),
    [
        ("00", 1.0, "="),
        ("11", 1.0, "(=)"),
        ("11", 1.0 + 1e-12, "1e-13"),
        ("11", 1.0 + 2e-7, "_2e-08_"),
        ("11", 1.005, "**5e-04**"),
        ("11", 1.5, "**0.05**"),
    ],
)
def test_a_cell_names_kind_and_size(digits: str, total: float, cell: str) -> None:
    assert describe_cell(fingerprint(digits, total), fingerprint("00", 1.0)) == cell


def test_releases_with_equal_cells_share_a_row() -> None:
    pinned = {env: fingerprint("00", 1.0) for env in ENVIRONMENTS}
    other = pinned | {"Hopper": fingerprint("11", 1.5)}
    lines = list(table_lines([("3.3.6", pinned), ("3.3.7", pinned), ("3.5.0", other), ("3.6.0", pinned)], pinned))
    same = " | ".join("=" * len(ENVIRONMENTS))
    assert lines[2:] == [
        f"| 3.3.6 to 3.3.7 | {same} |",
        f"| 3.5.0 | {same.replace('= | = | =', '= | = | **0.05**', 1)} |",
        f"| 3.6.0 | {same} |",
    ]


def test_the_pinned_release_is_compared() -> None:
    assert pinned_release() in RELEASES
