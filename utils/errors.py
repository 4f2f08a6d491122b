"""The errors a user can cause: one line each, exit code 2, no traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BadInput(Exception):
    """Says, in one line, which file and key, what was found, and what is allowed."""


def suggestion(found: str, allowed: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the nearest allowed name, or nothing.

    Case is ignored when looking for it.
    """
    by_lower = {name.lower(): name for name in allowed}
    near = difflib.get_close_matches(found.lower(), by_lower, n=1)
    return f"; did you mean '{by_lower[near[0]]}'?" if near else ""
