"""One setting of an experiment as a configuration of its own, and the commands that run it on fresh seeds."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from utils.config import EnvironmentConfig, read_environment, validate
from utils.errors import BadInput
from utils.experiment import Experiment
from utils.results import experiment_name, save_root, write_atomically

AGENTS, ENVIRONMENTS = Path("config/agent"), Path("config/environment")


@dataclass(frozen=True)
class Rerun:
    """A setting under a name of its own: that of its configuration and of the directory its results go to."""

    experiment: Experiment
    setting: int
    name: str

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

    def environment(self) -> str:
        """The protocol as a file holds it."""
        lines = ",\n".join(f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in self._protocol().items())
        return f"{{\n{lines}\n}}\n"

    def known_environment(self) -> Path | None:
        """A file of config/environment that says the same protocol, if there is one."""
        protocol = self._protocol()
        return next((path for path in sorted(ENVIRONMENTS.glob("*.json")) if _protocol_in(path) == protocol), None)

    @property
    def env_json(self) -> Path:
        """Where the protocol is, or belongs if no file says it yet."""
        return self.known_environment() or ENVIRONMENTS / f"{self.name}.json"

    def commands(self, first: int, count: int) -> list[str]:
        """What trains, combines and plots runs first, ..., first + count - 1.

        The grid has one setting, so an index is a run, and a run its seed.
        """
        indices = str(first) if count == 1 else f"{first}-{first + count - 1}"
        agent, environment = shlex.quote(str(self.agent_json)), shlex.quote(str(self.env_json))
        results = shlex.quote(str(save_root(self.name) / self._directory()))
        return [
            f"python main.py --agent-json {agent} --env-json {environment} --index {indices} "
            f"--save-dir {shlex.quote(self.name)} --jobs auto{self._engine()}",
            f"python simple_combine.py {results}",
            f"python utils/plot_mse_data.py --data {results}",
        ]

    def write(self) -> list[Path]:
        """Write what is not there yet: the agent's configuration, and the protocol if no file says it.

        Raises BadInput if something else is there or the place cannot be written.
        """
        wanted = {self.agent_json: self.agent()}
        if self.known_environment() is None:
            wanted[self.env_json] = self.environment()
        for path, content in wanted.items():
            if path.exists() and path.read_text() != content:
                raise BadInput(f"--write: {path} is there already and says something else; allowed: another name")
        try:
            for path, content in wanted.items():
                write_atomically(path, content.encode())
        except OSError as error:
            raise BadInput(
                f"--write: '{path}' cannot be written ({error.strerror}); allowed: the project's directory, writable"
            ) from error
        return list(wanted)

    def _protocol(self) -> dict[str, Any]:
        """With every key, also those that the results are too old to have."""
        source = f"{self.experiment.path}: experiment.environment"
        return validate(EnvironmentConfig, self.experiment.environment, source).model_dump(mode="json")

    def _directory(self) -> str:
        """The name main.py gives the results' directory."""
        params = self.experiment.tree["experiment_data"][str(self.setting)]["agent_params"]
        policies = [params["policy_type"]] if "policy_type" in params else None
        return experiment_name(self.experiment.environment["env_name"], self.experiment.agent_name, policies)

    def _engine(self) -> str:
        """An option, where all of the setting's runs were computed by another engine than main.py's default."""
        runs = self.experiment.tree["experiment_data"][str(self.setting)]["runs"]
        engines = {str((run.get("provenance") or {}).get("engine")) for run in runs}
        return " --engine compiled" if engines == {"compiled"} else ""


def _protocol_in(path: Path) -> dict[str, Any] | None:
    """What an environment's file says; None for one that says nothing valid."""
    try:
        return read_environment(path).model_dump(mode="json")
    except BadInput:
        return None
