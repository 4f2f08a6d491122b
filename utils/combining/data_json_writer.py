"""Write data.json from a selection, one run at a time, as `utils.files.json_text.encode_json` would write the whole tree."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

import orjson

from utils.combining.index_file import Entry, Place, Values
from utils.combining.run_bytes import Fragment
from utils.combining.selection import Selection, first
from utils.files.atomic import open_atomically
from utils.files.json_text import encode_json

Item = TypeVar("Item")


def assemble(
    path: Path, selection: Selection, params: Values, fragment: Callable[[Entry], Fragment]
) -> dict[str, Place]:
    """Write the file, whole or not at all.

    fragment: an entry's run.  Returns where each entry's run stands, by the entry's name.
    Raises OSError, and what `fragment` raises.
    """
    places: dict[str, Place] = {}
    with open_atomically(path) as file:
        writer = _Writer(file)
        writer.write(b'{"experiment":%s,"experiment_data":{' % encode_json(selection.experiment))
        for setting, runs in writer.separated(selection.cells.items()):
            cell = params.packed[first(runs.values()).params]
            writer.write(b'"%d":{"agent_params":%s,"runs":[' % (setting, cell))
            for entry in writer.separated(runs.values()):
                content, alias = indexed(fragment(entry), selection.index(setting, entry.run))
                places[entry.name] = Place(setting, alias, writer.offset, len(content), zlib.crc32(content))
                writer.write(content)
            writer.write(b"]}")
        writer.write(b"}}")
    return places


def indexed(fragment: Fragment, index: int) -> Fragment:
    """The run with its index in the grid that it is combined under; a run without an index gets none."""
    if fragment.alias in (None, index):
        return fragment
    return Fragment(encode_json(orjson.loads(fragment.content) | {"index": index}), index)


class _Writer:
    """Counts what it writes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.offset = file, 0

    def write(self, content: bytes) -> None:
        self.offset += self._file.write(content)

    def separated(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, with a comma written before each but the first."""
        for number, item in enumerate(items):
            if number:
                self.write(b",")
            yield item
