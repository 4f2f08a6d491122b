"""What the directory of an experiment already has that should not be combined with the runs to train."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from utils.core.errors import BadInput
from utils.core.provenance import code_version, package_versions
from utils.experiment.experiment import Experiment, Run
from utils.files.json_diff import first_difference
from utils.results.code_mixture import describe_code_difference
from utils.results.provenance_diff import Origin
from utils.results.schema import DATA_JSON, Result, is_same_protocol, parse_result

MAX_READ = 200
"""Largest number of results that are read: the first by name, which ends in a hash, so they are a random sample."""


def warn_of_others(experiment: Experiment, runs: Sequence[Run], packages: Sequence[str] = ()) -> Iterator[str]:
    """Yield a line if the directory has results of other protocols, and one if it has results of another code.

    runs: the runs of this call; their own results are not considered.
    packages: those that the environment comes from.  Archived results are not read.
    """
    own = {run.file.json.name for run in runs}
    names = [name for name in _result_names(experiment.directory) if name not in own]
    results = list(_read_results(experiment.directory, names[:MAX_READ]))
    extent = f"{len(results)} results" if len(names) <= MAX_READ else f"{len(results)} of {len(names)} results"
    today = Origin("today", {"code": code_version(), "versions": package_versions(packages)})
    others, older = [], []
    for result in results:
        if not is_same_protocol(result.experiment["environment"], experiment.protocol):
            others.append(first_difference(result.experiment["environment"], experiment.protocol))
        elif difference := describe_code_difference(Origin(str(result.path), result.run.get("provenance")), today):
            older.append(difference)
    if others:
        yield (
            f"{experiment.directory}: {len(others)} of the {extent} read are of another protocol ({others[0]} "
            "here); simple_combine.py needs --env-json to choose one of them; --save-dir keeps protocols apart"
        )
    if older:
        yield (
            f"{experiment.directory}: {len(older)} of the {extent} read are of another version of the code than the "
            f"runs to train: {older[0]}"
        )


def differing_experiments(experiment: Experiment) -> tuple[bool, bool]:
    """Return whether the directory has results of another grid, and whether it has results of another protocol.

    Archived results are not read.
    """
    grid, other_grids, other_protocols = experiment.agent.model_dump(mode="json"), False, False
    for result in _read_results(experiment.directory, _result_names(experiment.directory)[:MAX_READ]):
        other_grids |= result.experiment["agent"] != grid
        other_protocols |= not is_same_protocol(result.experiment["environment"], experiment.protocol)
    return other_grids, other_protocols


def _result_names(directory: Path) -> list[str]:
    """Return the names of the files that should be results, sorted; none if there is no directory yet."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return []  # Whether it can be written is checked elsewhere.
    return [name for name in names if name.endswith(".json") and not name.startswith(".") and name != DATA_JSON]


def _read_results(directory: Path, names: Sequence[str]) -> Iterator[Result]:
    """Yield the results among some files; others are skipped."""
    for name in names:
        try:
            yield parse_result(directory / name, (directory / name).read_bytes())
        except (BadInput, OSError):
            continue
