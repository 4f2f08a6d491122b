"""Append-only files for growing sequences of rows: saving again costs only what is new.

A sequence keeps its last n rows in a ring buffer, row i in slot i mod n. Rows are appended to a file in chunks, each
with its SHA-256. The caller records which chunks are valid; bytes after the last recorded chunk belong to an
interrupted write and are overwritten. A file that holds a quarter of a ring is not appended to any more, and it is
removed once the ring has overwritten all of its rows.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

MIN_FILE_BYTES = 2**20
"""File size up to which rows are always appended."""

ROWS_PER_WRITE = 2**14
"""Number of rows written at a time."""


class RowBuffer(Protocol):
    """A list, an array, or any other object whose slices can be converted to arrays."""

    def __len__(self) -> int: ...

    def __getitem__(self, slots: slice, /) -> Any: ...


@dataclass(frozen=True)
class RowSequence:
    """A growing sequence of rows, of which a ring buffer holds the last.

    held: the last len(held) rows, row i in slot i mod len(held).  count: number of rows ever added.
    """

    held: RowBuffer
    count: int

    @property
    def first(self) -> int:
        """Number of the oldest row that is held."""
        return self.count - len(self.held)

    def iterate_from(self, start: int) -> Iterator[np.ndarray]:
        """Yield rows start to count - 1 in blocks (rows, ...), so that memory never holds a copy of all of them."""
        size = len(self.held)
        while start < self.count:
            slot = start % size
            end = min(slot + ROWS_PER_WRITE, slot + self.count - start, size)
            yield np.ascontiguousarray(self.held[slot:end])
            start += end - slot


class Chunk(NamedTuple):
    """Rows first to first + rows - 1 of a sequence, contiguous in a file.

    file: the file's number.  offset, size: bytes.  sha256: SHA-256 of the bytes, hexadecimal.
    """

    file: int
    offset: int
    size: int
    first: int
    rows: int
    sha256: str


@dataclass
class RowFiles:
    """The files of one sequence of rows, `<name>.<number>.rows`, in which a slash of the name is a hyphen.

    chunks: the valid chunks in them, in order.
    """

    directory: Path
    name: str
    chunks: list[Chunk] = field(default_factory=list)

    @property
    def next_row(self) -> int:
        """Number of the first row that is not written."""
        return self.chunks[-1].first + self.chunks[-1].rows if self.chunks else 0

    def path(self, number: int) -> Path:
        """Return the path of the file with a number."""
        return self.directory / f"{self._stem}.{number}.rows"

    @property
    def _stem(self) -> str:
        return self.name.replace("/", "-")

    def write(self, rows: RowSequence) -> list[Chunk]:
        """Append the new rows. Returns the chunks that are then valid.

        The caller sets `chunks` to them once they are recorded.  Raises OSError.
        """
        kept = [chunk for chunk in self.chunks if chunk.first + chunk.rows > rows.first]
        start = max(self.next_row, rows.first)
        if start == rows.count:
            return kept
        row_bytes = np.asarray(rows.held[:1]).nbytes
        number, offset = self._next_position(len(rows.held) * row_bytes)
        path, digest, new = self.path(number), hashlib.sha256(), rows.count - start
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
        with open(descriptor, "wb") as file:
            file.truncate(offset)
            file.seek(offset)
            for block in rows.iterate_from(start):
                content = block.data.cast("B")
                digest.update(content)
                file.write(content)
            file.flush()
            os.fsync(descriptor)
        return [*kept, Chunk(number, offset, new * row_bytes, start, new, digest.hexdigest())]

    def _next_position(self, ring_bytes: int) -> tuple[int, int]:
        """Return the file number and offset of the next chunk.  ring_bytes: size of all rows held."""
        if not self.chunks:
            return 0, 0
        last = self.chunks[-1]
        end = last.offset + last.size
        return (last.file, end) if end < max(MIN_FILE_BYTES, ring_bytes // 4) else (last.file + 1, 0)

    def remove_unused(self) -> None:
        """Remove the files without a valid chunk.  Raises OSError."""
        used = {self.path(chunk.file) for chunk in self.chunks}
        for path in self.directory.glob(f"{self._stem}.*.rows"):
            if path not in used:
                path.unlink()

    def read(self, held: np.ndarray, count: int) -> None:
        """Fill the ring buffer held (n, ...) with the last n of `count` rows.

        Raises OSError, or ValueError for a damaged file.
        """
        size = len(held)
        missing = size
        for chunk in self.chunks:
            content = self._read_chunk(chunk)
            if hashlib.sha256(content).hexdigest() != chunk.sha256:
                raise ValueError(f"{self.path(chunk.file).name} is damaged: its content has another SHA-256")
            rows = np.frombuffer(content, held.dtype).reshape(chunk.rows, *held.shape[1:])
            skipped = max(0, count - size - chunk.first)
            slots = np.arange(chunk.first + skipped, chunk.first + chunk.rows) % size
            held[slots] = rows[skipped:]
            missing -= len(slots)
        if missing:
            raise ValueError(f"{self.name}: {missing} rows are missing")

    def _read_chunk(self, chunk: Chunk) -> bytes:
        with open(self.path(chunk.file), "rb") as file:
            file.seek(chunk.offset)
            return file.read(chunk.size)
