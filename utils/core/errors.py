"""The errors a user can cause: one line each, exit code 2, no traceback."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click

EXIT_BAD_INPUT = 2


class BadInput(Exception):
    """Says, in one line, which file and key, what was found, and what is allowed."""


def unwritable_out(out: object, error: OSError) -> BadInput:
    """What to raise where the place that --out names cannot be written."""
    return BadInput(f"--out: '{out}' cannot be written ({error.strerror}); allowed: a writable place")


@contextmanager
def exit_on_bad_input() -> Iterator[None]:
    """Where BadInput ends a script: its line goes to standard error, and the exit code is EXIT_BAD_INPUT."""
    try:
        yield
    except BadInput as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_BAD_INPUT)


def suggestion(found: str, allowed: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the nearest allowed name, or nothing.

    Case is ignored when looking for it.
    """
    by_lower = {name.lower(): name for name in allowed}
    near = difflib.get_close_matches(found.lower(), by_lower, n=1)
    return f"; did you mean '{by_lower[near[0]]}'?" if near else ""
