"""Export as CSV files: one with a row for each run, and one of each run with its series.

Numbers are written by `repr`, so that reading them gives the same bits.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from utils.core.errors import BadInput
from utils.exporting.exported_run import ExportedRun
from utils.exporting.tool import Tool
from utils.files.atomic import write_atomically

RUNS = "runs.csv"
"""File with a row for each run."""

RUN_COLUMNS = ("file", "group")
"""Columns of RUNS besides those of `ExportedRun.config`."""

SERIES_COLUMNS = ("series", "timestep", "value")
"""Columns of a run's file."""


class CsvFiles(Tool):
    """A directory of CSV files."""

    name = "csv"

    def __init__(self, output: Path, project: str) -> None:
        """Read the rows of runs that are already there.  Raises BadInput if they cannot be read."""
        super().__init__(output, project)
        self._rows = _read_rows(output / RUNS)

    def write(self, run: ExportedRun, old: str | None) -> str:
        """Write a run's file, whose name is its place.  Raises OSError."""
        place = f"{run.name}.csv"
        write_atomically(self.output / place, _format_rows(SERIES_COLUMNS, _series_rows(run)))
        if old not in (None, place):
            (self.output / str(old)).unlink(missing_ok=True)
            self._rows.pop(str(old), None)
        self._rows[place] = {"file": place, "group": run.group} | {
            name: format_cell(value) for name, value in run.config.items()
        }
        return place

    def holds(self, place: str) -> bool:
        """Return whether a run's file and row are there."""
        return place in self._rows and (self.output / place).is_file()

    def finish(self) -> None:
        """Write the rows of all runs, with the columns of any of them.  Raises OSError."""
        rows = [self._rows[place] for place in sorted(self._rows)]
        columns = list(dict.fromkeys([*RUN_COLUMNS, *(name for row in rows for name in row)]))
        cells = ([row.get(column, "") for column in columns] for row in rows)
        write_atomically(self.output / RUNS, _format_rows(columns, cells))


def format_cell(value: Any) -> str:
    """Return a value as text: nothing for None, text as it is, numbers by `repr`, anything else as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return repr(value) if type(value) in (int, float) else json.dumps(value)


def _series_rows(run: ExportedRun) -> Iterable[tuple[Any, ...]]:
    for series in run.series:
        for timestep, value in zip(series.timesteps.tolist(), series.values.tolist(), strict=True):
            yield series.name, timestep, repr(value)


def _format_rows(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """Return a table as CSV, with a line of column names."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()


def _read_rows(path: Path) -> dict[str, dict[str, str]]:
    """Return the rows of RUNS by file; {} if there are none yet.  Raises BadInput if they cannot be read."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, strict=True))
        return {row["file"]: row for row in rows}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise BadInput(
            f"{path}: not a table that --to csv wrote ({type(error).__name__}: {error}); allowed: another --output"
        ) from error
