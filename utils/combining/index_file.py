"""data.json.index: the result files that a data.json was made from, for the next call and for readers.

Each line is JSON: a header, the distinct experiments, the distinct resolved hyperparameters, and every result file; the
last line is the SHA-256 of all lines before it. An index that is incomplete or of another version is ignored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from utils.combining.listing import Stamp, parse_stamp
from utils.core.errors import BadInput
from utils.files.atomic import open_atomically
from utils.results.schema import DATA_JSON

INDEX_FILE = f"{DATA_JSON}.index"

VERSION = 4


class RunLocation(NamedTuple):
    """Position of a run in data.json in bytes, its setting and its index (alias) there, and its CRC-32."""

    setting: int
    alias: int | None
    offset: int
    length: int
    crc: int


class Entry(NamedTuple):
    """One result file.

    stamp: None for a file in the archive.
    sha256: of the file's content.
    experiment, params: numbers in the manifest's `experiments` and `params`.
    setting, alias: setting and index in the grid of the file.
    code: digest of the version of the code (`utils.results.code_mixture`); None if it is not recorded.
    start: SHA-256 of the learned parameters that the run began from; None for a new initialization.
    location: None if the run is not in data.json.
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
    code: str | None
    start: str | None
    location: RunLocation | None


@dataclass
class DistinctValues:
    """Distinct JSON values by number.

    packed: each value as `encode_json` encodes it.
    """

    packed: list[bytes] = field(default_factory=list)

    @cached_property
    def _numbers(self) -> dict[bytes, int]:
        return {value: number for number, value in enumerate(self.packed)}

    def number(self, packed: bytes) -> int:
        """Return the number of a value; equal bytes have the same number."""
        if packed not in self._numbers:
            self._numbers[packed] = len(self.packed)
            self.packed.append(packed)
        return self._numbers[packed]

    def __getitem__(self, number: int) -> Any:
        return orjson.loads(self.packed[number])


@dataclass
class Manifest:
    """Everything that data.json.index contains.

    experiment: the experiment of data.json.
    data: stamp of data.json when it was written.
    plan: digest of everything that determines the bytes of data.json.
    """

    experiment: dict[str, Any] = field(default_factory=dict)
    data: Stamp | None = None
    plan: str = ""
    experiments: DistinctValues = field(default_factory=DistinctValues)
    params: DistinctValues = field(default_factory=DistinctValues)
    entries: list[Entry] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Write the index file.  Raises BadInput if it cannot be written."""
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
            location = None if entry.location is None else tuple(entry.location)
            yield orjson.dumps((*entry[:-1], location), option=orjson.OPT_APPEND_NEWLINE)


def read_manifest(path: Path) -> Manifest | None:
    """Return the content of an index file; None if it is missing, incomplete or of another version.

    Raises BadInput if the file cannot be read.
    """
    try:
        if not _is_complete(path):
            return None
        with open(path, "rb") as file:
            _, *counts, data, plan, experiment = orjson.loads(file.readline())
            experiments, params = (DistinctValues([file.readline()[:-1] for _ in range(count)]) for count in counts)
            entries = [_parse_entry(line) for line in file if line.endswith(b"\n")]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
    return Manifest(experiment, parse_stamp(data), plan, experiments, params, entries)


def _is_complete(path: Path) -> bool:
    """Return whether the last line is the digest of the others, and the first begins with this version."""
    digest, line = hashlib.sha256(), b""
    with open(path, "rb") as file:
        known = file.readline().startswith(b"[%d," % VERSION)
        file.seek(0)
        for following in file:
            digest.update(line)
            line = following
    return known and line == digest.hexdigest().encode()


def _parse_entry(line: bytes) -> Entry:
    entry = Entry(*orjson.loads(line))
    return entry._replace(stamp=parse_stamp(entry.stamp), location=entry.location and RunLocation(*entry.location))
