"""Times as SLURM writes them.

SLURM reads "3:00" as three minutes, which nobody means: hours are told by a third number or by days.
"""

from __future__ import annotations

import re

FORMS = "H:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS"

_CLOCK = re.compile(r"(\d{1,4}):([0-5]\d):([0-5]\d)")
_DAYS = re.compile(r"(\d{1,3})-([01]?\d|2[0-3])(?::([0-5]\d)(?::([0-5]\d))?)?")

MINUTE, HOUR, DAY = 60, 3600, 86400
"""In seconds."""


def parse_duration(text: str) -> int:
    """Seconds.  Raises ValueError for another form, and for no time at all."""
    if found := _CLOCK.fullmatch(text):
        hours, minutes, seconds = (int(part) for part in found.groups())
        total = hours * HOUR + minutes * MINUTE + seconds
    elif found := _DAYS.fullmatch(text):
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        total = days * DAY + hours * HOUR + minutes * MINUTE + seconds
    else:
        raise ValueError(f"allowed: a time such as 3:00:00 ({FORMS})")
    if not total:
        raise ValueError("allowed: more than no time")
    return total


def format_duration(seconds: float) -> str:
    """What `parse_duration` and SLURM take, rounded up to whole seconds: 10800 -> "3:00:00"."""
    days, rest = divmod(-int(-seconds // 1), DAY)
    hours, rest = divmod(rest, HOUR)
    clock = f"{rest // MINUTE:02d}:{rest % MINUTE:02d}"
    return f"{days}-{hours:02d}:{clock}" if days else f"{hours}:{clock}"
