"""Runs as the bytes they are in data.json, wherever they stand already.

A run read in this call waits in a file without a name; one read by an earlier call stands in the present
data.json. Only where neither has it, or data.json was changed by other hands, its file is read again.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from utils.combining.index_file import Entry, Place
from utils.combining.listing import Listing
from utils.core.errors import BadInput
from utils.files.atomic import BUFFER
from utils.files.json_text import encode_json
from utils.results.schema import DATA_JSON, parse_result


class Fragment(NamedTuple):
    """A run's bytes, and its index as it stands in them."""

    content: bytes
    alias: int | None


class Fragments:
    """Of one directory's runs."""

    def __init__(self, listing: Listing) -> None:
        """Raises OSError if the directory cannot be written."""
        self._listing = listing
        self._waiting: dict[str, tuple[int, int]] = {}
        self._spool = tempfile.TemporaryFile(buffering=BUFFER, dir=listing.directory)  # noqa: SIM115
        self._kept = 0
        self._combined = _opened(listing.directory / DATA_JSON)

    def keep(self, name: str, fragment: bytes) -> None:
        """Hold on to a run that was just read.  Raises OSError."""
        self._waiting[name] = self._kept, len(fragment)
        self._kept += self._spool.write(fragment)

    def get(self, entry: Entry) -> Fragment:
        """A run.  Raises OSError, or BadInput if its file is no longer what it was."""
        if entry.name in self._waiting:
            offset, length = self._waiting[entry.name]
            self._spool.flush()
            return Fragment(os.pread(self._spool.fileno(), length, offset), entry.alias)
        if entry.place is not None and self._combined is not None:
            fragment = at(self._combined, entry.place)
            if fragment is not None:
                return Fragment(fragment, entry.place.alias)
        return Fragment(self._read_again(entry), entry.alias)

    def run(self, entry: Entry) -> dict[str, Any]:
        """A run, parsed.  Raises as `get`."""
        return orjson.loads(self.get(entry).content)

    def _read_again(self, entry: Entry) -> bytes:
        path = self._listing.directory / entry.name
        content = self._listing.read(entry.name, entry.stamp is None)
        if content.stamp != entry.stamp:
            raise BadInput(f"{path}: changed while it was combined; to do: run this again")
        return encode_json(parse_result(path, content.content).run)

    def close(self) -> None:
        """Let go of both files."""
        self._spool.close()
        if self._combined is not None:
            os.close(self._combined)


def at(descriptor: int, place: Place) -> bytes | None:
    """The bytes at a place of a file; None if they are not those that were written there.  Raises OSError."""
    fragment = os.pread(descriptor, place.length, place.offset)
    return fragment if zlib.crc32(fragment) == place.crc else None


def _opened(path: Path) -> int | None:
    """A descriptor; None for a file that is not there.  Raises OSError."""
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
