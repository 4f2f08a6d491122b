"""Output files that never replace a file somebody else made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from utils.core.errors import BadInput, unwritable_out
from utils.files.atomic import write_atomically


def check_replaceable(path: Path, is_ours: Callable[[Path], bool], option: str, expected: str) -> None:
    """Check that a path is free, or that its file may be replaced.

    is_ours: returns whether an existing file may be replaced.  option: the option that gives the path.
    expected: the kind of file that may be replaced, for the message.
    Raises BadInput if the file must stay, OSError if the path cannot be read.
    """
    if path.exists() and not is_ours(path):
        raise BadInput(f"{option}: would replace '{path}', which is not {expected}; allowed: another name")


def write_out(path: Path, content: bytes) -> None:
    """Write the file of --out and create its directory.  Raises BadInput if it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as error:
        raise unwritable_out(path, error) from error
