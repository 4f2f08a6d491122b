"""The bytes of each run in data.json, taken from where they are already available.

A run that this call has read is kept in an unnamed temporary file; a run that an earlier call has read is in the
present data.json. A run's file is read again only if neither has it, or if another program has changed data.json.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from utils.combining.index_file import Entry, RunLocation
from utils.combining.listing import ResultListing
from utils.core.errors import BadInput
from utils.files.atomic import BUFFER_BYTES
from utils.files.json_text import encode_json
from utils.results.schema import DATA_JSON, parse_result


class RunBytes(NamedTuple):
    """A run as JSON, and the index that is written in it."""

    content: bytes
    alias: int | None


class RunByteStore:
    """The bytes of one directory's runs."""

    def __init__(self, listing: ResultListing) -> None:
        """Open a temporary file in the directory.  Raises OSError if the directory cannot be written."""
        self._listing = listing
        self._spooled: dict[str, tuple[int, int]] = {}
        self._spool = tempfile.TemporaryFile(buffering=BUFFER_BYTES, dir=listing.directory)  # noqa: SIM115
        self._spool_size = 0
        self._combined = _open_if_exists(listing.directory / DATA_JSON)

    def keep(self, name: str, run: bytes) -> None:
        """Keep the bytes of a run that was just read.  Raises OSError."""
        self._spooled[name] = self._spool_size, len(run)
        self._spool_size += self._spool.write(run)

    def get(self, entry: Entry) -> RunBytes:
        """Return the bytes of a run.  Raises OSError, or BadInput if its file has changed."""
        if entry.name in self._spooled:
            offset, length = self._spooled[entry.name]
            self._spool.flush()
            return RunBytes(os.pread(self._spool.fileno(), length, offset), entry.alias)
        if entry.location is not None and self._combined is not None:
            run = read_at(self._combined, entry.location)
            if run is not None:
                return RunBytes(run, entry.location.alias)
        return RunBytes(self._reread(entry), entry.alias)

    def run(self, entry: Entry) -> dict[str, Any]:
        """Return a run, parsed.  Raises OSError, or BadInput if its file has changed."""
        return orjson.loads(self.get(entry).content)

    def _reread(self, entry: Entry) -> bytes:
        path = self._listing.directory / entry.name
        content = self._listing.read(entry.name, entry.stamp is None)
        if content.stamp != entry.stamp:
            raise BadInput(f"{path}: changed while it was combined; run the same command again")
        return encode_json(parse_result(path, content.content).run)

    def close(self) -> None:
        """Close the temporary file and data.json."""
        self._spool.close()
        if self._combined is not None:
            os.close(self._combined)


def read_at(descriptor: int, location: RunLocation) -> bytes | None:
    """Read a run's bytes from an open data.json; None if their checksum is wrong.  Raises OSError."""
    run = os.pread(descriptor, location.length, location.offset)
    return run if zlib.crc32(run) == location.crc else None


def _open_if_exists(path: Path) -> int | None:
    """Return a file descriptor; None if there is no such file.  Raises OSError."""
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
