"""Atomic writes: a file appears under its name complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from utils.core.errors import BadInput

if TYPE_CHECKING:
    pass


BUFFER = 2**20
"""Bytes that are written at a time."""


def write_atomically(path: Path, content: bytes) -> None:
    """The file holds all of content, or stays what it was, whatever interrupts.  Raises OSError."""
    with open_atomically(path) as file:
        file.write(content)


@contextmanager
def open_atomically(path: Path) -> Iterator[BinaryIO]:
    """A file to write to and read again, which takes the path's place when the block ends without an error."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "w+b", buffering=BUFFER) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_directory(path.parent)


def make_directory(directory: Path) -> None:
    """Make it, and those that it lies in, to last.  Raises OSError."""
    made = _missing(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for path in made:
        _sync_directory(path.parent)


def _missing(directory: Path) -> list[Path]:
    """Those of a directory and the ones that it lies in that are not there, innermost first."""
    return [path for path in (directory, *directory.parents) if not path.exists()]


def _sync_directory(directory: Path) -> None:
    """Make a rename in the directory last."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_writable(directory: Path) -> None:
    """Make the directory and try it.  Raises BadInput, leaving nothing behind, if it cannot be written."""
    made = _missing(directory)
    probe = directory / f".probe.{os.getpid()}.tmp"
    try:
        make_directory(directory)
        probe.touch()
        probe.unlink()
    except OSError as error:
        for path in made:
            with suppress(OSError):  # It was never made, or is on a disk that is read-only.
                path.rmdir()
        raise BadInput(
            f"--save-dir: '{directory}' cannot be written ({error.strerror}); allowed: a writable directory"
        ) from error
