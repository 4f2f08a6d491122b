"""A reader of data.json that holds one run in memory at a time.

`read_data_json` returns the tree of data.json with lazy runs: each is read from its location in the file when it is
requested, and not kept. Iterating over all runs of a file of 1.5 GB takes the memory of one run. The locations come
from `data.json.index`; if it is missing or belongs to another data.json, the whole file is read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import orjson

from utils.combining.index_file import INDEX_FILE, Entry, Manifest, RunLocation, read_manifest
from utils.combining.run_bytes import read_at
from utils.core.errors import BadInput
from utils.files.json_text import encode_json
from utils.results.schema import DATA_JSON, read_tree


class LazyRuns(Sequence[dict[str, Any]]):
    """The runs of one setting in the order of their numbers, each read when it is requested."""

    def __init__(self, path: Path, locations: Sequence[tuple[int, RunLocation]]) -> None:
        """Keep the locations.

        locations: each run's number and its location in the data.json at `path`.
        """
        self._path, self._locations = path, locations

    @property
    def numbers(self) -> list[int]:
        """The runs' numbers; no run is read for them."""
        return [number for number, _ in self._locations]

    def __len__(self) -> int:
        return len(self._locations)

    @overload
    def __getitem__(self, which: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, which: slice) -> LazyRuns: ...
    def __getitem__(self, which: int | slice) -> dict[str, Any] | LazyRuns:
        """Read the selected runs.  Raises BadInput if data.json has changed since its index was written."""
        if isinstance(which, slice):
            return LazyRuns(self._path, self._locations[which])
        [run] = self._read([self._locations[which]])
        return run

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Read the selected runs.  Raises BadInput if data.json has changed since its index was written."""
        return self._read(self._locations)

    def _read(self, locations: Sequence[tuple[int, RunLocation]]) -> Iterator[dict[str, Any]]:
        with open(self._path, "rb") as file:
            for _, location in locations:
                encoded = read_at(file.fileno(), location)
                if encoded is None:
                    raise BadInput(f"{self._path}: does not match {INDEX_FILE}; combine again, or remove {INDEX_FILE}")
                yield orjson.loads(encoded)


def run_numbers(runs: Sequence[dict[str, Any]]) -> list[int]:
    """Return the numbers of a setting's runs in their order."""
    return runs.numbers if isinstance(runs, LazyRuns) else [run["run_number"] for run in runs]


def read_data_json(path: Path) -> dict[str, Any]:
    """Read the tree of a data.json with lazy runs.  Raises BadInput if the file is not one."""
    manifest = read_manifest(path.with_name(INDEX_FILE)) if path.name == DATA_JSON else None
    return read_tree(path) if manifest is None or not _is_index_of(manifest, path) else lazy_tree(path, manifest)


def lazy_tree(path: Path, manifest: Manifest) -> dict[str, Any]:
    """Return the tree of a data.json with lazy runs, from its manifest."""
    cells: dict[int, list[tuple[RunLocation, Entry]]] = {}
    for entry in manifest.entries:
        if entry.location:
            cells.setdefault(entry.location.setting, []).append((entry.location, entry))
    return {
        "experiment": manifest.experiment,
        "experiment_data": {
            str(setting): {
                "agent_params": manifest.params[min(cell)[1].params],
                "runs": LazyRuns(path, [(entry.run, location) for location, entry in sorted(cell)]),
            }
            for setting, cell in sorted(cells.items())
        },
    }


def _is_index_of(manifest: Manifest, path: Path) -> bool:
    """Return whether a data.json has the length and the beginning that its manifest states."""
    head = b'{"experiment":%s,' % encode_json(manifest.experiment)
    try:
        with open(path, "rb") as file:
            same_length = manifest.data is not None and os.fstat(file.fileno()).st_size == manifest.data[0]
            return same_length and file.read(len(head)) == head
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
