"""The archive of a directory's results: a .tar.zst with random access, which any tar program unpacks.

    zstd frame    members of the tar, about 1 MiB of them
    ...
    zstd frame    the two zero blocks that end a tar
    skippable     ignored by zstd: the compressed index, and a footer that locates it

Frames are independent, so one file is read without the rest, and new frames replace the last two when the archive
grows. The index is part of the file, so the two cannot disagree.
"""

from __future__ import annotations

import hashlib
import os
import struct
import tarfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import orjson

from utils.core.errors import BadInput

ARCHIVE = "archive.tar.zst"
"""File name of an archive."""

SKIPPABLE = struct.Struct("<II")
"""Header of a skippable frame: magic number and length (RFC 8878, 3.1.2)."""

SKIPPABLE_MAGIC = 0x184D2A50
"""Magic number of a skippable frame."""

FOOTER = struct.Struct("<QI8s")
"""Footer of an archive: offset of the frame that ends the tar, length of the compressed index, and TAG."""

TAG = b"RESULTS1"
"""Last bytes of an archive."""


class ArchiveFrame(NamedTuple):
    """A zstd frame of an archive.

    offset, length: position and length of the compressed frame in the file, bytes.  raw: length of its content, bytes.
    """

    offset: int
    length: int
    raw: int


class Member(NamedTuple):
    """A file in an archive.

    frame: number of its frame.  offset: position of its content in the frame's content, bytes.  size: bytes.
    sha256: SHA-256 of its content, hexadecimal.
    """

    frame: int
    offset: int
    size: int
    sha256: str


@dataclass
class Archive:
    """An archive's index, by which its members are read.

    members: files by name; a name that was added again has its last content, as in tar.
    end: offset after the last member's frame, bytes.
    """

    path: Path
    frames: list[ArchiveFrame]
    members: dict[str, Member]
    end: int
    _unpacked: tuple[int, bytes] = field(default=(-1, b""), repr=False)

    def read(self, name: str) -> bytes:
        """Return a member's content.  Raises OSError, KeyError, or BadInput if the archive is damaged.

        The last frame is cached: reading members in the order of `names_in_order` decompresses each frame once.
        """
        member = self.members[name]
        return self._frame_content(member.frame)[member.offset : member.offset + member.size]

    def read_verified(self, name: str) -> bytes | None:
        """Return a member's content; None if its SHA-256 does not match.  Raises the errors of `read`."""
        content = self.read(name)
        return content if hashlib.sha256(content).hexdigest() == self.members[name].sha256 else None

    def modification_time(self, name: str) -> int:
        """Return a member's modification time, seconds since the epoch.  Raises the errors of `read`."""
        member = self.members[name]
        header = self._frame_content(member.frame)[member.offset - tarfile.BLOCKSIZE : member.offset]
        return int(tarfile.TarInfo.frombuf(header, tarfile.ENCODING, "surrogateescape").mtime)

    def _frame_content(self, number: int) -> bytes:
        """Return the content of a frame."""
        if self._unpacked[0] != number:
            self._unpacked = number, self._decompress(self.frames[number])
        return self._unpacked[1]

    def names_in_order(self) -> list[str]:
        """Return the members' names in file order."""
        return sorted(self.members, key=lambda name: self.members[name])

    def _decompress(self, frame: ArchiveFrame) -> bytes:
        import zstandard

        with open(self.path, "rb") as file:
            file.seek(frame.offset)
            compressed = file.read(frame.length)
        try:
            return zstandard.ZstdDecompressor().decompress(compressed, max_output_size=frame.raw)
        except zstandard.ZstdError as error:
            raise BadInput(f"{self.path}: damaged at byte {frame.offset}: {error}") from error


def encode_index(frames: list[ArchiveFrame], members: dict[str, Member], end: int) -> bytes:
    """Return the skippable frame that ends an archive."""
    import zstandard

    listed = {name: list(member) for name, member in members.items()}
    index = orjson.dumps({"frames": [list(frame) for frame in frames], "members": listed})
    compressed = zstandard.ZstdCompressor(write_checksum=True).compress(index)
    content = compressed + FOOTER.pack(end, len(compressed), TAG)
    return SKIPPABLE.pack(SKIPPABLE_MAGIC, len(content)) + content


def open_archive(directory: Path) -> Archive | None:
    """Return the archive of a directory; None if it has none. The index is cached until the file changes.

    Raises BadInput if the file cannot be read or was not written by `simple_combine.py --archive`.
    """
    path = directory / ARCHIVE
    try:
        stat = os.stat(path)
        return _read_index(path, (stat.st_size, stat.st_mtime_ns, stat.st_ino))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error


@lru_cache(maxsize=8)
def _read_index(path: Path, stamp: tuple[int, int, int]) -> Archive:
    """Return an archive by its path, cached.  stamp: size, modification time and inode, which identify its version."""
    return read_archive(path)


def read_archive(path: Path) -> Archive:
    """Read the index of an archive.  Raises OSError, or BadInput if it is damaged."""
    try:
        import zstandard
    except ImportError as error:
        raise BadInput(f"{path}: needs the package zstandard: pip install -r requirements.txt") from error
    try:
        end, compressed = _read_index_bytes(path)
        index = orjson.loads(zstandard.ZstdDecompressor().decompress(compressed))
    except (ValueError, struct.error, zstandard.ZstdError) as error:
        raise BadInput(
            f"{path}: its index cannot be read ({error}); to recover files: tar --zstd -xf {path.name}"
        ) from error
    frames = [ArchiveFrame(*frame) for frame in index["frames"]]
    return Archive(path, frames, {name: Member(*member) for name, member in index["members"].items()}, end)


def _read_index_bytes(path: Path) -> tuple[int, bytes]:
    """Return the offset after the members, and the compressed index.  Raises OSError, ValueError or struct.error."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - FOOTER.size))
        end, length, tag = FOOTER.unpack(file.read())
        if tag != TAG or length + FOOTER.size > size:
            raise ValueError("no archive footer")
        file.seek(size - FOOTER.size - length)
        return end, file.read(length)


def is_archived(path: Path) -> bool:
    """Return whether the file is in its directory's archive.  Raises BadInput if the archive is damaged."""
    archive = open_archive(path.parent)
    return archive is not None and path.name in archive.members


def read_file(path: Path) -> bytes:
    """Return a file's content, from its directory's archive if the file itself is missing.

    Raises OSError or BadInput.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        archive = open_archive(path.parent)
        if archive is None or path.name not in archive.members:
            raise
        return archive.read(path.name)
