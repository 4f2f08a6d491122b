"""Export of directories of results to a tool: each run that the output does not have yet, or has otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from utils.core.errors import BadInput
from utils.experiment.experiment import Experiment
from utils.exporting.catalogue import tool_class
from utils.exporting.exported_run import ExportedRun
from utils.exporting.ledger import Entry, Ledger, lock_output
from utils.exporting.read_runs import read_runs
from utils.exporting.tool import Tool
from utils.exporting.unfinished import read_unfinished, recorded_experiments, unfinished_keys
from utils.files.atomic import make_directory
from utils.files.json_text import encode_json

RUNS_BETWEEN_LEDGERS = 200
"""Number of exported runs after which the ledger is written, so that a killed export is continued."""


@dataclass
class Export:
    """An export in progress.

    counts: numbers of runs that were `added`, `replaced` or `unchanged`.
    complaints: number of files that could not be exported.
    """

    tool: Tool
    ledger: Ledger
    counts: Counter[str] = field(default_factory=Counter)
    complaints: int = 0
    _seen: set[str] = field(default_factory=set)
    _written: int = 0

    def add(self, run: ExportedRun) -> None:
        """Write a run, unless the output has it with the same content.  Raises OSError."""
        if run.key in self._seen:
            return  # A copy of the run, in another directory.
        self._seen.add(run.key)
        old, digest = self.ledger.entries.get(run.key), f"{self.tool.format}:{run.digest}"
        if old and old.digest == digest and self.tool.holds(old.place):
            self.counts["unchanged"] += 1
            return
        place = self.tool.write(run, old.place if old else None)
        self.ledger.entries[run.key] = Entry(digest, place)
        self.counts["replaced" if old else "added"] += 1
        self._written += 1
        if self._written == RUNS_BETWEEN_LEDGERS:
            self.finish()

    def finish(self) -> None:
        """Write what describes all runs, then the ledger, if a run was written since the last time.  Raises OSError."""
        if self._written:
            self.tool.finish()
            self.ledger.write()
            self._written = 0

    def complain(self, error: BadInput) -> None:
        """Report a file that cannot be exported."""
        self.complaints += 1
        click.echo(f"left out: {error}", err=True)

    def __str__(self) -> str:
        return ", ".join(f"{self.counts[name]} {name}" for name in ("added", "replaced", "unchanged"))


def export_directories(
    paths: Sequence[Path],
    to: str,
    output: Path,
    project: str,
    agents: Mapping[str, Any],
    named: Experiment | None = None,
) -> int:
    """Export the runs of directories or data.json files, and print how many.

    to: one of `utils.exporting.catalogue.TOOLS`.  output: directory; created if there is none.
    agents: entries of `agent.AGENTS`, by name.  named: the experiment that unfinished runs may belong to.
    Returns the number of files that were left out.
    Raises BadInput if a path cannot be read or has no runs, the output cannot be written, or the tool is not installed.
    """
    try:
        make_directory(output)
        with lock_output(output), closing(tool_class(to)(output, project)) as tool:
            export = Export(tool, Ledger(output, to))
            try:
                for path in paths:
                    _export_path(export, path, agents, named)
            finally:
                export.finish()
    except OSError as error:
        raise BadInput(
            f"--output: '{output}' cannot be written ({error.strerror or error}); allowed: a writable directory"
        ) from error
    click.echo(f"{output}: {export}")
    return export.complaints


def _export_path(export: Export, path: Path, agents: Mapping[str, Any], named: Experiment | None) -> None:
    """Export the finished and the unfinished runs of one path.  Raises BadInput, also if there are none."""
    experiments: dict[bytes, dict[str, Any]] = {}
    finished: set[str] = set()
    complaints = export.complaints
    for found in read_runs(path):
        if isinstance(found, BadInput):
            export.complain(found)
            continue
        run, experiment = found
        experiments.setdefault(encode_json(experiment), experiment)
        finished.add(run.key)
        export.add(run)
    keys = [key for key in unfinished_keys(path) if key not in finished]
    if not (finished or keys or export.complaints > complaints):
        raise BadInput(
            f"{path}: found no run; allowed: a data.json, or a directory with results, progress files or checkpoints "
            "of main.py"
        )
    if keys:
        recorded = recorded_experiments(experiments.values(), agents, path)
        _export_unfinished(export, path, keys, [*recorded, *([named] if named else [])])


def _export_unfinished(export: Export, path: Path, keys: Sequence[str], experiments: Sequence[Experiment]) -> None:
    """Export the runs that have no result, and say how far they are."""
    timesteps, unknown = [], 0
    for found in read_unfinished(path, keys, experiments):
        if isinstance(found, BadInput):
            export.complain(found)
            continue
        export.add(found.run)
        timesteps.append(found.timestep)
        unknown += found.run.setting is None
    if timesteps:
        reached = f"timesteps {min(timesteps)} to {max(timesteps)}"
        text = f"{path}: {len(timesteps)} unfinished, exported up to {reached}"
        if unknown:
            text += f"; settings of {unknown} are unknown: name their files by --agent-json and --env-json"
        click.echo(text)
