"""The finished runs of a directory or a data.json, one at a time, as tools get them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from utils.combining.data_json import read_data_json
from utils.combining.listing import ResultListing
from utils.core.errors import BadInput
from utils.exporting.exported_run import ExportedRun, describe_run
from utils.results.diagnostics import read_diagnostics
from utils.results.schema import DATA_JSON, find_data_file, parse_result


def read_runs(path: Path) -> Iterator[tuple[ExportedRun, dict[str, Any]] | BadInput]:
    """Yield each run that has a result, with its tree's experiment, or the error for a file that is not a result.

    path: a data.json, or a directory, whose archive is read as well. If a directory has no result files, its data.json
    is read, if there is one.
    Raises BadInput if the path cannot be read.
    """
    if not path.is_dir():
        yield from _combined_runs(find_data_file(path))
        return
    listing = ResultListing(path)
    archived = [name for name in listing.archived_names() if name not in listing.files]
    if not (listing.files or archived):
        if (path / DATA_JSON).exists():
            yield from _combined_runs(path / DATA_JSON)
        return
    for names, in_archive in ((list(listing.files), False), (archived, True)):
        for name, found in zip(names, listing.read_all(names, in_archive), strict=True):
            try:
                if isinstance(found, BadInput):
                    raise found
                result = parse_result(path / name, found.content)
                yield _exported(path, result.experiment, result.setting, result.agent_params, result.run)
            except BadInput as error:
                yield error


def _combined_runs(data: Path) -> Iterator[tuple[ExportedRun, dict[str, Any]] | BadInput]:
    """Yield the runs of a data.json, or the error for a run whose diagnostics cannot be read.  Raises BadInput."""
    tree = read_data_json(data)
    for setting, cell in tree["experiment_data"].items():
        for run in cell["runs"]:
            try:
                yield _exported(data.parent, tree["experiment"], int(setting), cell["agent_params"], run)
            except BadInput as error:
                yield error


def _exported(
    directory: Path, experiment: dict[str, Any], setting: int, params: dict[str, Any], run: dict[str, Any]
) -> tuple[ExportedRun, dict[str, Any]]:
    return describe_run(experiment, setting, params, run, read_diagnostics(directory, run)), experiment
