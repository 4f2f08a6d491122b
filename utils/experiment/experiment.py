"""From indices to runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from utils.core.grid import Grid
from utils.core.indices import format_indices
from utils.experiment.config import AgentConfig, EnvironmentConfig, resolve
from utils.results.result_file import ResultFile, Setting, experiment_name, save_root


@dataclass(frozen=True)
class Run:
    """One index, resolved."""

    index: int
    setting: int
    run: int
    hyperparameters: Any
    key: str
    file: ResultFile

    @property
    def random_seed(self) -> int:
        """The run number: all settings of one run share their random numbers."""
        return self.run

    @property
    def agent_params(self) -> dict[str, Any]:
        """Every hyperparameter, defaults filled in, as JSON values."""
        return self.hyperparameters.model_dump(mode="json")


@dataclass(frozen=True, order=True, slots=True)
class Cell:
    """A run of a setting, by name only."""

    index: int
    setting: int
    run: int
    key: str


class Experiment:
    """A grid of agents on one environment protocol."""

    def __init__(
        self,
        environment: EnvironmentConfig,
        agent: AgentConfig,
        hyperparameters: Any,
        sources: tuple[str, str],
        save_dir: str,
    ) -> None:
        """hyperparameters: the agent's model.  sources: the files of both, for messages.  Raises BadInput."""
        self.environment, self.agent = environment, agent
        self.env_source, self.agent_source = sources
        self.grid = Grid(agent.parameters, self.agent_source)
        self._model = hyperparameters
        self.name = experiment_name(environment.env_name, agent.agent_name, self._policies())
        self.directory = save_root(save_dir) / self.name
        self._stem = experiment_name(environment.env_name, agent.agent_name, None)
        self._protocol = environment.model_dump(mode="json")
        self._settings: dict[int, tuple[Any, Setting]] = {}

    @property
    def total_timesteps(self) -> int:
        """Of each run."""
        return self.environment.total_timesteps

    def _policies(self) -> list[str] | None:
        """The policies that occur in the grid; None for an agent that has none."""
        if "policy_type" not in self._model.model_fields:
            return None
        default = self._model.model_fields["policy_type"].default
        return sorted({str(policy) for policy in self.agent.parameters.get("policy_type", [default])})

    def run(self, index: int) -> Run:
        """Everything about one index.  Raises BadInput if its hyperparameters are not allowed."""
        setting, run = self.grid.locate(index)
        key = self._resolved(setting)[1].key(run)
        return Run(index, setting, run, self.hyperparameters(setting), key, self.file(key))

    def cells(self, settings: Sequence[int], runs: Iterable[int]) -> Iterator[Cell]:
        """These runs of these settings, by index if both are sorted.  Raises BadInput as `run` does."""
        keyed = [(setting, self._resolved(setting)[1]) for setting in settings]
        for run in runs:
            for setting, keys in keyed:
                yield Cell(self.grid.index(setting, run), setting, run, keys.key(run))

    def hyperparameters(self, setting: int) -> Any:
        """A setting's, as the agent's model.  Raises BadInput if they are not allowed."""
        return self._resolved(setting)[0]

    def file(self, key: str) -> ResultFile:
        """Where the run of that key has its result."""
        return ResultFile(self.directory, f"{self._stem}_{key}")

    def _resolved(self, number: int) -> tuple[Any, Setting]:
        """A setting's hyperparameters, and the keys of its runs; found out once.  Raises BadInput."""
        if number not in self._settings:
            found = resolve(self.grid.setting(number), self._model, self.agent_source)
            keys = Setting(self.agent.agent_name, found.model_dump(mode="json"), self._protocol)
            self._settings[number] = found, keys
        return self._settings[number]

    def tree(self, run: Run, data: dict[str, Any]) -> dict[str, Any]:
        """A result: the experiment, the run's setting, and the run's data."""
        return {
            "experiment": {
                "environment": self._protocol,
                "agent": self.agent.model_dump(mode="json"),
            },
            "experiment_data": {str(run.setting): {"agent_params": run.agent_params, "runs": [data]}},
        }


def named(runs: Sequence[Run]) -> str:
    """A stack's name in messages; --index takes what it says."""
    return f"{'index' if len(runs) == 1 else 'indices'} {format_indices([run.index for run in runs])}"
