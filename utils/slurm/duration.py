"""Durations in SLURM's formats.

SLURM reads "3:00" as three minutes, which is rarely meant, so only formats with hours are accepted.
"""

from __future__ import annotations

import re

FORMS = "H:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS"

_CLOCK = re.compile(r"(\d{1,4}):([0-5]\d):([0-5]\d)")
_DAYS = re.compile(r"(\d{1,3})-([01]?\d|2[0-3])(?::([0-5]\d)(?::([0-5]\d))?)?")

MINUTE, HOUR, DAY = 60, 3600, 86400
"""Lengths in seconds."""


def parse_duration(text: str) -> int:
    """Return the seconds of a duration.  Raises ValueError for another format or a duration of zero."""
    if found := _CLOCK.fullmatch(text):
        hours, minutes, seconds = (int(part) for part in found.groups())
        total = hours * HOUR + minutes * MINUTE + seconds
    elif found := _DAYS.fullmatch(text):
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        total = days * DAY + hours * HOUR + minutes * MINUTE + seconds
    else:
        raise ValueError(f"allowed: a time such as 3:00:00 ({FORMS})")
    if not total:
        raise ValueError("allowed: more than zero")
    return total


def format_duration(seconds: float) -> str:
    """Return a duration in SLURM's format, rounded up to whole seconds: 10800 gives "3:00:00"."""
    days, rest = divmod(-int(-seconds // 1), DAY)
    hours, rest = divmod(rest, HOUR)
    clock = f"{rest // MINUTE:02d}:{rest % MINUTE:02d}"
    return f"{days}-{hours:02d}:{clock}" if days else f"{hours}:{clock}"
