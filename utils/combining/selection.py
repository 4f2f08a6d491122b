"""The results of a directory that belong to one grid under one protocol, in order.

Without options, all results must be of the same grid and protocol, and each result's own setting number is used. If a
grid is given, results are matched by their resolved hyperparameters, so the grid may have grown or been reordered since
they were made. Results of another grid or protocol are left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from utils.combining.coverage import Coverage
from utils.combining.index_file import Entry, Manifest
from utils.core.errors import BadInput
from utils.core.grid import Grid
from utils.core.indices import index_of
from utils.experiment.config import read_agent, read_environment, resolve_setting
from utils.experiment.starts import Starts
from utils.files.json_diff import first_difference
from utils.files.json_text import canonical_json
from utils.results.schema import is_same_protocol, reproducible_part

ALLOWED = (
    "allowed in one directory: one grid, one protocol, and files that agree on a run; "
    "--agent-json and --env-json choose among several"
)


@dataclass(frozen=True)
class WantedRuns:
    """The results of a directory to combine.

    environment: a protocol; None: the only one in the directory.
    agent: the agent's part of a result's experiment; None: the only one in the directory.
    settings: the settings of the agent's grid, resolved, in order; None for one that is not allowed.
    agents: entries of `agent.AGENTS`, by name, whose models tell which settings are not allowed.
    find_start: returns the SHA-256 of the learned parameters that a run number begins from; None for none.
    """

    environment: dict[str, Any] | None = None
    agent: dict[str, Any] | None = None
    settings: Sequence[dict[str, Any] | None] = ()
    agents: Mapping[str, Any] = field(default_factory=dict)
    find_start: Callable[[int], str | None] = lambda run: None


@dataclass(frozen=True)
class Selection:
    """The results that data.json is made from.

    experiment: the experiment of data.json.
    size: number of settings in its grid.
    cells: entries by setting and run number, in order.
    """

    experiment: dict[str, Any]
    size: int
    cells: dict[int, dict[int, Entry]]

    def index(self, setting: int, run: int) -> int:
        """Return the index of a run in the grid."""
        return index_of(setting, run, self.size)

    def coverage(self) -> Coverage:
        """Return the coverage of the grid."""
        cells = self.cells.items()
        statuses = {setting: {run: e.status for run, e in runs.items()} for setting, runs in cells}
        agent = self.experiment["agent"]
        return Coverage(self.size, statuses, Grid(agent["parameters"]).describe_varied, agent.get("not_allowed", ()))

    def plan_digest(self, manifest: Manifest) -> str:
        """Return a digest of everything that determines the bytes of data.json and which file each run is from."""
        digest = hashlib.sha256(orjson.dumps(self.experiment))
        for setting, runs in self.cells.items():
            digest.update(b"%d %s\n" % (setting, manifest.params.packed[first_entry(runs.values()).params]))
            for entry in runs.values():
                digest.update(f"{entry.name}\n{entry.sha256}\n".encode())
        return digest.hexdigest()


def first_entry(entries: Iterable[Entry]) -> Entry:
    """Return the first of one or more entries."""
    return next(iter(entries))


def read_wanted_runs(agent_json: str | None, env_json: str | None, agents: Mapping[str, Any]) -> WantedRuns:
    """Read the configuration files that choose among a directory's results.  Raises BadInput if one is invalid.

    agents: entries of `agent.AGENTS`, by name.
    """
    environment = read_environment(env_json).model_dump(mode="json") if env_json else None
    if agent_json is None:
        return WantedRuns(environment, agents=agents)
    agent = read_agent(agent_json, agents)
    grid, model = Grid(agent.parameters, agent_json), agents[agent.agent_name].hyperparameters
    settings = [_recorded_setting(grid, number, model, agent_json) for number in range(len(grid))]
    if all(setting is None for setting in settings):
        resolve_setting(grid.setting(0), model, agent_json)  # Raises the reason.
    starts = Starts(agent.start_from, agent_json)

    def find_start(run: int) -> str | None:
        start = starts.find(run)
        return None if start is None else start.sha256

    return WantedRuns(environment, agent.model_dump(mode="json"), settings, agents, find_start)


def _recorded_setting(grid: Grid, number: int, model: Any, source: str) -> dict[str, Any] | None:
    """Return a setting of a grid as results hold it; None if it is not allowed.

    model: the agent's pydantic model.
    """
    try:
        recorded: dict[str, Any] = resolve_setting(grid.setting(number), model, source).recorded()
    except BadInput:
        return None
    return recorded


class Selector:
    """A selector of the entries of a directory."""

    def __init__(self, directory: Path, manifest: Manifest, wanted: WantedRuns, read: Callable[[Entry], Any]) -> None:
        """Prepare the lookup of settings.

        read: returns the run of an entry, to describe how two runs differ.
        """
        self.directory, self.manifest, self.wanted, self.read = directory, manifest, wanted, read
        numbered = reversed(list(enumerate(wanted.settings)))
        self._lookup = {canonical_json(params): number for number, params in numbered if params is not None}
        self._settings: dict[int, int | None] = {}
        self._inside: dict[int, bool] = {}

    def matching_entries(self, entries: Iterable[Entry]) -> list[Entry]:
        """Return the entries of the wanted grid and protocol, with their setting numbers in that grid."""
        placed = ((entry, self._setting_in_grid(entry)) for entry in entries if self._is_wanted(entry.experiment))
        return [
            entry._replace(setting=setting)
            for entry, setting in placed
            if setting is not None and (self.wanted.agent is None or entry.start == self.wanted.find_start(entry.run))
        ]

    def _is_wanted(self, experiment: int) -> bool:
        """Return whether an experiment has the wanted agent and protocol."""
        if experiment not in self._inside:
            found, wanted = self.manifest.experiments[experiment], self.wanted
            self._inside[experiment] = (
                wanted.environment is None or is_same_protocol(found["environment"], wanted.environment)
            ) and (wanted.agent is None or found["agent"]["agent_name"] == wanted.agent["agent_name"])
        return self._inside[experiment]

    def _setting_in_grid(self, entry: Entry) -> int | None:
        """Return the setting number of an entry in the wanted grid; None if it is not in the grid."""
        if self.wanted.agent is None:
            return entry.setting
        if entry.params not in self._settings:
            self._settings[entry.params] = self._lookup.get(canonical_json(self.manifest.params[entry.params]))
        return self._settings[entry.params]

    def select(self, inside: Sequence[Entry]) -> Selection:
        """Select one entry per setting and run: of entries that agree, the first by name.

        inside: one or more matching entries, sorted by name.
        Raises BadInput, naming two files, if they contradict each other.
        """
        experiment = self.manifest.experiments[inside[0].experiment]
        cells: dict[int, dict[int, Entry]] = {}
        compared: dict[int, Entry] = {}
        for entry in inside:
            if entry.experiment not in compared:
                compared[entry.experiment] = entry
                self._check_same_experiment(inside[0], entry)
            runs = cells.setdefault(entry.setting, {})
            kept = runs.setdefault(entry.run, entry)
            if kept.sha256 != entry.sha256:
                what = f"setting {entry.setting}, run {entry.run}"
                self._check_agreement(
                    kept, entry, what, reproducible_part(self.read(kept)), reproducible_part(self.read(entry))
                )
            self._check_same_params(first_entry(runs.values()), entry)
        self._check_same_start(inside)
        experiment |= {"agent": self.wanted.agent} if self.wanted.agent else {}
        ordered = {setting: dict(sorted(cells[setting].items())) for setting in sorted(cells)}
        grid = Grid(experiment["agent"]["parameters"])
        not_allowed = self._settings_not_allowed(experiment["agent"]["agent_name"], grid, ordered)
        if not_allowed:
            experiment = experiment | {"agent": experiment["agent"] | {"not_allowed": not_allowed}}
        return Selection(experiment, len(grid), ordered)

    def _settings_not_allowed(self, agent_name: str, grid: Grid, present: Collection[int]) -> list[int]:
        """Return the settings of a grid that cannot be trained, none if the agent is not known.

        present: settings that have results.
        """
        if agent_name not in self.wanted.agents:
            return []
        model, absent = self.wanted.agents[agent_name].hyperparameters, set(range(len(grid))).difference(present)
        return [each for each in sorted(absent) if _recorded_setting(grid, each, model, str(self.directory)) is None]

    def _check_same_experiment(self, a: Entry, b: Entry) -> None:
        pair = [self.manifest.experiments[entry.experiment] for entry in (a, b)]
        if self.wanted.agent is not None:
            pair = [{"environment": experiment["environment"]} for experiment in pair]
        self._check_agreement(a, b, "experiment", *pair)

    def _check_same_start(self, inside: Sequence[Entry]) -> None:
        """Check that runs that begin from one result began from the same parameters.  Raises BadInput, naming two."""
        path = self.manifest.experiments[inside[0].experiment]["agent"].get("start_from")
        if path is None or not path.endswith(".json"):
            return
        other = next((entry for entry in inside if entry.start != inside[0].start), None)
        if other is not None:
            raise BadInput(
                f"{self.directory / inside[0].name} and {self.directory / other.name}: they began from different "
                f"learned parameters, though both from {path}; {ALLOWED}"
            )

    def _check_same_params(self, a: Entry, b: Entry) -> None:
        if a.params != b.params:
            what = f"setting {b.setting}, agent_params"
            self._check_agreement(a, b, what, self.manifest.params[a.params], self.manifest.params[b.params])

    def _check_agreement(self, a: Entry, b: Entry, what: str, in_a: Any, in_b: Any) -> None:
        """Check that two files agree.  Raises BadInput, naming both, if they differ."""
        difference = first_difference(in_a, in_b)
        if difference is not None:
            one, other = (self.directory / entry.name for entry in (a, b))
            raise BadInput(f"{one} and {other}: {what} differs: {difference}; {ALLOWED}")
