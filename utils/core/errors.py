"""Errors that a user can cause: a one-line message and exit code 2, without a traceback."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click

EXIT_BAD_INPUT = 2
"""Exit code of a script that ends with BadInput."""


class BadInput(Exception):
    """Error in a user's input.

    The one-line message names the source and key, what was found, and what is allowed.
    """


class EnvironmentFault(Exception):
    """Error in what an environment did. The message is a clause whose subject is the environment."""


def unwritable_out(out: object, error: OSError) -> BadInput:
    """Return the error for an --out path that cannot be written."""
    return BadInput(f"--out: '{out}' cannot be written ({error.strerror}); allowed: a writable path")


@contextmanager
def exit_on_bad_input() -> Iterator[None]:
    """Handle BadInput in a script: print its message to standard error and exit with EXIT_BAD_INPUT."""
    try:
        yield
    except BadInput as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_BAD_INPUT)


def describe_error(error: Exception) -> str:
    """Return the error's message on one line."""
    return " ".join(str(error).split())


def describe_error_and_causes(error: Exception) -> str:
    """Return the error's message and those of the errors that it was raised from, on one line."""
    texts, cause = [describe_error(error)], error.__cause__
    while isinstance(cause, Exception):
        text = describe_error(cause) or type(cause).__name__
        if not any(text in known for known in texts):
            texts.append(text)
        cause = cause.__cause__
    return "; reason: ".join(texts)


def suggestion(found: str, allowed: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the closest allowed name, ignoring case; an empty string if none is close."""
    by_lower = {name.lower(): name for name in allowed}
    near = difflib.get_close_matches(found.lower(), by_lower, n=1)
    return f"; did you mean '{by_lower[near[0]]}'?" if near else ""
