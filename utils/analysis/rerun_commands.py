"""One setting as a configuration of its own, and the commands that run it on fresh seeds."""

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
from utils.experiment.shipped_configs import AGENTS, ENVIRONMENTS, read_protocol_tree, find_config
from utils.files.atomic import write_atomically
from utils.files.json_model import validate
from utils.results.provenance_diff import Origin
from utils.results.result_file import experiment_name, results_root


@dataclass(frozen=True)
class Rerun:
    """A setting in an environment.

    name: of its configuration, and of the directory its results go to.  environment_name: of its figure, and of its
    protocol's file if that has to be written.
    """

    experiment: CombinedResults
    setting: int
    name: str
    environment_name: str

    @property
    def agent_json(self) -> Path:
        """Where the configuration belongs."""
        return AGENTS / f"{self.name}.json"

    def agent(self) -> str:
        """The configuration, a grid of one setting: what `agent_json` is to hold."""
        parameters = self.experiment.tree["experiment"]["agent"]["parameters"]
        chosen = self.experiment.settings[self.setting]
        lines = ",\n".join(f"        {json.dumps(key)}: [{json.dumps(chosen[key])}]" for key in parameters)
        name = json.dumps(self.experiment.agent_name)
        return f'{{\n    "agent_name": {name},\n    "parameters": {{\n{lines}\n    }}\n}}\n'

    @property
    def env_json(self) -> Path:
        """A file of config/environment that says the protocol; where to write it, if there is none."""
        return self._shipped or ENVIRONMENTS / f"{self.environment_name}.json"

    def environment(self) -> str:
        """The protocol: what `env_json` is to hold."""
        lines = ",\n".join(f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in self._protocol().items())
        return f"{{\n{lines}\n}}\n"

    def files(self) -> dict[Path, str]:
        """What is to be written where: the configuration, and the protocol unless a file says it."""
        unsaid = {} if self._shipped else {self.env_json: self.environment()}
        return {self.agent_json: self.agent()} | unsaid

    def commands(self, first: int, count: int) -> list[str]:
        """What trains, combines and plots runs first, ..., first + count - 1.

        The grid has one setting, so an index is a run, and a run its seed.
        """
        indices = str(first) if count == 1 else f"{first}-{first + count - 1}"
        agent, environment = shlex.quote(str(self.agent_json)), shlex.quote(str(self.env_json))
        results = shlex.quote(str(results_root(self.name) / self._directory()))
        figure = shlex.quote(f"plots/png/{self.environment_name}.png")
        return [
            f"python main.py --agent-json {agent} --env-json {environment} --index {indices} "
            f"--save-dir {shlex.quote(self.name)} --jobs auto{self._engine()}",
            f"python simple_combine.py {results}",
            f"python utils/plot_mse_data.py --data {results} --out {figure}",
        ]

    @cached_property
    def _shipped(self) -> Path | None:
        return find_config(ENVIRONMENTS, self._protocol(), read_protocol_tree)

    def _protocol(self) -> dict[str, Any]:
        """With every key, also those that the results are too old to have.  Raises BadInput if it is not valid now."""
        source = f"{self.experiment.path}: experiment.environment"
        return validate(EnvironmentConfig, self.experiment.environment, source).model_dump(mode="json")

    def _cell(self) -> dict[str, Any]:
        """The setting's results.  Raises BadInput if there are none."""
        cells = self.experiment.tree["experiment_data"]
        if str(self.setting) not in cells:
            raise BadInput(f"{self.experiment.path}: setting {self.setting} has no run; allowed: one or more")
        return cells[str(self.setting)]

    def _directory(self) -> str:
        """The name main.py gives the results' directory."""
        params = self._cell()["agent_params"]
        policies = [str(params["policy_type"])] if "policy_type" in params else None
        return experiment_name(self.experiment.environment["env_name"], self.experiment.agent_name, policies)

    def _engine(self) -> str:
        """The option for the engine that the setting's runs had, if it was the same one for all."""
        engines = {Origin("", run.get("provenance")).engine for run in self._cell()["runs"]}
        engine = engines.pop() if len(engines) == 1 else None
        return f" --engine {engine}" if engine else ""


def reruns(experiments: Sequence[CombinedResults], setting: int, name: str) -> list[Rerun]:
    """A setting of one agent in each environment."""
    if len(experiments) == 1:
        return [Rerun(experiments[0], setting, name, name)]
    return [Rerun(each, setting, name, f"{name}_{each.environment['env_name']}") for each in experiments]


def show(wanted: Sequence[Rerun]) -> Iterator[str]:
    """The files that the commands need, with their content.  Raises BadInput."""
    for path, content in _files(wanted).items():
        yield f"--write {wanted[0].name} writes {path}:\n{content.rstrip()}"


def write(wanted: Sequence[Rerun]) -> list[Path]:
    """Write the files that the commands need.

    Raises BadInput if something else is there or the place cannot be written.
    """
    files = _files(wanted)
    path = AGENTS
    try:
        for path, content in files.items():
            if path.exists() and path.read_text() != content:
                raise BadInput(f"--write: {path} is there already and says something else; allowed: another name")
        for path, content in files.items():
            write_atomically(path, content.encode())
    except OSError as error:
        raise BadInput(
            f"--write: '{path}' cannot be written ({error.strerror}); allowed: the project's directory, writable"
        ) from error
    return list(files)


def _files(wanted: Sequence[Rerun]) -> dict[Path, str]:
    return {path: content for rerun in wanted for path, content in rerun.files().items()}
