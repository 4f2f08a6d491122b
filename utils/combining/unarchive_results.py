"""Archive -> files: results that are to be replaced leave their directory's archive.

The archive is written anew without them: what its index leaves out, `tar` would unpack all the same.
Whatever interrupts, each of them is in the archive, in its new place, or in both.
"""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path

from utils.combining.combine import combining_alone
from utils.core.errors import BadInput
from utils.files.archive import Archive, open_archive
from utils.files.archive_writer import ArchiveWriter
from utils.files.atomic import open_atomically, write_atomically


def take_out(directory: Path, names: Set[str], place: Path) -> None:
    """Move those of the named files that the directory's archive holds to another directory, which is there.

    Raises OSError, or BadInput, having changed nothing in the archive, if that is damaged or being combined.
    """
    if not _archived(open_archive(directory), names):
        return
    with combining_alone(directory):
        archive = open_archive(directory)  # It may have changed until nobody else was at it.
        leaving = _archived(archive, names)
        if archive is None or not leaving:
            return
        for name in leaving:
            write_atomically(place / name, _whole(archive, name))
        if len(leaving) == len(archive.members):
            archive.path.unlink()
        else:
            _write_without(archive, set(leaving))


def _archived(archive: Archive | None, names: Set[str]) -> list[str]:
    """Those in the archive, in its order."""
    return [name for name in archive.names_in_order() if name in names] if archive else []


def _whole(archive: Archive, name: str) -> bytes:
    """A member's content.  Raises OSError, or BadInput if it is not what was packed."""
    content = archive.read_verified(name)
    if content is None:
        raise BadInput(f"{archive.path}: {name} is damaged: its content has another SHA-256")
    return content


def _write_without(archive: Archive, leaving: Set[str]) -> None:
    """Write the archive anew.  Raises OSError, or BadInput if it is damaged or does not read back."""
    with open_atomically(archive.path) as file:
        writer = ArchiveWriter(file, None)
        for name in archive.names_in_order():
            if name not in leaving:
                writer.add(name, _whole(archive, name), archive.members[name].sha256, archive.modification_time(name))
        writer.close()
        writer.check(Path(file.name))
