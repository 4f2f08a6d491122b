"""Training of a study's missing runs, and collection of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from utils.core.errors import BadInput
from utils.core.grid import Grid
from utils.experiment.config import check_agent_config, check_distinct_values, read_environment
from utils.experiment.experiment import Experiment, RunId
from utils.experiment.train_command import TrainCommand, Where
from utils.files.atomic import write_atomically
from utils.files.json_text import encode_json
from utils.results.result_file import results_root
from utils.studies.run_table import RunRow, make_row
from utils.studies.study import Study


class Part:
    """The runs of one stage of one arm in one environment."""

    def __init__(
        self,
        root: Path,
        study: Study,
        stage: str,
        env_json: str,
        arm: str,
        setting: int | None,
        agents: Mapping[str, Any],
    ) -> None:
        """Resolve the runs.  Raises BadInput if the environment's file or the arm's grid is not valid.

        root: directory of the study's results.  setting: the arm's best one, for REPORTING; None: all, for CHOOSING.
        agents: entries of `agent.AGENTS`, by name.
        """
        self.stage, self.arm, self.setting = stage, arm, setting
        self.environment, self._env_json = Path(env_json).stem, env_json
        self._agent_json = root / stage / f"{self.environment}_{arm}.json"
        source = f"arm '{arm}'"
        grid = {"agent_name": study.arms[arm].agent_name, "parameters": study.grid(arm)}
        config = check_agent_config(grid, source, agents)
        check_distinct_values(config, source)
        self._runs = range(study.choosing_runs)
        if setting is not None:
            values = Grid(config.parameters).setting(setting)
            config = config.model_copy(update={"parameters": {name: [value] for name, value in values.items()}})
            self._runs = range(study.choosing_runs, study.choosing_runs + study.reporting_runs)
        self._config, self._save_dir = config, str(self._agent_json.with_suffix("").resolve())
        environment, model = read_environment(env_json), agents[config.agent_name].hyperparameters
        if environment.eval_episodes == 0:
            raise BadInput(f"{env_json}: key 'eval_episodes': found 0; allowed in a study: 1 or more")
        self._experiment = Experiment(environment, config, model, (env_json, source), self._save_dir)

    @property
    def settings(self) -> int:
        """Number of settings of the grid that is trained."""
        return len(self._experiment.grid)

    def run_ids(self) -> list[RunId]:
        """Return all runs of this part."""
        return list(self._experiment.run_ids(range(self.settings), self._runs))

    def rows(self, kept: Mapping[str, RunRow]) -> list[RunRow]:
        """Return the rows of this part's runs that have one, by key, with the settings and names that they have here.

        These may be others than when a run was trained: the study's grid may have grown or been reordered, and arms may
        share settings.
        """
        return [
            replace(
                kept[one.key], stage=self.stage, environment=self.environment, arm=self.arm,
                setting=self._setting_of(one),
            )
            for one in self.run_ids()
            if one.key in kept
        ]  # fmt: skip

    def _setting_of(self, one: RunId) -> int:
        """Return the number of a run's setting in the arm's grid."""
        return one.setting if self.setting is None else self.setting

    def train(self, missing: Sequence[RunId], where: Where) -> None:
        """Train missing runs, or submit them.  Exits with the command's code if it fails.

        On a cluster, the seeds of the missing runs are submitted of each setting that lacks one, as far as they have no
        result: a row without a result does not keep its run from being trained again there.
        """
        self._write_config()
        command = TrainCommand(self._env_json, str(self._agent_json), self._save_dir)
        runs, settings = sorted({one.run for one in missing}), sorted({one.setting for one in missing})
        command.run([one.index for one in missing], runs, where, settings)

    def _write_config(self) -> None:
        """Write the agent's configuration for the training command.  Raises BadInput if it cannot be written."""
        try:
            self._agent_json.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._agent_json, encode_json(self._config.model_dump(mode="json")))
        except OSError as error:
            raise BadInput(
                f"{self._agent_json}: cannot be written ({error.strerror}); allowed: a writable directory of results"
            ) from error

    def collect(self, runs: Sequence[RunId]) -> Iterator[RunRow]:
        """Yield the row of each run that has a result."""
        for one in runs:
            result = self._experiment.file(one.key).read()
            if result is not None:
                yield make_row(self.stage, self.environment, self.arm, self._setting_of(one), result)


def study_root(name: str) -> Path:
    """Return the directory of a study's results."""
    return results_root("studies") / name


def complete_part(part: Part, rows: dict[str, RunRow], where: Where | None) -> int:
    """Add the rows of a part's runs, and train those that have none. Returns the exit code of their command, or 0.

    rows: by key; rows are added.  where: None: train nothing.
    """
    missing = _collect(part, part.run_ids(), rows)
    if not missing or where is None:
        return 0
    try:
        part.train(missing, where)
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    _collect(part, missing, rows)
    return code


def _collect(part: Part, runs: Sequence[RunId], rows: dict[str, RunRow]) -> list[RunId]:
    """Add the rows of runs that have results, and return the runs that have neither a row nor a result."""
    unknown = [one for one in runs if one.key not in rows]
    rows |= {row.key: row for row in part.collect(unknown)}
    return [one for one in unknown if one.key not in rows]
