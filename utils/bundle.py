"""From indices to runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from utils.config import AgentConfig, EnvironmentConfig, resolve
from utils.grid import Grid, format_indices
from utils.results import ResultFile, experiment_name, run_key, save_root


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
        hyperparameters = resolve(self.grid.setting(setting), self._model, self.agent_source)
        params = hyperparameters.model_dump(mode="json")
        key = run_key(self.agent.agent_name, params, self.environment.model_dump(mode="json"), run)
        return Run(index, setting, run, hyperparameters, key, ResultFile(self.directory, f"{self._stem}_{key}"))

    def tree(self, run: Run, data: dict[str, Any]) -> dict[str, Any]:
        """A result: the experiment, the run's setting, and the run's data."""
        return {
            "experiment": {
                "environment": self.environment.model_dump(mode="json"),
                "agent": self.agent.model_dump(mode="json"),
            },
            "experiment_data": {str(run.setting): {"agent_params": run.agent_params, "runs": [data]}},
        }


def named(runs: Sequence[Run]) -> str:
    """A stack's name in messages; --index takes what it says."""
    return f"{'index' if len(runs) == 1 else 'indices'} {format_indices([run.index for run in runs])}"
