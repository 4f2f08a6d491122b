"""Output to a pipe whose reader may have gone, as in `command | head`."""

from __future__ import annotations

import os
import sys

import click


def echo(text: str, err: bool = False) -> None:
    """Print a line; if the reader has gone, discard this and all later output.  err: to standard error."""
    try:
        click.echo(text, err=err)
    except BrokenPipeError:
        discard_output(err)


def discard_output(err: bool = False) -> None:
    """Connect standard output to nothing, so that neither later output nor the flush at the exit fails.

    err: standard error instead.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, (sys.stderr if err else sys.stdout).fileno())
    os.close(nowhere)
