"""Writing of archives, by copying an existing one and appending; `utils.files.archive` describes the format."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import BinaryIO

from utils.core.errors import BadInput
from utils.files.archive import Archive, ArchiveFrame, Member, encode_index, read_archive

MIN_FRAME_BYTES = 2**20
"""Smallest content of a frame, except the last one: reading one file decompresses its whole frame."""

COMPRESSION_LEVEL = 6
"""Compression level of zstd."""


class ArchiveWriter:
    """Writer of an archive to an open file."""

    def __init__(self, file: BinaryIO, old: Archive | None) -> None:
        """Copy an existing archive, if any.  file: empty, opened for writing and reading.  Raises OSError."""
        import zstandard

        self._compressor = zstandard.ZstdCompressor(COMPRESSION_LEVEL, write_checksum=True)
        self._file, self._raw = file, bytearray()
        self.frames: list[ArchiveFrame] = list(old.frames) if old else []
        self.members: dict[str, Member] = dict(old.members) if old else {}
        if old:
            with open(old.path, "rb") as source:
                shutil.copyfileobj(source, file, MIN_FRAME_BYTES)
            file.seek(old.end)
            file.truncate()

    def add(self, name: str, content: bytes, sha256: str, modified: int) -> None:
        """Append a member.  sha256: SHA-256 of its content.  modified: seconds since the epoch.  Raises OSError."""
        header = tarfile.TarInfo(name)
        header.size, header.mtime = len(content), modified
        self._raw += header.tobuf(tarfile.PAX_FORMAT)
        offset = len(self._raw)
        self._raw += content
        self._raw += bytes(-len(content) % tarfile.BLOCKSIZE)
        self.members[name] = Member(len(self.frames), offset, header.size, sha256)
        if len(self._raw) >= MIN_FRAME_BYTES:
            self._close_frame()

    def _close_frame(self) -> None:
        """Compress the collected members and write them as a frame."""
        compressed = self._compressor.compress(self._raw)
        self.frames.append(ArchiveFrame(self._file.tell(), len(compressed), len(self._raw)))
        self._file.write(compressed)
        self._raw.clear()

    def close(self) -> None:
        """End the tar and write the index.  Raises OSError."""
        if self._raw:
            self._close_frame()
        end = self._file.tell()
        self._file.write(self._compressor.compress(bytes(2 * tarfile.BLOCKSIZE)))
        self._file.write(encode_index(self.frames, self.members, end))
        self._file.flush()

    def check(self, path: Path) -> None:
        """Read the archive back from its path and check every member.  Raises OSError, or BadInput if one differs."""
        archive = read_archive(path)
        if (archive.frames, archive.members) != (self.frames, self.members):
            raise BadInput(f"{path}: its index was read back with other content than was written")
        for name in archive.names_in_order():
            if archive.read_verified(name) is None:
                raise BadInput(f"{path}: {name} was read back with other content than was written")
