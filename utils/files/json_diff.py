"""Where two JSON trees first say different things."""

from __future__ import annotations

from typing import Any

from utils.files.json_text import shown

NUMBERS_SETTINGS = "agent.parameters"
"""The one object whose keys' order means something: it numbers the settings."""


def first_difference(a: Any, b: Any, where: str = "") -> str | None:
    """The first key, dotted, in which two trees differ, and what each has there; None if they are equal.

    The order of the keys counts for `agent.parameters` alone.
    """
    if not isinstance(a, dict) or not isinstance(b, dict):
        return None if a == b else f"key '{where}': found {shown(a)} and {shown(b)}"
    for key in [*a, *(key for key in b if key not in a)]:
        inside = f"{where}.{key}" if where else key
        if key not in a or key not in b:
            return f"key '{inside}': only in the {'first' if key in a else 'second'}"
        difference = first_difference(a[key], b[key], inside)
        if difference:
            return difference
    if where == NUMBERS_SETTINGS and list(a) != list(b):
        return f"key '{where}': found its keys in different orders"
    return None
