"""Where runs begin if not at a new initialization: from the learned parameters of earlier results.

An agent's configuration names a result, from which all runs begin, or a directory with a result of each run number.
What identifies a start is the content of its parameters, not its path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from utils.core.errors import BadInput
from utils.core.indices import format_indices
from utils.files.archive import is_archived, open_archive
from utils.files.json_text import format_value
from utils.results.learned_params import read_learned_run
from utils.results.schema import DATA_JSON, read_result

CHECKPOINTS = "checkpoints"
"""Directory of the checkpoints of runs in training, next to results."""


@dataclass(frozen=True)
class Start:
    """A complete run from whose learned parameters others begin.

    path: its result.  key: its key.
    sha256: of its learned parameters (`LearnedRun.sha256`).
    timesteps: number of training timesteps behind them, those before its own start included.
    """

    path: Path
    key: str
    sha256: str
    timesteps: int
    agent_name: str
    agent_params: dict[str, Any] = field(compare=False, repr=False)

    def provenance(self) -> dict[str, Any]:
        """Return what the result of a run that begins here records about it."""
        return {"path": str(self.path), "key": self.key, "sha256": self.sha256, "timesteps": self.timesteps}

    def find_difference(self, agent_name: str, hyperparameters: Any) -> str | None:
        """Return in what the start differs from a run's agent, policy or network; None if it fits.

        hyperparameters: the run's, as the agent's model.  Shapes that depend on the environment are not compared.
        """
        if self.agent_name != agent_name:
            return f"its agent is {self.agent_name}; allowed: {agent_name}, as here"
        params, without = hyperparameters.from_record(self.agent_params), hyperparameters.without_effect()
        here = hyperparameters.model_dump(mode="json")
        for name in hyperparameters.parameterization:
            if name not in without and params.get(name, here[name]) != here[name]:
                found, wanted = format_value(params[name]), format_value(here[name])
                return f"its {name} is {found}; allowed: {wanted}, as here"
        return None

    def read_arrays(self) -> dict[str, np.ndarray]:
        """Read the learned parameters, without a temperature that was not learned.

        Raises BadInput if they cannot be read, or are not those that were found when the run was planned.
        """
        learned = read_learned_run(self.path)
        if learned.sha256 != self.sha256:
            raise BadInput(
                f"start_from: {self.path}: its learned parameters have changed since this process began; allowed: the "
                "same command again, which begins from those of today"
            )
        tuned = self.agent_params.get("automatic_entropy_tuning", False)
        return {name: array for name, array in learned.arrays.items() if tuned or name != "alpha"}


class Starts:
    """The starts of an experiment's runs, by run number; each result is read once."""

    def __init__(self, start_from: str | None, source: str, own: Path | None = None) -> None:
        """Read nothing yet.

        start_from: path of a result, or of a directory of results; None: runs begin anew.
        source: path of the agent's file, for messages.
        own: directory of the experiment's own results, which cannot be the start; None: no directory is refused.
        """
        self._path = None if start_from is None else Path(start_from)
        self._source, self._own = source, own
        self._found: dict[Path, Start] = {}

    def find(self, run: int) -> Start | None:
        """Return where runs of a run number begin; None for a new initialization.

        Raises BadInput if there is no complete result with learned parameters.
        """
        if self._path is None:
            return None
        path = self._path_of(run)
        if path not in self._found:
            self._found[path] = self._read(path)
        return self._found[path]

    def describe_unfit(self, start: Start, difference: str) -> str:
        """Return the message for a start that does not fit the runs."""
        return f"{self._source}: start_from: {start.path}: {difference}"

    def _path_of(self, run: int) -> Path:
        """Return the result of a run number.  Raises BadInput."""
        assert self._path is not None
        if not self._path.is_dir():
            return self._path
        results, faults = self._results
        paths = results.get(run, [])
        if len(paths) == 1:
            return paths[0]
        if not paths:
            fault = f" ({faults[0]})" if faults else ""
            raise BadInput(
                f"{self._source}: start_from: {self._path}: found no result of run {run}{fault}; allowed here: run "
                f"numbers {format_indices(sorted(results)) or '(none)'}, or one result for all runs"
            )
        raise BadInput(
            f"{self._source}: start_from: {self._path}: found {len(paths)} results of run {run}, such as "
            f"{paths[0].name} and {paths[1].name}; allowed: a directory with one result of each run number"
        )

    @cached_property
    def _results(self) -> tuple[dict[int, list[Path]], list[str]]:
        """Results of the directory by run number, and what is wrong with its other files.  Raises BadInput."""
        assert self._path is not None
        if self._own is not None and self._own.is_dir() and self._path.samefile(self._own):
            raise BadInput(
                f"{self._source}: start_from: {self._path} is where these runs' own results are written; allowed: "
                "another directory, or another --save-dir"
            )
        found: dict[int, list[Path]] = {}
        faults: list[str] = []
        for path in _result_paths(self._path):
            try:
                found.setdefault(read_result(path).run["run_number"], []).append(path)
            except BadInput as error:
                faults.append(str(error))
        return found, faults

    def _read(self, path: Path) -> Start:
        """Read a start.  Raises BadInput."""
        if not path.exists() and not is_archived(path):
            raise BadInput(f"{self._source}: start_from: {path}: {_describe_missing(path)}")
        try:
            learned = read_learned_run(path)
        except BadInput as error:
            raise BadInput(f"{self._source}: start_from: {error}") from error
        if not learned.arrays:
            raise BadInput(
                f"{self._source}: start_from: {path}: its agent learns nothing; allowed: a result with learned "
                "parameters"
            )
        result = learned.result
        agent_name = result.experiment["agent"]["agent_name"]
        key = str(result.run.get("key"))
        return Start(path, key, learned.sha256, learned.trained_timesteps, agent_name, result.agent_params)


def _result_paths(directory: Path) -> Iterator[Path]:
    """Yield the paths that should be results, archived ones included, by name.  Raises BadInput."""
    archive = open_archive(directory)
    names = {*os.listdir(directory), *(archive.members if archive else ())}
    for name in sorted(names):
        if name.endswith(".json") and not name.startswith(".") and name != DATA_JSON:
            yield directory / name


def _describe_missing(path: Path) -> str:
    """Return what is there instead of a result."""
    key = path.stem.rpartition("_")[2]
    if any((path.parent / CHECKPOINTS / name).exists() for name in (key, f"{key}.lock")):
        return "its run is not complete, it is in training or has a checkpoint; allowed: a complete run's result"
    return "not found; allowed: the path of a result, or of a directory of results"
