"""utils/analysis/number_format.py: numbers and values as text."""

from __future__ import annotations

from typing import Any

import pytest

from utils.analysis.number_format import (
    NO_VALUE,
    format_estimate,
    format_interval,
    format_number,
    format_thousands,
    format_tick_values,
    short_value_name,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-12500.0, "-12,500"),
        (0.0, "0"),
        (-0.0, "0"),
        (0.25, "0.25"),
        (1e6, "1,000,000"),
        (-0.5, "-0.5"),
        (-2.5e99, "-2.5e+99"),
    ],
)
def test_format_thousands(value: float, text: str) -> None:
    assert format_thousands(value) == text.replace("-", "\N{MINUS SIGN}")


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ((-8000.0, -6000.0), ["-8,000", "-6,000"]),
        ((0.0015, 0.003, 0.0045), ["0.0015", "0.003", "0.0045"]),
        ((-0.0005, -0.001), ["-0.0005", "-0.001"]),
        ((0.0, 2e-9), ["0", "2e-09"]),
        ((0.001, 0.00125), ["0.001", "0.00125"]),
        ((0.25,), ["0.25"]),
        ((0.0, 5e98, 1e99), ["0", "5e+98", "1e+99"]),
    ],
)
def test_tick_texts_are_distinct_and_right(values: tuple[float, ...], texts: list[str]) -> None:
    assert format_tick_values(values) == [text.replace("-", "\N{MINUS SIGN}") for text in texts]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-12345.6, "-12,346"), (12.345, "12.3"), (0.01234, "0.012"), (-3.21e-5, "-3.2e-05"), (0.0, "0"),
        (999.9, "1,000"), (1.2345e99, "1.23e+99"),
    ],
)  # fmt: skip
def test_format_number(value: float, text: str) -> None:
    assert format_number(value) == text.replace("-", "\N{MINUS SIGN}")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.001, "0.001"), (0.0004641588833612773, "0.000464"), ("Beta", "Beta"), (None, "null"), ([30, 0.1], "[30,0.1]")],
)
def test_short_value_name(value: Any, text: str) -> None:
    assert short_value_name(value) == text


def test_a_long_name_is_shortened() -> None:
    assert short_value_name("a" * 100) == "a" * 23 + "\N{HORIZONTAL ELLIPSIS}"


def test_intervals_and_estimates() -> None:
    minus = "\N{MINUS SIGN}"
    assert format_interval((-190.0, -140.0)) == f"{minus}190 to {minus}140"
    assert format_interval(None) == NO_VALUE
    assert format_estimate(-165.0, (-190.0, -140.0)) == f"{minus}165 [{minus}190, {minus}140]"
    assert format_estimate(-165.0, None) == f"{minus}165"
