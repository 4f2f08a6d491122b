"""utils/slurm/duration.py: durations in SLURM's notation."""

from __future__ import annotations

import pytest

from utils.slurm.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0:01:00", 60),
        ("3:00:00", 10800),
        ("48:00:30", 172830),
        ("1-00", 86400),
        ("1-12:30", 131400),
        ("7-00:00:00", 604800),
    ],
)
def test_forms(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "3", "3:00", "3:60:00", "1-24", "1-1:1", "0:00:00", "0-00", "-1:00:00", "3:00:00\n"]
)
def test_other_forms_are_refused(text):
    with pytest.raises(ValueError, match="allowed"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(60, "0:01:00"), (10800, "3:00:00"), (86399.2, "1-00:00:00"), (90061, "1-01:01:01"), (0, "0:00:00")],
)
def test_format(seconds, text):
    assert format_duration(seconds) == text


def test_what_is_formatted_can_be_parsed():
    assert all(parse_duration(format_duration(seconds)) == seconds for seconds in range(1, 200_000, 37))
