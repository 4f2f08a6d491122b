"""Writing of data.json, one run at a time, in the bytes that `encode_json` gives for the whole tree."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

import orjson

from utils.combining.index_file import DistinctValues, Entry, RunLocation
from utils.combining.run_bytes import RunBytes
from utils.combining.selection import Selection, first_entry
from utils.files.atomic import open_atomically
from utils.files.json_text import encode_json

Item = TypeVar("Item")


def write_data_json(
    path: Path, selection: Selection, params: DistinctValues, run_bytes: Callable[[Entry], RunBytes]
) -> dict[str, RunLocation]:
    """Write data.json atomically.

    run_bytes: returns the bytes of an entry's run.
    Returns the location of each entry's run, by the entry's name.
    Raises OSError, and whatever `run_bytes` raises.
    """
    locations: dict[str, RunLocation] = {}
    with open_atomically(path) as file:
        writer = _CountingWriter(file)
        writer.write(b'{"experiment":%s,"experiment_data":{' % encode_json(selection.experiment))
        for setting, runs in writer.comma_separated(selection.cells.items()):
            cell = params.packed[first_entry(runs.values()).params]
            writer.write(b'"%d":{"agent_params":%s,"runs":[' % (setting, cell))
            for entry in writer.comma_separated(runs.values()):
                content, alias = with_index(run_bytes(entry), selection.index(setting, entry.run))
                locations[entry.name] = RunLocation(setting, alias, writer.offset, len(content), zlib.crc32(content))
                writer.write(content)
            writer.write(b"]}")
        writer.write(b"}}")
    return locations


def with_index(run_bytes: RunBytes, index: int) -> RunBytes:
    """Return a run with its index in the combined grid; a run without an index gets none."""
    if run_bytes.alias in (None, index):
        return run_bytes
    return RunBytes(encode_json(orjson.loads(run_bytes.content) | {"index": index}), index)


class _CountingWriter:
    """A file with the number of bytes written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.offset = file, 0

    def write(self, content: bytes) -> None:
        self.offset += self._file.write(content)

    def comma_separated(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items, writing a comma before each but the first."""
        for number, item in enumerate(items):
            if number:
                self.write(b",")
            yield item
