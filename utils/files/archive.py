"""The archive of a directory's results: one .tar.zst, which any tar unpacks, and every file of which is at hand.

    zstd frame    members of the tar, about a MiB of them
    ...
    zstd frame    the two zero blocks that end a tar
    skippable     what zstd passes over: the index, itself compressed, and a footer that says where it is

As frames stand alone, one file is read without the rest, and an archive grows by frames put in place of its
last two. As the index is part of the file, the two cannot disagree.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from utils.core.errors import BadInput

if TYPE_CHECKING:
    pass

import struct
import tarfile
from dataclasses import field
from functools import lru_cache
from typing import NamedTuple

ARCHIVE = "archive.tar.zst"

SKIPPABLE = struct.Struct("<II")
"""Magic number and length of a skippable frame (RFC 8878, 3.1.2)."""
SKIPPABLE_MAGIC = 0x184D2A50

FOOTER = struct.Struct("<QI8s")
"""Where the tar's end begins, the compressed index' length, and TAG."""
TAG = b"RESULTS1"


class ArchiveFrame(NamedTuple):
    """Where a zstd frame stands in the archive, and the length of what is in it, bytes."""

    offset: int
    length: int
    raw: int


class Member(NamedTuple):
    """Where a file's content stands: its place among the frames, in the frame's content, and its length, bytes."""

    frame: int
    offset: int
    size: int
    sha256: str


@dataclass
class Archive:
    """An archive's index. Of a name that was packed again, the last one counts, as for tar.

    end: where the members end, bytes.
    """

    path: Path
    frames: list[ArchiveFrame]
    members: dict[str, Member]
    end: int
    _unpacked: tuple[int, bytes] = field(default=(-1, b""), repr=False)

    def read(self, name: str) -> bytes:
        """A member's content.  Raises OSError, KeyError, or BadInput if it is damaged.

        The last frame is kept: members read in the order of `names_in_order` are unpacked once.
        """
        member = self.members[name]
        return self._content(member.frame)[member.offset : member.offset + member.size]

    def read_verified(self, name: str) -> bytes | None:
        """A member's content, None where that is not what was packed.  Raises as `read`."""
        content = self.read(name)
        return content if hashlib.sha256(content).hexdigest() == self.members[name].sha256 else None

    def modification_time(self, name: str) -> int:
        """When a member was modified, seconds since the epoch, by its tar header.  Raises as `read`."""
        member = self.members[name]
        header = self._content(member.frame)[member.offset - tarfile.BLOCKSIZE : member.offset]
        return int(tarfile.TarInfo.frombuf(header, tarfile.ENCODING, "surrogateescape").mtime)

    def _content(self, number: int) -> bytes:
        """Of a frame."""
        if self._unpacked[0] != number:
            self._unpacked = number, self._unpack(self.frames[number])
        return self._unpacked[1]

    def names_in_order(self) -> list[str]:
        """The members' names as they stand in the file."""
        return sorted(self.members, key=lambda name: self.members[name])

    def _unpack(self, frame: ArchiveFrame) -> bytes:
        import zstandard

        with open(self.path, "rb") as file:
            file.seek(frame.offset)
            packed = file.read(frame.length)
        try:
            return zstandard.ZstdDecompressor().decompress(packed, max_output_size=frame.raw)
        except zstandard.ZstdError as error:
            raise BadInput(f"{self.path}: damaged at byte {frame.offset}: {error}") from error


def index_frame(frames: list[ArchiveFrame], members: dict[str, Member], end: int) -> bytes:
    """The skippable frame that closes an archive."""
    import zstandard

    listed = {name: list(member) for name, member in members.items()}
    index = orjson.dumps({"frames": [list(frame) for frame in frames], "members": listed})
    packed = zstandard.ZstdCompressor(write_checksum=True).compress(index)
    content = packed + FOOTER.pack(end, len(packed), TAG)
    return SKIPPABLE.pack(SKIPPABLE_MAGIC, len(content)) + content


def open_archive(directory: Path) -> Archive | None:
    """The directory's archive; None if it has none. Its index is read once, until it changes.

    Raises BadInput if it cannot be read, or is not one that `simple_combine.py --archive` made.
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
    """stamp: size, modification time and inode, by which a changed archive is another."""
    return read_archive(path)


def read_archive(path: Path) -> Archive:
    """An archive by its path.  Raises OSError, or BadInput."""
    try:
        import zstandard
    except ImportError as error:
        raise BadInput(f"{path}: needs the package zstandard: pip install -r requirements.txt") from error
    try:
        end, packed = _index_bytes(path)
        index = orjson.loads(zstandard.ZstdDecompressor().decompress(packed))
    except (ValueError, struct.error, zstandard.ZstdError) as error:
        raise BadInput(
            f"{path}: its index cannot be read ({error}); what is left of it: tar --zstd -xf {path.name}"
        ) from error
    frames = [ArchiveFrame(*frame) for frame in index["frames"]]
    return Archive(path, frames, {name: Member(*member) for name, member in index["members"].items()}, end)


def _index_bytes(path: Path) -> tuple[int, bytes]:
    """Where the members end, and the compressed index.  Raises OSError, or ValueError or struct.error."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - FOOTER.size))
        end, length, tag = FOOTER.unpack(file.read())
        if tag != TAG or length + FOOTER.size > size:
            raise ValueError("it does not end as one does")
        file.seek(size - FOOTER.size - length)
        return end, file.read(length)


def is_archived(path: Path) -> bool:
    """Whether the file was packed into its directory's archive.  Raises BadInput if that is none."""
    archive = open_archive(path.parent)
    return archive is not None and path.name in archive.members


def read_file(path: Path) -> bytes:
    """A file's content, out of its directory's archive where it stands only there.  Raises OSError or BadInput."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        archive = open_archive(path.parent)
        if archive is None or path.name not in archive.members:
            raise
        return archive.read(path.name)
