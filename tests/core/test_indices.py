"""Parsing and formatting lists of indices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.core.errors import BadInput
from utils.core.indices import format_indices, parse_indices


@pytest.mark.parametrize(
    ("text", "indices"),
    [("0", [0]), ("0-3,7", [0, 1, 2, 3, 7]), ("7,0-1, 1", [0, 1, 7]), ("5-5", [5])],
)
def test_lists_and_ranges_of_indices(text, indices):
    assert parse_indices(text) == indices


@pytest.mark.parametrize(
    "text",
    ["-1", "", "a", "1-", "3-1", "1,,2", "1.5", "0-99999999999", "9" * 30, "0 1", "1 2 3", "1 - 3", "\u0663"],
)
def test_invalid_lists_are_refused(text):
    with pytest.raises(BadInput, match="--index: found"):
        parse_indices(text)


@given(st.sets(st.integers(0, 40), min_size=1))
def test_formatted_indices_parse_to_the_same_indices(indices):
    assert parse_indices(format_indices(sorted(indices))) == sorted(indices)


def test_consecutive_indices_are_formatted_as_ranges():
    assert format_indices([0, 1, 2, 5, 7, 8]) == "0-2,5,7-8"


def test_blanks_between_numbers_are_not_ignored():
    """`--index "1 2 3"` is neither 123 nor a list."""
    with pytest.raises(BadInput, match=r"found '1 2 3'; allowed: .* like 0-9,36, with commas between them"):
        parse_indices("1 2 3")
