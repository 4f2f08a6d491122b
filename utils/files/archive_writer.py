"""A new archive: what the old one had, and more behind it.  `utils.files.archive` says how it is laid out."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import BinaryIO

from utils.core.errors import BadInput
from utils.files.archive import Archive, ArchiveFrame, Member, index_frame, read_archive

FRAME = 2**20
"""Bytes, at least, that a frame unpacks to, the last one aside: what reading one file of it costs."""

LEVEL = 6
"""zstd's."""


class ArchiveWriter:
    """Writes to a file that can also be read."""

    def __init__(self, file: BinaryIO, old: Archive | None) -> None:
        """file: empty; gets what `old` holds.  Raises OSError."""
        import zstandard

        self._compressor = zstandard.ZstdCompressor(LEVEL, write_checksum=True)
        self._file, self._raw = file, bytearray()
        self.frames: list[ArchiveFrame] = list(old.frames) if old else []
        self.members: dict[str, Member] = dict(old.members) if old else {}
        if old:
            with open(old.path, "rb") as source:
                shutil.copyfileobj(source, file, FRAME)
            file.seek(old.end)
            file.truncate()

    def add(self, name: str, content: bytes, sha256: str, modified: int) -> None:
        """One member more.  sha256: of its content.  modified: seconds since the epoch.  Raises OSError."""
        header = tarfile.TarInfo(name)
        header.size, header.mtime = len(content), modified
        self._raw += header.tobuf(tarfile.PAX_FORMAT)
        place = len(self._raw)
        self._raw += content
        self._raw += bytes(-len(content) % tarfile.BLOCKSIZE)
        self.members[name] = Member(len(self.frames), place, header.size, sha256)
        if len(self._raw) >= FRAME:
            self._close_frame()

    def _close_frame(self) -> None:
        packed = self._compressor.compress(self._raw)
        self.frames.append(ArchiveFrame(self._file.tell(), len(packed), len(self._raw)))
        self._file.write(packed)
        self._raw.clear()

    def close(self) -> None:
        """End the tar and write the index.  Raises OSError."""
        if self._raw:
            self._close_frame()
        end = self._file.tell()
        self._file.write(self._compressor.compress(bytes(2 * tarfile.BLOCKSIZE)))
        self._file.write(index_frame(self.frames, self.members, end))
        self._file.flush()

    def check(self, path: Path) -> None:
        """Read all of it back, from the path it was written to.  Raises OSError, or BadInput if a byte is amiss."""
        archive = read_archive(path)
        if (archive.frames, archive.members) != (self.frames, self.members):
            raise BadInput(f"{path}: its index does not read back as it was written")
        for name in archive.names_in_order():
            if archive.read_verified(name) is None:
                raise BadInput(f"{path}: {name} does not read back as it was written")
