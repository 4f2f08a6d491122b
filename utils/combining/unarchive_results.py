"""Moving of results that will be replaced out of the directory's archive.

The archive is rewritten without them: `tar` would still unpack files that are only missing from the index. Even after
an interruption, each file is in the archive, in its new place, or in both.
"""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path

from utils.combining.combine import lock_combining
from utils.core.errors import BadInput
from utils.files.archive import Archive, open_archive
from utils.files.archive_writer import ArchiveWriter
from utils.files.atomic import open_atomically, write_atomically


def unarchive_results(directory: Path, names: Set[str], place: Path) -> None:
    """Move the named files that the directory's archive contains to another, existing directory.

    Raises OSError, or BadInput, leaving the archive unchanged, if it is damaged or another process combines it.
    """
    if not _archived_names(open_archive(directory), names):
        return
    with lock_combining(directory):
        archive = open_archive(directory)  # It may have changed before the lock was acquired.
        leaving = _archived_names(archive, names)
        if archive is None or not leaving:
            return
        for name in leaving:
            write_atomically(place / name, _read_intact(archive, name))
        if len(leaving) == len(archive.members):
            archive.path.unlink()
        else:
            _write_without(archive, set(leaving))


def _archived_names(archive: Archive | None, names: Set[str]) -> list[str]:
    """Return the given names that are in the archive, in its order."""
    return [name for name in archive.names_in_order() if name in names] if archive else []


def _read_intact(archive: Archive, name: str) -> bytes:
    """Return a member's content.  Raises OSError, or BadInput if its checksum is wrong."""
    content = archive.read_verified(name)
    if content is None:
        raise BadInput(f"{archive.path}: {name} is damaged: its content has another SHA-256")
    return content


def _write_without(archive: Archive, leaving: Set[str]) -> None:
    """Rewrite the archive without some members.  Raises OSError, or BadInput if the old or the new one is damaged."""
    with open_atomically(archive.path) as file:
        writer = ArchiveWriter(file, None)
        for name in archive.names_in_order():
            if name not in leaving:
                writer.add(
                    name, _read_intact(archive, name), archive.members[name].sha256, archive.modification_time(name)
                )
        writer.close()
        writer.check(Path(file.name))
