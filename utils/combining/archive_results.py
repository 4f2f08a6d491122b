"""Run files -> archive, and only then out of the directory.

Whatever interrupts, each result is in the directory, in the archive, or in both with the same content:
the new archive, with all that the old one had, is written beside it, read back and compared, and made
to last before it takes the old one's place; only then do files go, a result before its arrays.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from utils.combining.listing import Stamp, stamp_of
from utils.core.errors import BadInput
from utils.files.archive import ARCHIVE, Archive, is_archived, open_archive
from utils.files.archive_writer import ArchiveWriter
from utils.files.atomic import open_atomically
from utils.results.arrays import named_arrays, find_array_flaw
from utils.results.schema import parse_result

NANOSECONDS = 10**9


class Packable(NamedTuple):
    """A file to be packed, and what it was when it was read."""

    name: str
    content: bytes
    sha256: str
    stamp: Stamp

    @property
    def modified(self) -> int:
        """When, in seconds since the epoch."""
        return self.stamp[1] // NANOSECONDS


@dataclass
class PackingReport:
    """What came of it.  removed: files.  left: a line on each result that stays in the directory."""

    removed: int = 0
    left: list[str] = field(default_factory=list)


def pack(directory: Path, results: Iterable[tuple[str, str]]) -> PackingReport:
    """Move results, and the arrays they name, into the directory's archive.

    results: each file's name and the SHA-256 of the content that was found to be a result. One that is another
    now, or whose arrays are missing or damaged, stays. What the archive has already is only removed.
    Raises BadInput, having removed nothing, if the archive cannot be written.
    """
    packed, stamps = PackingReport(), dict[str, Stamp]()
    try:
        _archive(directory, _files(directory, results, stamps, packed.left))
        stamps |= _left_behind(directory, stamps)
    except OSError as error:
        raise BadInput(f"{directory / ARCHIVE}: cannot be written: {error.strerror}") from error
    for name, stamp in stamps.items():
        _remove(directory / name, stamp, packed)
    return packed


def _files(
    directory: Path, results: Iterable[tuple[str, str]], stamps: dict[str, Stamp], left: list[str]
) -> Iterator[Packable]:
    """Every file to be packed, each result before its arrays.

    Fills `stamps` with what may be removed once all are packed, and `left` with what may not.
    """
    for name, sha256 in results:
        try:
            files = _run_files(directory, name, sha256)
        except (BadInput, OSError) as error:
            left.append(str(error))
            continue
        for file in files:
            stamps[file.name] = file.stamp
            yield file


def _run_files(directory: Path, name: str, sha256: str) -> list[Packable]:
    """A result and its arrays.  Raises OSError, or BadInput if it is not to be packed."""
    result = _read(directory / name)
    if result.sha256 != sha256:
        raise BadInput(f"{directory / name}: not packed: it has changed since it was read")
    files = [result]
    for file, arrays in named_arrays(parse_result(directory / name, result.content).run).items():
        try:
            content = _read(directory / file)
        except FileNotFoundError as error:
            if is_archived(directory / file):
                continue
            raise BadInput(f"{directory / name}: not packed: its arrays, {file}, are missing") from error
        reason = find_array_flaw(content.content, arrays)
        if reason:
            raise BadInput(f"{directory / name}: not packed: its arrays, {file}: {reason}")
        files.append(content)
    return files


def _read(path: Path) -> Packable:
    """Raises OSError."""
    with open(path, "rb") as file:
        stamp = stamp_of(os.fstat(file.fileno()))
        content = file.read()
    return Packable(path.name, content, hashlib.sha256(content).hexdigest(), stamp)


def _archive(directory: Path, files: Iterator[Packable]) -> None:
    """Put the files that it lacks into the archive.  Raises OSError, or BadInput if it does not read back."""
    old = open_archive(directory)
    lacking = (file for file in files if not _holds(old, file))
    first = next(lacking, None)
    if first is None:
        return
    with open_atomically(directory / ARCHIVE) as file:
        writer = ArchiveWriter(file, old)
        for packable in chain([first], lacking):
            writer.add(packable.name, packable.content, packable.sha256, packable.modified)
        writer.close()
        writer.check(Path(file.name))


def _holds(archive: Archive | None, file: Packable) -> bool:
    return archive is not None and file.name in archive.members and archive.members[file.name].sha256 == file.sha256


def _left_behind(directory: Path, stamps: dict[str, Stamp]) -> dict[str, Stamp]:
    """Arrays that are packed, and that an interrupted call did not come to remove."""
    archive = open_archive(directory)
    names = [name for name in os.listdir(directory) if archive and name in archive.members and name not in stamps]
    found = [_read(directory / name) for name in names if name.endswith(".npz")]
    return {file.name: file.stamp for file in found if _holds(archive, file)}


def _remove(path: Path, stamp: Stamp, packed: PackingReport) -> None:
    """Remove the file, unless it is no longer the one that was packed."""
    try:
        if stamp_of(os.stat(path)) != stamp:
            packed.left.append(f"{path}: packed, and not removed: it has changed since")
            return
        path.unlink()
        packed.removed += 1
    except OSError as error:
        packed.left.append(f"{path}: packed, and not removed: {error.strerror}")
