"""Moving of result files into the directory's archive.

Even after an interruption, each result is in the directory, in the archive, or in both with the same content. The new
archive with everything from the old one is written next to it, read back, compared and synced before it replaces it.
Only then are files removed from the directory, a result before its arrays.
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
from utils.results.arrays import find_array_flaw, named_arrays
from utils.results.schema import parse_result

NANOSECONDS = 10**9


class PackableFile(NamedTuple):
    """A file to pack, with its content and stamp when it was read."""

    name: str
    content: bytes
    sha256: str
    stamp: Stamp

    @property
    def modified(self) -> int:
        """Modification time, seconds since the epoch."""
        return self.stamp[1] // NANOSECONDS


@dataclass
class PackingReport:
    """Outcome of packing.

    removed: number of files removed from the directory.
    left: a line for each result that stays in the directory.
    """

    removed: int = 0
    left: list[str] = field(default_factory=list)


def archive_results(directory: Path, results: Iterable[tuple[str, str]]) -> PackingReport:
    """Move results, and the arrays that they name, into the directory's archive.

    results: each file's name and the SHA-256 of its validated content. A result that has changed since, or whose arrays
    are missing or damaged, stays in the directory. A file that is already archived is only removed.
    Raises BadInput, having removed nothing, if the archive cannot be written.
    """
    packed, stamps = PackingReport(), dict[str, Stamp]()
    try:
        _add_to_archive(directory, _read_files(directory, results, stamps, packed.left))
        stamps |= _find_leftovers(directory, stamps)
    except OSError as error:
        raise BadInput(f"{directory / ARCHIVE}: cannot be written: {error.strerror}") from error
    for name, stamp in stamps.items():
        _remove_packed(directory / name, stamp, packed)
    return packed


def _read_files(
    directory: Path, results: Iterable[tuple[str, str]], stamps: dict[str, Stamp], left: list[str]
) -> Iterator[PackableFile]:
    """Yield every file to pack, each result before its arrays.

    Fills `stamps` with the files that may be removed once all are packed, and `left` with a line for each other result.
    """
    for name, sha256 in results:
        try:
            files = _read_run_files(directory, name, sha256)
        except (BadInput, OSError) as error:
            left.append(str(error))
            continue
        for file in files:
            stamps[file.name] = file.stamp
            yield file


def _read_run_files(directory: Path, name: str, sha256: str) -> list[PackableFile]:
    """Read a result and its arrays.  Raises OSError, or BadInput if they must not be packed."""
    result = _read_packable(directory / name)
    if result.sha256 != sha256:
        raise BadInput(f"{directory / name}: not packed: it has changed since it was read")
    files = [result]
    for file, arrays in named_arrays(parse_result(directory / name, result.content).run).items():
        try:
            content = _read_packable(directory / file)
        except FileNotFoundError as error:
            if is_archived(directory / file):
                continue
            raise BadInput(f"{directory / name}: not packed: its arrays, {file}, are missing") from error
        reason = find_array_flaw(content.content, arrays)
        if reason:
            raise BadInput(f"{directory / name}: not packed: its arrays, {file}: {reason}")
        files.append(content)
    return files


def _read_packable(path: Path) -> PackableFile:
    """Read a file to pack.  Raises OSError."""
    with open(path, "rb") as file:
        stamp = stamp_of(os.fstat(file.fileno()))
        content = file.read()
    return PackableFile(path.name, content, hashlib.sha256(content).hexdigest(), stamp)


def _add_to_archive(directory: Path, files: Iterator[PackableFile]) -> None:
    """Add the files that the archive lacks.  Raises OSError, or BadInput if the new archive is damaged."""
    old = open_archive(directory)
    lacking = (file for file in files if not _is_in_archive(old, file))
    first = next(lacking, None)
    if first is None:
        return
    with open_atomically(directory / ARCHIVE) as file:
        writer = ArchiveWriter(file, old)
        for packable in chain([first], lacking):
            writer.add(packable.name, packable.content, packable.sha256, packable.modified)
        writer.close()
        writer.check(Path(file.name))


def _is_in_archive(archive: Archive | None, file: PackableFile) -> bool:
    return archive is not None and file.name in archive.members and archive.members[file.name].sha256 == file.sha256


def _find_leftovers(directory: Path, stamps: dict[str, Stamp]) -> dict[str, Stamp]:
    """Return packed arrays that an interrupted call has not removed."""
    archive = open_archive(directory)
    names = [name for name in os.listdir(directory) if archive and name in archive.members and name not in stamps]
    found = [_read_packable(directory / name) for name in names if name.endswith(".npz")]
    return {file.name: file.stamp for file in found if _is_in_archive(archive, file)}


def _remove_packed(path: Path, stamp: Stamp, packed: PackingReport) -> None:
    """Remove a file unless it has changed since it was packed."""
    try:
        if stamp_of(os.stat(path)) != stamp:
            packed.left.append(f"{path}: packed but not removed: it has changed since")
            return
        path.unlink()
        packed.removed += 1
    except OSError as error:
        packed.left.append(f"{path}: packed but not removed: {error.strerror}")
