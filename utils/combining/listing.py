"""The result files of a directory, those in its archive included."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from utils.core.errors import BadInput
from utils.files.archive import Archive, open_archive
from utils.files.read_ahead import map_ahead
from utils.results.schema import DATA_JSON

Stamp = tuple[int, int, int, int]
"""Size, modification time and status change time (ns), and inode: a changed file has another stamp."""


def stamp_of(stat: os.stat_result) -> Stamp:
    """Return the stamp of a file."""
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def parse_stamp(values: Sequence[int] | None) -> Stamp | None:
    """Return a stamp from its JSON values; None for null."""
    if values is None:
        return None
    size, modified, changed, inode = values
    return size, modified, changed, inode


class FileContent(NamedTuple):
    """Content of a file when it was read.

    stamp: None for a file in the archive.
    """

    content: bytes
    stamp: Stamp | None


class ResultListing:
    """The result files of a directory and of its archive. A file has precedence over an archived one of its name."""

    def __init__(self, directory: Path) -> None:
        """List the files.  Raises BadInput if the directory or its archive cannot be read."""
        self.directory = directory
        self.archive: Archive | None = open_archive(directory)
        try:
            self.files = dict(sorted(_scan_result_files(directory)))
        except OSError as error:
            raise BadInput(f"{directory}: cannot be read: {error.strerror}; allowed: a directory of results") from error

    def archived_names(self) -> Iterator[str]:
        """Yield the names of the archived results, in the order of the archive."""
        if self.archive:
            yield from (name for name in self.archive.names_in_order() if name.endswith(".json"))

    def sha256_in_archive(self, name: str) -> str | None:
        """Return the SHA-256 of an archived file; None if no file of this name is archived."""
        member = self.archive.members.get(name) if self.archive else None
        return member and member.sha256

    def read_all(self, names: Sequence[str], archived: bool) -> Iterator[FileContent | BadInput]:
        """Yield the content of each file in order, or the error for a file that cannot be read."""

        def attempt(name: str) -> FileContent | BadInput:
            try:
                return self.read(name, archived)
            except BadInput as error:
                return error

        return map(attempt, names) if archived else map_ahead(attempt, names)

    def read(self, name: str, archived: bool) -> FileContent:
        """Read a file.  Raises BadInput if it cannot be read."""
        path = self.directory / name
        try:
            if archived:
                assert self.archive is not None
                return FileContent(self.archive.read(name), None)
            with open(path, "rb", buffering=0) as file:
                return FileContent(file.read(), stamp_of(os.fstat(file.fileno())))
        except OSError as error:
            raise BadInput(f"{path}: cannot be read: {error.strerror}") from error


def _scan_result_files(directory: Path) -> Iterator[tuple[str, Stamp | None]]:
    """Yield name and stamp of each file that should be a result; None for a stamp that cannot be read."""
    with os.scandir(directory) as entries:
        for entry in entries:
            name = entry.name
            if not name.endswith(".json") or name.startswith(".") or name == DATA_JSON:
                continue
            try:
                yield name, stamp_of(entry.stat())
            except OSError:
                yield name, None  # Reading the file reports the error.
