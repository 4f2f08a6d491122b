"""Which results belong to one grid under one protocol, and in what order they stand.

Unless told which, all results must be of the same grid and protocol, and a result's own setting counts.
Where a grid is named, results are looked up by what they are, their resolved hyperparameters: so a grid
may have grown or been reordered since they were made. What is not of the grid or protocol stays outside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from utils.combining.coverage import Coverage
from utils.combining.index_file import Entry, Manifest
from utils.core.errors import BadInput
from utils.core.grid import Grid
from utils.core.indices import index_of
from utils.files.json_diff import first_difference
from utils.files.json_text import canonical_json
from utils.results.schema import reproducible_part

ALLOWED = (
    "allowed in one directory: one grid, one protocol, and files that agree on a run; "
    "--agent-json and --env-json choose among several"
)


@dataclass(frozen=True)
class Wanted:
    """What is to be combined of a directory.

    environment: a protocol, None: the only one there is.  agent: as it stands in a result, None: the only one.
    settings: each setting of the agent's grid, resolved, in their order.
    """

    environment: dict[str, Any] | None = None
    agent: dict[str, Any] | None = None
    settings: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True)
class Selection:
    """experiment: that of data.json.  size: settings in its grid.  cells: entries by setting and run, in order."""

    experiment: dict[str, Any]
    size: int
    cells: dict[int, dict[int, Entry]]

    def index(self, setting: int, run: int) -> int:
        """The run's index under the grid."""
        return index_of(setting, run, self.size)

    def coverage(self) -> Coverage:
        """How much of the grid there is."""
        cells = self.cells.items()
        return Coverage(self.size, {setting: {run: e.status for run, e in runs.items()} for setting, runs in cells})

    def plan(self, manifest: Manifest) -> str:
        """A digest of everything that the bytes of data.json depend on."""
        digest = hashlib.sha256(orjson.dumps(self.experiment))
        for setting, runs in self.cells.items():
            digest.update(b"%d %s\n" % (setting, manifest.params.packed[first(runs.values()).params]))
            for entry in runs.values():
                digest.update(entry.sha256.encode())
        return digest.hexdigest()


def first(entries: Iterable[Entry]) -> Entry:
    """The first of at least one."""
    return next(iter(entries))


class Selector:
    """Makes the selection of a directory's entries."""

    def __init__(self, directory: Path, manifest: Manifest, wanted: Wanted, read: Callable[[Entry], Any]) -> None:
        """read: the run that an entry is of, to say in what two differ."""
        self.directory, self.manifest, self.wanted, self.read = directory, manifest, wanted, read
        self._lookup = {canonical_json(params): number for number, params in reversed(list(enumerate(wanted.settings)))}
        self._settings: dict[int, int | None] = {}
        self._inside: dict[int, bool] = {}

    def inside(self, entries: Iterable[Entry]) -> list[Entry]:
        """Those of the wanted grid and protocol, with their settings in it."""
        placed = ((entry, self._setting(entry)) for entry in entries if self._wanted(entry.experiment))
        return [entry._replace(setting=setting) for entry, setting in placed if setting is not None]

    def _wanted(self, experiment: int) -> bool:
        """Whether an experiment's agent and protocol are the wanted ones."""
        if experiment not in self._inside:
            found, wanted = self.manifest.experiments[experiment], self.wanted
            self._inside[experiment] = (
                wanted.environment is None or first_difference(found["environment"], wanted.environment) is None
            ) and (wanted.agent is None or found["agent"]["agent_name"] == wanted.agent["agent_name"])
        return self._inside[experiment]

    def _setting(self, entry: Entry) -> int | None:
        """The setting that it is of in the wanted grid, if it is in it."""
        if self.wanted.agent is None:
            return entry.setting
        if entry.params not in self._settings:
            self._settings[entry.params] = self._lookup.get(canonical_json(self.manifest.params[entry.params]))
        return self._settings[entry.params]

    def select(self, inside: Sequence[Entry]) -> Selection:
        """Entries by setting and run; of those that agree, the first by name.

        inside: at least one, sorted by name.  Raises BadInput, naming two files, if they contradict each other.
        """
        experiment = self.manifest.experiments[inside[0].experiment]
        cells: dict[int, dict[int, Entry]] = {}
        compared: dict[int, Entry] = {}
        for entry in inside:
            if entry.experiment not in compared:
                compared[entry.experiment] = entry
                self._agree_on_experiment(inside[0], entry)
            runs = cells.setdefault(entry.setting, {})
            kept = runs.setdefault(entry.run, entry)
            if kept.sha256 != entry.sha256:
                what = f"setting {entry.setting}, run {entry.run}"
                self._agree(kept, entry, what, reproducible_part(self.read(kept)), reproducible_part(self.read(entry)))
            self._agree_on_params(first(runs.values()), entry)
        experiment |= {"agent": self.wanted.agent} if self.wanted.agent else {}
        ordered = {setting: dict(sorted(cells[setting].items())) for setting in sorted(cells)}
        return Selection(experiment, len(Grid(experiment["agent"]["parameters"])), ordered)

    def _agree_on_experiment(self, a: Entry, b: Entry) -> None:
        pair = [self.manifest.experiments[entry.experiment] for entry in (a, b)]
        if self.wanted.agent is not None:
            pair = [{"environment": experiment["environment"]} for experiment in pair]
        self._agree(a, b, "experiment", *pair)

    def _agree_on_params(self, a: Entry, b: Entry) -> None:
        if a.params != b.params:
            what = f"setting {b.setting}, agent_params"
            self._agree(a, b, what, self.manifest.params[a.params], self.manifest.params[b.params])

    def _agree(self, a: Entry, b: Entry, what: str, in_a: Any, in_b: Any) -> None:
        """Raises BadInput, naming both files, if they say different things."""
        difference = first_difference(in_a, in_b)
        if difference is not None:
            one, other = (self.directory / entry.name for entry in (a, b))
            raise BadInput(f"{one} and {other}: {what} differs: {difference}; {ALLOWED}")
