"""Comparison of two JSON trees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from utils.files.json_text import format_value

NUMBERS_SETTINGS = "agent.parameters"
"""Dotted key of the only object whose order of keys matters, because it numbers the settings of a grid."""


def first_difference(a: Any, b: Any) -> str | None:
    """Describe the first key in which two JSON trees differ, with both values; None if they are equal.

    The order of keys matters in `agent.parameters` only.
    """
    difference = find_difference(a, b, _describe_values)
    return None if difference is None else f"key '{difference[0]}'{difference[1]}"


def find_difference(
    a: Any, b: Any, describe: Callable[[Any, Any], str | None], path: str = ""
) -> tuple[str, str] | None:
    """Return the dotted key of the first difference between two trees and a description of it; None if they are equal.

    describe: returns how two values that are not both objects differ, None if they are equal.
    path: dotted key of the trees themselves.
    """
    if not isinstance(a, dict) or not isinstance(b, dict):
        description = describe(a, b)
        return None if description is None else (path, description)
    for key in [*a, *(key for key in b if key not in a)]:
        inner = f"{path}.{key}" if path else key
        if key not in a or key not in b:
            return inner, f": only in the {'first' if key in a else 'second'}"
        difference = find_difference(a[key], b[key], describe, inner)
        if difference:
            return difference
    if path == NUMBERS_SETTINGS and list(a) != list(b):
        return path, ": found its keys in different orders"
    return None


def _describe_values(a: Any, b: Any) -> str | None:
    return None if a == b else f": found {format_value(a)} and {format_value(b)}"
