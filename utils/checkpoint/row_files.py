"""Rows that only become more, in files that only grow: saving them again costs what is new in them.

Row i of a ring of n stands at place i mod n, and the last n count. Rows are written in chunks, each
with its SHA-256, behind what the file holds already. Which chunks there are is for the caller to
record; what lies behind the last recorded one in its file is a write that did not get so far, and is
written over. A file is not added to any more once it holds a quarter of a ring, and removed once all
in it is overwritten in the ring.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

SMALLEST = 2**20
"""Bytes below which a file is added to in any case."""

PIECE = 2**14
"""Rows that are written at a time."""


class Held(Protocol):
    """A list, an array, or whatever else makes an array of a slice of its rows."""

    def __len__(self) -> int: ...

    def __getitem__(self, places: slice, /) -> Any: ...


@dataclass(frozen=True)
class RowSequence:
    """So many rows have been in all; `held` has the last len(held) of them, row i at i mod len(held)."""

    held: Held
    count: int

    @property
    def first(self) -> int:
        """The oldest row that is held."""
        return self.count - len(self.held)

    def since(self, start: int) -> Iterator[np.ndarray]:
        """Rows start to count - 1 in pieces (rows, ...), so that memory never holds a copy of all of them."""
        size = len(self.held)
        while start < self.count:
            place = start % size
            end = min(place + PIECE, place + self.count - start, size)
            yield np.ascontiguousarray(self.held[place:end])
            start += end - place


class Chunk(NamedTuple):
    """Rows first to first + rows - 1, in a file from a byte on.  sha256: of their bytes, hexadecimal."""

    file: int
    offset: int
    size: int
    first: int
    rows: int
    sha256: str


@dataclass
class RowFiles:
    """The files of one sequence of rows, `<name>.<number>.rows`, and the chunks in them that count."""

    directory: Path
    name: str
    chunks: list[Chunk] = field(default_factory=list)

    @property
    def end(self) -> int:
        """The first row that is not written."""
        return self.chunks[-1].first + self.chunks[-1].rows if self.chunks else 0

    def path(self, number: int) -> Path:
        """A file."""
        return self.directory / f"{self.name}.{number}.rows"

    def write(self, rows: RowSequence) -> list[Chunk]:
        """Add what is new. Returns the chunks that then count, which `chunks` is to be once they are recorded.

        Raises OSError.
        """
        kept = [chunk for chunk in self.chunks if chunk.first + chunk.rows > rows.first]
        start = max(self.end, rows.first)
        if start == rows.count:
            return kept
        row = np.asarray(rows.held[:1]).nbytes
        number, offset = self._place(len(rows.held) * row)
        path, digest, new = self.path(number), hashlib.sha256(), rows.count - start
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
        with open(descriptor, "wb") as file:
            file.truncate(offset)
            file.seek(offset)
            for piece in rows.since(start):
                content = piece.data.cast("B")
                digest.update(content)
                file.write(content)
            file.flush()
            os.fsync(descriptor)
        return [*kept, Chunk(number, offset, new * row, start, new, digest.hexdigest())]

    def _place(self, ring: int) -> tuple[int, int]:
        """Where the next chunk goes: a file's number and an offset in it.  ring: bytes of all rows held."""
        if not self.chunks:
            return 0, 0
        last = self.chunks[-1]
        end = last.offset + last.size
        return (last.file, end) if end < max(SMALLEST, ring // 4) else (last.file + 1, 0)

    def remove_unused(self) -> None:
        """Remove the files in which nothing counts."""
        used = {self.path(chunk.file) for chunk in self.chunks}
        for path in self.directory.glob(f"{self.name}.*.rows"):
            if path not in used:
                path.unlink()

    def read(self, held: np.ndarray, count: int) -> None:
        """Fill held (n, ...) with the last n of `count` rows.  Raises OSError, or ValueError for a damaged file."""
        size = len(held)
        missing = size
        for chunk in self.chunks:
            content = self._content(chunk)
            if hashlib.sha256(content).hexdigest() != chunk.sha256:
                raise ValueError(f"{self.path(chunk.file).name} is damaged: its content has another SHA-256")
            rows = np.frombuffer(content, held.dtype).reshape(chunk.rows, *held.shape[1:])
            skipped = max(0, count - size - chunk.first)
            places = np.arange(chunk.first + skipped, chunk.first + chunk.rows) % size
            held[places] = rows[skipped:]
            missing -= len(places)
        if missing:
            raise ValueError(f"{self.name}: {missing} rows are missing")

    def _content(self, chunk: Chunk) -> bytes:
        with open(self.path(chunk.file), "rb") as file:
            file.seek(chunk.offset)
            return file.read(chunk.size)
