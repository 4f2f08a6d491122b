"""What a data.json was made of: beside it, in `data.json.index`, for the next call and for readers.

A line of JSON each: a header, the distinct experiments, the distinct resolved hyperparameters, every result
file, and the SHA-256 of all lines before. An index that is not whole, or of another version, counts for none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from utils.combining.listing import Stamp, stamp_from
from utils.core.errors import BadInput
from utils.files.atomic import open_atomically
from utils.results.schema import DATA_JSON

INDEX = f"{DATA_JSON}.index"

VERSION = 1


class Place(NamedTuple):
    """Where a run stands in data.json, bytes, under which setting and index (alias) there, and the CRC-32 of it."""

    setting: int
    alias: int | None
    offset: int
    length: int
    crc: int


class Entry(NamedTuple):
    """What one result file says.

    stamp: None for one in the archive.  sha256: of its content.  experiment, params: places in the manifest's
    lists.  setting, alias: setting and index in the grid it was made with.  place: None if it is not in data.json.
    """

    name: str
    stamp: Stamp | None
    sha256: str
    experiment: int
    params: int
    setting: int
    run: int
    status: str
    alias: int | None
    rollout_hash: str | None
    place: Place | None


@dataclass
class Values:
    """Distinct JSON values by number.  packed: each as `utils.files.json_text.encode_json` packs it."""

    packed: list[bytes] = field(default_factory=list)

    @cached_property
    def _numbers(self) -> dict[bytes, int]:
        return {value: number for number, value in enumerate(self.packed)}

    def number(self, packed: bytes) -> int:
        """The same number for the same value, its keys in the same order."""
        if packed not in self._numbers:
            self._numbers[packed] = len(self.packed)
            self.packed.append(packed)
        return self._numbers[packed]

    def __getitem__(self, number: int) -> Any:
        return orjson.loads(self.packed[number])


@dataclass
class Manifest:
    """data: data.json's stamp when it was written.  plan: a digest of what it holds."""

    experiment: dict[str, Any] = field(default_factory=dict)
    data: Stamp | None = None
    plan: str = ""
    experiments: Values = field(default_factory=Values)
    params: Values = field(default_factory=Values)
    entries: list[Entry] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Raises BadInput if it cannot be written."""
        digest = hashlib.sha256()
        try:
            with open_atomically(path) as file:
                for line in self._lines():
                    digest.update(line)
                    file.write(line)
                file.write(digest.hexdigest().encode())
        except OSError as error:
            raise BadInput(f"{path}: cannot be written: {error.strerror}") from error

    def _lines(self) -> Iterator[bytes]:
        counts = [len(self.experiments.packed), len(self.params.packed)]
        yield orjson.dumps([VERSION, *counts, self.data, self.plan, self.experiment], option=orjson.OPT_APPEND_NEWLINE)
        for packed in (*self.experiments.packed, *self.params.packed):
            yield packed + b"\n"
        for entry in self.entries:
            place = None if entry.place is None else tuple(entry.place)
            yield orjson.dumps((*entry[:-1], place), option=orjson.OPT_APPEND_NEWLINE)


def read_manifest(path: Path) -> Manifest | None:
    """The manifest in a file; None if there is none that is whole and of this version.

    Raises BadInput if there is one that cannot be read.
    """
    try:
        if not _is_whole(path):
            return None
        with open(path, "rb") as file:
            _, *counts, data, plan, experiment = orjson.loads(file.readline())
            experiments, params = (Values([file.readline()[:-1] for _ in range(count)]) for count in counts)
            entries = [_entry(line) for line in file if line.endswith(b"\n")]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
    return Manifest(experiment, stamp_from(data), plan, experiments, params, entries)


def _is_whole(path: Path) -> bool:
    """Whether the last line is the digest of the others, and the first begins with this version."""
    digest, line = hashlib.sha256(), b""
    with open(path, "rb") as file:
        known = file.readline().startswith(b"[%d," % VERSION)
        file.seek(0)
        for following in file:
            digest.update(line)
            line = following
    return known and line == digest.hexdigest().encode()


def _entry(line: bytes) -> Entry:
    entry = Entry(*orjson.loads(line))
    return entry._replace(stamp=stamp_from(entry.stamp), place=entry.place and Place(*entry.place))
