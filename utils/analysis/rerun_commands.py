"""The commands that rerun a setting on fresh seeds, and the configurations they need."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from utils.analysis.combined_results import CombinedResults
from utils.core.errors import BadInput
from utils.experiment.config import EnvironmentConfig
from utils.experiment.main_command import MainCommand
from utils.experiment.shipped_configs import AGENTS, ENVIRONMENTS, find_config, read_protocol_tree
from utils.files.atomic import write_atomically
from utils.files.json_model import validate
from utils.files.overwrite import check_replaceable
from utils.results.provenance_diff import Origin, common_engine
from utils.results.result_file import experiment_name, results_root


@dataclass(frozen=True)
class Rerun:
    """A setting to rerun in an environment.

    name: name of its configuration, and of the directory of its results.
    environment_name: name of its figure, and of its protocol's file if that has to be written.
    """

    experiment: CombinedResults
    setting: int
    name: str
    environment_name: str

    @property
    def agent_json(self) -> Path:
        """Path of the agent's configuration."""
        return AGENTS / f"{self.name}.json"

    def agent_text(self) -> str:
        """Return the content of `agent_json`, a grid of one setting."""
        parameters = self.experiment.tree["experiment"]["agent"]["parameters"]
        chosen = self.experiment.settings[self.setting]
        lines = ",\n".join(f"        {json.dumps(key)}: [{json.dumps(chosen[key])}]" for key in parameters)
        name = json.dumps(self.experiment.agent_name)
        start = self.experiment.tree["experiment"]["agent"].get("start_from")
        begin = "" if start is None else f',\n    "start_from": {json.dumps(start)}'
        return f'{{\n    "agent_name": {name},\n    "parameters": {{\n{lines}\n    }}{begin}\n}}\n'

    @property
    def env_json(self) -> Path:
        """Path of the protocol's configuration: a shipped file if one has the same content, else a new one."""
        return self._shipped or ENVIRONMENTS / f"{self.environment_name}.json"

    def environment_text(self) -> str:
        """Return the content of `env_json`."""
        lines = ",\n".join(f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in self._protocol().items())
        return f"{{\n{lines}\n}}\n"

    def config_files(self) -> dict[Path, str]:
        """Return the files to write and their contents: the agent's, and the protocol's unless it is shipped."""
        unshipped = {} if self._shipped else {self.env_json: self.environment_text()}
        return {self.agent_json: self.agent_text()} | unshipped

    def commands(self, first: int, count: int) -> list[str]:
        """Return the commands that train, combine and plot runs first, ..., first + count - 1.

        The grid has one setting, so the index equals the run number, which is the seed.
        """
        indices = str(first) if count == 1 else f"{first}-{first + count - 1}"
        train = MainCommand(
            str(self.env_json), str(self.agent_json), indices, save_dir=self.name, jobs="auto", engine=self.engine()
        )
        results = str(results_root(self.name) / self._directory())
        figure = f"plots/png/{self.environment_name}.png"
        return [
            shlex.join(train.words()),
            shlex.join(["python", "simple_combine.py", results]),
            shlex.join(["python", "utils/plot_mse_data.py", "--data", results, "--out", figure]),
        ]

    @cached_property
    def _shipped(self) -> Path | None:
        return find_config(ENVIRONMENTS, self._protocol(), read_protocol_tree)

    def _protocol(self) -> dict[str, Any]:
        """Return the protocol with every key, also keys newer than the results.  Raises BadInput if it is invalid."""
        source = f"{self.experiment.path}: experiment.environment"
        return validate(EnvironmentConfig, self.experiment.environment, source).model_dump(mode="json")

    def _results(self) -> dict[str, Any]:
        """Return the setting's results.  Raises BadInput if there are none."""
        cells = self.experiment.tree["experiment_data"]
        if str(self.setting) not in cells:
            raise BadInput(f"{self.experiment.path}: setting {self.setting} has no run; allowed: one or more")
        return cells[str(self.setting)]

    def _directory(self) -> str:
        """Return the name that main.py gives the directory of the results."""
        params = self._results()["agent_params"]
        policies = [str(params["policy_type"])] if "policy_type" in params else None
        return experiment_name(self.experiment.environment["env_name"], self.experiment.agent_name, policies)

    def engine(self) -> str | None:
        """Return the engine of the setting's runs; None if it is unknown or they have several."""
        return common_engine(Origin("", run.get("provenance")) for run in self._results()["runs"])


def make_reruns(experiments: Sequence[CombinedResults], setting: int, name: str) -> list[Rerun]:
    """Return the rerun of an agent's setting in each environment."""
    if len(experiments) == 1:
        return [Rerun(experiments[0], setting, name, name)]
    return [Rerun(each, setting, name, f"{name}_{each.environment['env_name']}") for each in experiments]


def describe_config_files(reruns: Sequence[Rerun]) -> Iterator[str]:
    """Yield each file that the commands need, with its content.  Raises BadInput if the protocol is invalid."""
    for path, content in _all_config_files(reruns).items():
        yield f"--write {reruns[0].name} writes {path}:\n{content.rstrip()}"


def write_config_files(reruns: Sequence[Rerun]) -> list[Path]:
    """Write the files that the commands need, and return their paths.

    Raises BadInput if a file exists with other content or cannot be written.
    """
    files = _all_config_files(reruns)
    path = AGENTS
    try:
        for path in files:
            check_replaceable(path, lambda file: file.read_text() == files[file], "--write", "the same configuration")
        for path, content in files.items():
            write_atomically(path, content.encode())
    except OSError as error:
        raise BadInput(
            f"--write: '{path}' cannot be written ({error.strerror}); allowed: in the project's directory, if it is "
            "writable"
        ) from error
    return list(files)


def _all_config_files(reruns: Sequence[Rerun]) -> dict[Path, str]:
    return {path: content for rerun in reruns for path, content in rerun.config_files().items()}
