"""Coverage of a grid: completed, diverged and missing runs of each setting."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from utils.combining.data_json import run_numbers
from utils.core.errors import BadInput
from utils.core.indices import MAX_INDICES, format_indices, index_of, locate_index
from utils.results.schema import grid_of_tree

MAX_LISTED_SETTINGS = 20
"""Largest number of settings listed. Of a larger grid, only incomplete settings are listed."""

MAX_INDEX_CHARACTERS = 2000
"""Longest list of indices that is printed."""


class RunCounts(NamedTuple):
    """Numbers of runs of a setting, or of several."""

    completed: int
    diverged: int
    missing: int


def count_runs(statuses: Collection[str], expected: int) -> RunCounts:
    """Count a setting's runs.  statuses: those of its results.  expected: number of runs it should have."""
    diverged = sum(status == "diverged" for status in statuses)
    return RunCounts(len(statuses) - diverged, diverged, expected - len(statuses))


def add_counts(counts: Iterable[RunCounts]) -> RunCounts:
    """Return the sum of the counts of at least one setting."""
    return RunCounts(*(sum(column) for column in zip(*counts, strict=True)))


@dataclass(frozen=True)
class Coverage:
    """Runs that a grid has and lacks.

    size: number of settings in the grid.
    statuses: status by setting and run number, for settings that have runs.
    describe_setting: returns the hyperparameters of a setting that vary in the grid, as text.
    not_allowed: settings that cannot be trained, of which nothing is missing.
    """

    size: int
    statuses: Mapping[int, Mapping[int, str]]
    describe_setting: Callable[[int], str] = lambda setting: ""
    not_allowed: Collection[int] = ()

    @property
    def settings(self) -> list[int]:
        """The settings that should have runs."""
        return [setting for setting in range(self.size) if setting not in self.not_allowed]

    @property
    def runs(self) -> range:
        """Run numbers that each setting should have: from the smallest present number to the largest.

        They need not start at 0: fresh seeds start after the seeds that chose the setting.
        """
        present = [number for statuses in self.statuses.values() for number in (min(statuses), max(statuses))]
        return range(min(present), max(present) + 1) if present else range(0)

    def missing_indices(self) -> list[int]:
        """Return the indices of the missing runs in order.  Raises BadInput if they are too many to list."""
        settings = self.settings
        count = len(self.runs) * len(settings) - sum(map(len, self.statuses.values()))
        if count > MAX_INDICES:
            raise BadInput(
                f"{count} runs are missing, of {len(settings)} settings with {len(self.runs)} runs each; too many to "
                "list"
            )
        pairs = product(self.runs, settings) if count else ()
        return [
            index_of(setting, run, self.size) for run, setting in pairs if run not in self.statuses.get(setting, ())
        ]

    def format_table(self) -> str:
        """Return a table of completed, diverged and missing runs per setting."""
        total = len(self.runs)
        counts = {setting: count_runs(self.statuses.get(setting, {}).values(), total) for setting in self.settings}
        lines = [self._format_row(name, row) for name, row in _table_rows(counts)]
        return "\n".join([f"{'setting':>12}{'completed':>12}{'diverged':>12}{'missing':>12}", *lines])

    def _format_row(self, name: str, row: RunCounts) -> str:
        values = self.describe_setting(int(name)) if name.isdigit() else ""
        return f"{name:>12}{''.join(f'{count:>12}' for count in row)}  {values}".rstrip()

    def format_report(self) -> str:
        """Return the table and the indices of the missing runs."""
        lines = [self.format_table()]
        if self.not_allowed:
            lines.append(f"not allowed, never trained: settings {format_indices(sorted(self.not_allowed))}")
        try:
            lines.append(self._format_missing(self.missing_indices()))
        except BadInput as error:
            lines.append(str(error))
        return "\n".join(lines)

    def _format_missing(self, indices: list[int]) -> str:
        if not indices:
            return "nothing is missing"
        text = format_indices(indices)
        if len(text) <= MAX_INDEX_CHARACTERS:
            return f"still to run: --index {text}"
        return f"still to run: {len(indices)} indices; main.py --runs {self.runs.stop} trains what is missing"


def _table_rows(counts: dict[int, RunCounts]) -> list[tuple[str, RunCounts]]:
    """Return the rows of the table: listed settings, the sum of the other settings, and the sum of all."""
    small = len(counts) <= MAX_LISTED_SETTINGS
    listed = [s for s, row in counts.items() if small or row.diverged or row.missing][:MAX_LISTED_SETTINGS]
    rows = [(str(setting), counts[setting]) for setting in listed]
    rest = [counts[setting] for setting in counts.keys() - set(listed)]
    if rest:
        rows.append((f"{len(rest)} others", add_counts(rest)))
    return [*rows, ("all", add_counts(counts.values()))]


def missing_runs_by_setting(tree: dict[str, Any]) -> dict[int, list[int]]:
    """Return the missing run numbers of each setting of a data.json's grid.

    Run numbers from the smallest to the largest present one are expected, also of settings that are not allowed.
    Raises BadInput if too many are missing.
    """
    statuses = {
        int(setting): dict.fromkeys(run_numbers(cell["runs"]), "present")
        for setting, cell in tree["experiment_data"].items()
    }
    size = len(grid_of_tree(tree))
    lacking: dict[int, list[int]] = {setting: [] for setting in range(size)}
    for index in Coverage(size, statuses).missing_indices():
        setting, run = locate_index(index, size)
        lacking[setting].append(run)
    return lacking
