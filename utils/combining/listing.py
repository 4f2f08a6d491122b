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
"""Size, modification and status change times (ns), and inode: another content has another stamp."""


def stamp_of(stat: os.stat_result) -> Stamp:
    """What tells a file from what it was before."""
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def stamp_from(values: Sequence[int] | None) -> Stamp | None:
    """A stamp as JSON gives it back."""
    if values is None:
        return None
    size, modified, changed, inode = values
    return size, modified, changed, inode


class Content(NamedTuple):
    """What a file held when it was read.  stamp: None for one in the archive."""

    content: bytes
    stamp: Stamp | None


class Listing:
    """What there is to combine in a directory. A file counts before one of the same name in the archive."""

    def __init__(self, directory: Path) -> None:
        """Raises BadInput if the directory or its archive cannot be read."""
        self.directory = directory
        self.archive: Archive | None = open_archive(directory)
        try:
            self.files = dict(sorted(_result_files(directory)))
        except OSError as error:
            raise BadInput(f"{directory}: cannot be read: {error.strerror}; allowed: a directory of results") from error

    def archived(self) -> Iterator[str]:
        """The names of the archived results, as they stand in the archive."""
        if self.archive:
            yield from (name for name in self.archive.names_in_order() if name.endswith(".json"))

    def archived_sha256(self, name: str) -> str | None:
        """Of an archived file's content; None if there is none of that name."""
        member = self.archive.members.get(name) if self.archive else None
        return member and member.sha256

    def read_all(self, names: Sequence[str], archived: bool) -> Iterator[Content | BadInput]:
        """The files in their order; of each that cannot be read, what is wrong with it."""

        def attempt(name: str) -> Content | BadInput:
            try:
                return self.read(name, archived)
            except BadInput as error:
                return error

        return map(attempt, names) if archived else map_ahead(attempt, names)

    def read(self, name: str, archived: bool) -> Content:
        """Raises BadInput if it cannot be read."""
        path = self.directory / name
        try:
            if archived:
                assert self.archive is not None
                return Content(self.archive.read(name), None)
            with open(path, "rb", buffering=0) as file:
                return Content(file.read(), stamp_of(os.fstat(file.fileno())))
        except OSError as error:
            raise BadInput(f"{path}: cannot be read: {error.strerror}") from error


def _result_files(directory: Path) -> Iterator[tuple[str, Stamp | None]]:
    """Name and stamp of each file that should be a result; no stamp where there is none to be had."""
    with os.scandir(directory) as entries:
        for entry in entries:
            name = entry.name
            if not name.endswith(".json") or name.startswith(".") or name == DATA_JSON:
                continue
            try:
                yield name, stamp_of(entry.stat())
            except OSError:
                yield name, None  # Reading it says what is wrong with it.
