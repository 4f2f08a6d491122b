"""How much of a grid is there: runs completed, diverged and missing, setting by setting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from utils.combining.data_json import run_numbers
from utils.core.errors import BadInput
from utils.core.indices import MAX_INDICES, format_indices, index_of, locate_index
from utils.results.schema import grid_of_tree

MOST_ROWS = 20
"""Of a grid with more settings than this, only the incomplete ones are listed, at most as many as this."""

MOST_CHARACTERS = 2000
"""Of a list of indices that is printed: a longer one is nothing to copy."""


class Counts(NamedTuple):
    """Runs of a setting, or of several."""

    completed: int
    diverged: int
    missing: int


@dataclass(frozen=True)
class Coverage:
    """size: settings in the grid.  statuses: by setting, of those that have runs, and run number."""

    size: int
    statuses: Mapping[int, Mapping[int, str]]

    @property
    def runs(self) -> range:
        """The run numbers that each setting should have: from the smallest present to the largest.

        Not from 0: what reports a setting on fresh seeds begins where the seeds that chose it end.
        """
        present = [number for statuses in self.statuses.values() for number in (min(statuses), max(statuses))]
        return range(min(present), max(present) + 1) if present else range(0)

    def missing(self) -> list[int]:
        """The indices still to run, in order.  Raises BadInput if they are too many to list."""
        count = len(self.runs) * self.size - sum(map(len, self.statuses.values()))
        if count > MAX_INDICES:
            raise BadInput(
                f"{count} runs are missing, of {self.size} settings with {len(self.runs)} runs each; too many to list"
            )
        pairs = product(self.runs, range(self.size)) if count else ()
        return [
            index_of(setting, run, self.size) for run, setting in pairs if run not in self.statuses.get(setting, ())
        ]

    def table(self) -> str:
        """Completed, diverged and missing runs of each setting."""
        total = len(self.runs)
        counts = {setting: _counts(self.statuses.get(setting, {}), total) for setting in range(self.size)}
        lines = [f"{name:>12}{''.join(f'{count:>12}' for count in row)}" for name, row in _rows(counts)]
        return "\n".join([f"{'setting':>12}{'completed':>12}{'diverged':>12}{'missing':>12}", *lines])

    def report(self) -> str:
        """The table, and the indices still to run."""
        try:
            return f"{self.table()}\n{self._still_to_run(self.missing())}"
        except BadInput as error:
            return f"{self.table()}\n{error}"

    def _still_to_run(self, indices: list[int]) -> str:
        if not indices:
            return "nothing is missing"
        text = format_indices(indices)
        if len(text) <= MOST_CHARACTERS:
            return f"still to run: --index {text}"
        return f"still to run: {len(indices)} indices; main.py --runs {self.runs.stop} trains what is missing"


def _counts(statuses: Mapping[int, str], total: int) -> Counts:
    """Of one setting."""
    diverged = sum(status == "diverged" for status in statuses.values())
    return Counts(len(statuses) - diverged, diverged, total - len(statuses))


def _rows(counts: dict[int, Counts]) -> list[tuple[str, Counts]]:
    """The table's rows: settings, those too many to list, and all."""
    listed = [s for s, row in counts.items() if len(counts) <= MOST_ROWS or row.diverged or row.missing][:MOST_ROWS]
    rows = [(str(setting), counts[setting]) for setting in listed]
    rest = [counts[setting] for setting in counts.keys() - set(listed)]
    if rest:
        rows.append((f"{len(rest)} others", _sums(rest)))
    return [*rows, ("all", _sums(counts.values()))]


def _sums(counts: Iterable[Counts]) -> Counts:
    """Column sums."""
    return Counts(*(sum(column) for column in zip(*counts, strict=True)))


def missing_runs(tree: dict[str, Any]) -> dict[int, list[int]]:
    """For each setting of a data.json's grid, the runs it lacks, from the smallest number present to the largest.

    Raises BadInput if they are too many to list.
    """
    statuses = {
        int(setting): dict.fromkeys(run_numbers(cell["runs"]), "present")
        for setting, cell in tree["experiment_data"].items()
    }
    size = len(grid_of_tree(tree))
    lacking: dict[int, list[int]] = {setting: [] for setting in range(size)}
    for index in Coverage(size, statuses).missing():
        setting, run = locate_index(index, size)
        lacking[setting].append(run)
    return lacking
