"""data.json, read a run at a time.

`read_combined` gives the tree that data.json is, but for its runs: they are read and parsed when they are
asked for, each from its place in the file, and not kept. So going through all runs of 1.5 GB takes the
memory of one of them. The places come from `data.json.index`; where that is missing, or is of another
data.json, the file is read as a whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import orjson

from utils.combining.index_file import INDEX, Entry, Manifest, Place, read_manifest
from utils.combining.run_bytes import at
from utils.core.errors import BadInput
from utils.files.json_text import encode_json
from utils.results.schema import DATA_JSON, read_tree


class Runs(Sequence[dict[str, Any]]):
    """The runs of one setting, in the order of their numbers."""

    def __init__(self, path: Path, places: Sequence[tuple[int, Place]]) -> None:
        """places: each run's number, and where it stands in the data.json at `path`."""
        self._path, self._places = path, places

    @property
    def numbers(self) -> list[int]:
        """The runs' numbers, for which none is read."""
        return [number for number, _ in self._places]

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, which: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, which: slice) -> Runs: ...
    def __getitem__(self, which: int | slice) -> dict[str, Any] | Runs:
        """Raises BadInput if data.json has changed since its index was made."""
        if isinstance(which, slice):
            return Runs(self._path, self._places[which])
        [run] = self._read([self._places[which]])
        return run

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Raises BadInput if data.json has changed since its index was made."""
        return self._read(self._places)

    def _read(self, places: Sequence[tuple[int, Place]]) -> Iterator[dict[str, Any]]:
        with open(self._path, "rb") as file:
            for _, place in places:
                fragment = at(file.fileno(), place)
                if fragment is None:
                    raise BadInput(f"{self._path}: is not what {INDEX} is of; to do: combine again, or remove {INDEX}")
                yield orjson.loads(fragment)


def run_numbers(runs: Sequence[dict[str, Any]]) -> list[int]:
    """The numbers of a setting's runs, in their order."""
    return runs.numbers if isinstance(runs, Runs) else [run["run_number"] for run in runs]


def read_combined(path: Path) -> dict[str, Any]:
    """A data.json's tree, its runs read when they are asked for.  Raises BadInput if it is not one."""
    manifest = read_manifest(path.with_name(INDEX)) if path.name == DATA_JSON else None
    return read_tree(path) if manifest is None or not _belongs(manifest, path) else combined_tree(path, manifest)


def combined_tree(path: Path, manifest: Manifest) -> dict[str, Any]:
    """As `read_combined`, of a data.json whose manifest is at hand."""
    cells: dict[int, list[tuple[Place, Entry]]] = {}
    for entry in manifest.entries:
        if entry.place:
            cells.setdefault(entry.place.setting, []).append((entry.place, entry))
    return {
        "experiment": manifest.experiment,
        "experiment_data": {
            str(setting): {
                "agent_params": manifest.params[min(cell)[1].params],
                "runs": Runs(path, [(entry.run, place) for place, entry in sorted(cell)]),
            }
            for setting, cell in sorted(cells.items())
        },
    }


def _belongs(manifest: Manifest, path: Path) -> bool:
    """Whether the file is, by its length and its beginning, the one that the manifest is of."""
    head = b'{"experiment":%s,' % encode_json(manifest.experiment)
    try:
        with open(path, "rb") as file:
            same_length = manifest.data is not None and os.fstat(file.fileno()).st_size == manifest.data[0]
            return same_length and file.read(len(head)) == head
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
