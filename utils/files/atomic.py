"""Atomic writes: a file appears under its name either complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from utils.core.errors import BadInput

BUFFER_BYTES = 2**20
"""Number of bytes written at a time."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file completely, or leave it unchanged if interrupted.  Raises OSError."""
    with open_atomically(path) as file:
        file.write(content)


@contextmanager
def open_atomically(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file for writing and reading; it replaces the path if the block ends without an error.

    Raises OSError.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "w+b", buffering=BUFFER_BYTES) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_directory(path.parent)


def make_directory(directory: Path) -> None:
    """Create a directory and its parents durably.  Raises OSError."""
    created = _missing_directories(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for path in created:
        _sync_directory(path.parent)


def _missing_directories(directory: Path) -> list[Path]:
    """Return a directory and its parents as far as they do not exist, innermost first."""
    return [path for path in (directory, *directory.parents) if not path.exists()]


def _sync_directory(directory: Path) -> None:
    """Make renames in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_writable(directory: Path) -> None:
    """Create a directory and check that it is writable.

    Raises BadInput, leaving nothing behind, if it is not.
    """
    created = _missing_directories(directory)
    probe = directory / f".probe.{os.getpid()}.tmp"
    try:
        make_directory(directory)
        probe.touch()
        probe.unlink()
    except OSError as error:
        for path in created:
            with suppress(OSError):  # It was not created, or the disk is read-only.
                path.rmdir()
        raise BadInput(
            f"--save-dir: '{directory}' cannot be written ({error.strerror}); allowed: a writable directory"
        ) from error
