"""Export to Trackio: rows in the SQLite file that its dashboard shows.

Runs are written as Trackio's own importers of other formats write them: all rows of a run at once.
"""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from utils.core.errors import BadInput, describe_error
from utils.exporting.exported_run import ExportedRun
from utils.exporting.tool import Tool, load_package

DIRECTORY = "TRACKIO_DIR"
"""Environment variable from which Trackio takes its directory when it is imported."""


class TrackioDatabase(Tool):
    """A directory that `trackio show` shows if TRACKIO_DIR names it."""

    name = "trackio"

    def __init__(self, output: Path, project: str) -> None:
        """Open the project.  Raises BadInput if Trackio is not installed, or does not accept the project's name."""
        super().__init__(output, project)
        os.environ[DIRECTORY] = str(output.resolve())
        module = load_package(self.name, "trackio.sqlite_storage")
        if Path(module.TRACKIO_DIR) != output.resolve():
            raise BadInput(
                f"--output: found '{output}'; allowed in this process: {module.TRACKIO_DIR}, as Trackio keeps to the "
                "first directory"
            )
        self._storage = module.SQLiteStorage
        try:
            self._storage.validate_project_name(project)
            self._held = {f"{project}/{record['id']}" for record in self._storage.get_run_records(project)}
            self._connection = self._hold_open()
        except (ValueError, sqlite3.Error) as error:
            raise BadInput(f"--project: found '{project}': {describe_error(error)}") from error

    @property
    def format(self) -> str:
        """Version of what is written of a run, and the project that it is written to."""
        return f"1 {self.project}"

    def write(self, run: ExportedRun, old: str | None) -> str:
        """Replace a run's rows; its place is its project and key.  Raises BadInput if they cannot be written."""
        place = f"{self.project}/{run.key}"
        rows = list(run.rows()) or [(0, {})]
        time = datetime.fromtimestamp(run.time, UTC).isoformat()
        try:
            for each in {old, place} - {None, *({place} - self._held)}:
                project, _, key = str(each).rpartition("/")
                self._storage.delete_run(project, run.name, run_id=key)
            self._storage.bulk_log(
                project=self.project,
                run=run.name,
                run_id=run.key,
                metrics_list=[values for _, values in rows],
                steps=[timestep for timestep, _ in rows],
                timestamps=[time] * len(rows),
                log_ids=[f"{run.key}:{timestep}" for timestep, _ in rows],
                config=run.config | {"_Group": run.group, "_Created": time},
            )
        except sqlite3.Error as error:
            raise BadInput(
                f"--output: '{self.output}' cannot be written by Trackio: {describe_error(error)}"
            ) from error
        self._held.add(place)
        return place

    def _hold_open(self) -> sqlite3.Connection:
        """Return a connection that stays open: SQLite would otherwise copy its journal to the file after each run."""
        connection = sqlite3.connect(self._storage.init_db(self.project))
        connection.execute("SELECT count(*) FROM configs").fetchone()
        return connection

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def holds(self, place: str) -> bool:
        """Return whether the project has rows of a run."""
        return place in self._held
