"""An experiment, a grid of agents under one protocol, and its runs by index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from utils.core.errors import BadInput
from utils.core.grid import Grid
from utils.core.indices import format_indices
from utils.experiment.config import AgentConfig, EnvironmentConfig, resolve_setting
from utils.experiment.starts import Start, Starts
from utils.results.result_file import ResultFile, SettingIdentity, experiment_name, results_root


@dataclass(frozen=True)
class Run:
    """One index, resolved: its setting, run number, hyperparameters, key and result file.

    extends: the same run of fewer timesteps, from whose kept checkpoint this one goes on, if there is one.
    start: the run from whose learned parameters this one begins, if there is one.
    """

    index: int
    setting: int
    run: int
    hyperparameters: Any
    key: str
    file: ResultFile
    extends: Run | None = None
    start: Start | None = None

    @property
    def random_seed(self) -> int:
        """Random seed: the run number. All settings of one run share their random numbers."""
        return self.run

    @property
    def agent_params(self) -> dict[str, Any]:
        """Hyperparameters as results hold them: JSON values, defaults included."""
        return self.hyperparameters.recorded()


@dataclass(frozen=True, order=True, slots=True)
class RunId:
    """The numbers and the key that identify a run, without its hyperparameters."""

    index: int
    setting: int
    run: int
    key: str


class Experiment:
    """A grid of agents under one environment protocol."""

    def __init__(
        self,
        environment: EnvironmentConfig,
        agent: AgentConfig,
        hyperparameters: Any,
        sources: tuple[str, str],
        save_dir: str,
        extends: Experiment | None = None,
    ) -> None:
        """Resolve the grid and the directory of the results.  Raises BadInput if the grid is invalid.

        hyperparameters: the agent's pydantic model.
        sources: paths of the environment's and the agent's file, for messages.
        extends: the same experiment with fewer timesteps, whose runs this one's go on from.
        """
        self.environment, self.agent, self.extends = environment, agent, extends
        self.env_source, self.agent_source = sources
        self._save_dir = save_dir
        self.grid = Grid(agent.parameters, self.agent_source)
        self._model = hyperparameters
        self.name = experiment_name(environment.env_name, agent.agent_name, self._grid_policies())
        self.directory = results_root(save_dir) / self.name
        self._stem = experiment_name(environment.env_name, agent.agent_name, None)
        self._protocol = environment.model_dump(mode="json")
        self._starts = Starts(agent.start_from, self.agent_source, self.directory)
        self._settings: dict[int, tuple[Any, SettingIdentity]] = {}
        self._equal: dict[int, list[int]] = {}

    @property
    def protocol(self) -> dict[str, Any]:
        """The environment's configuration as results hold it, with every key."""
        return self._protocol

    @property
    def total_timesteps(self) -> int:
        """Timesteps of each run."""
        return self.environment.total_timesteps

    @property
    def new_timesteps(self) -> int:
        """Timesteps of each run beyond those of the run that it extends, if it extends one."""
        return self.total_timesteps - (0 if self.extends is None else self.extends.total_timesteps)

    def _grid_policies(self) -> list[str] | None:
        """Return the policies in the grid; None for an agent without one."""
        if "policy_type" not in self._model.model_fields:
            return None
        default = self._model.model_fields["policy_type"].default
        return sorted({str(policy) for policy in self.grid.values("policy_type") or [default]})

    def extended(self, total_timesteps: int) -> Experiment:
        """Return this experiment with more timesteps; its runs go on from the kept checkpoints of this one's.

        Raises BadInput if there are not more.
        """
        if total_timesteps <= self.total_timesteps:
            raise BadInput(
                f"--extend: found {total_timesteps}; allowed: more than the {self.total_timesteps} timesteps of "
                f"{self.env_source}"
            )
        environment = self.environment.model_copy(update={"total_timesteps": total_timesteps})
        sources = (self.env_source, self.agent_source)
        return Experiment(environment, self.agent, self._model, sources, self._save_dir, extends=self)

    def run(self, index: int) -> Run:
        """Return the run that an index names.

        Raises BadInput if its hyperparameters are not allowed, or it cannot begin where it must.
        """
        setting, run = self.grid.locate(index)
        key, start = self.key(setting, run), self.start(setting, run)
        shorter = None if self.extends is None else self.extends.run(index)
        return Run(index, setting, run, self.hyperparameters(setting), key, self.file(key), shorter, start)

    def start(self, setting: int, run: int) -> Start | None:
        """Return where a run of a setting begins; None for a new initialization.  Raises BadInput."""
        start = self._starts.find(run)
        difference = start and start.find_difference(self.agent.agent_name, self.hyperparameters(setting))
        if start is not None and difference:
            raise BadInput(self._starts.describe_unfit(start, difference))
        return start

    def key(self, setting: int, run: int) -> str:
        """Return the key of a run of a setting.

        Raises BadInput if its hyperparameters are not allowed, or it cannot begin where it must.
        """
        start = self.start(setting, run)
        return self._resolve(setting)[1].key(run, None if start is None else start.sha256)

    def run_ids(self, settings: Sequence[int], runs: Iterable[int]) -> Iterator[RunId]:
        """Yield these runs of these settings, ordered by index if both arguments are sorted.

        Raises BadInput if hyperparameters are not allowed, or a run cannot begin where it must.
        """
        for setting in settings:
            self.hyperparameters(setting)
        for run in runs:
            for setting in settings:
                yield RunId(self.grid.index(setting, run), setting, run, self.key(setting, run))

    def hyperparameters(self, setting: int) -> Any:
        """Return a setting's hyperparameters as the agent's model.  Raises BadInput if they are not allowed."""
        return self._resolve(setting)[0]

    def refusal(self, setting: int) -> str | None:
        """Return why a setting of the grid is not allowed; None if it is."""
        try:
            self.hyperparameters(setting)
        except BadInput as error:
            return str(error)
        return None

    def file(self, key: str) -> ResultFile:
        """Return the path of the result of the run with this key."""
        return ResultFile(self.directory, f"{self._stem}_{key}")

    def other_directories(self, setting: int) -> list[Path]:
        """Return the directories of a setting's results under grids with other policies, which have other names."""
        policy = getattr(self.hyperparameters(setting), "policy_type", None)
        if policy is None:
            return []
        names = [self._stem, experiment_name(self.environment.env_name, self.agent.agent_name, [str(policy)])]
        return [self.directory.parent / name for name in names if name != self.name]

    def other_files(self, run: Run) -> list[ResultFile]:
        """Return the paths of the run's result in other directories."""
        return [ResultFile(directory, run.file.stem) for directory in self.other_directories(run.setting)]

    def equal_settings(self, setting: int) -> list[int]:
        """Return the other settings of the grid that are the same: they differ only in hyperparameters without effect.

        Raises BadInput if the setting's own hyperparameters are not allowed.
        """
        if setting not in self._equal:
            mine = self.hyperparameters(setting)
            others = (other for other in self.grid.variants(setting, mine.without_effect()) if other != setting)
            wanted = _effective(mine)
            self._equal[setting] = [other for other in others if self._has_effect(other, wanted)]
        return self._equal[setting]

    def _has_effect(self, setting: int, wanted: dict[str, Any]) -> bool:
        """Return whether a setting can be trained and its hyperparameters with an effect are the wanted ones."""
        return self.refusal(setting) is None and _effective(self.hyperparameters(setting)) == wanted

    def same_runs(self, run: Run) -> list[Run]:
        """Return the runs of equal settings with the same run number."""
        return [self.run(self.grid.index(setting, run.run)) for setting in self.equal_settings(run.setting)]

    def describe_setting(self, setting: int) -> str:
        """Return a setting's hyperparameters that vary in the grid, such as "critic_lr 0.001, alpha 0.1"."""
        return self.grid.describe_varied(setting)

    def setting_name(self, setting: int) -> str:
        """Return a setting's number and its hyperparameters that vary, such as "setting 3: critic_lr 0.001"."""
        varied = self.describe_setting(setting)
        return f"setting {setting}{': ' if varied else ''}{varied}"

    def _resolve(self, number: int) -> tuple[Any, SettingIdentity]:
        """Return a setting's hyperparameters and its identity, resolved once.  Raises BadInput if they are invalid."""
        if number not in self._settings:
            try:
                hyperparameters = resolve_setting(self.grid.setting(number), self._model, self.agent_source)
            except BadInput as error:
                where = f" (setting {number}: {self.describe_setting(number)})" if len(self.grid) > 1 else ""
                raise BadInput(f"{error}{where}") from error
            identity = SettingIdentity(self.agent.agent_name, hyperparameters.identity(), self._protocol)
            self._settings[number] = hyperparameters, identity
        return self._settings[number]

    def tree(self, run: Run, data: dict[str, Any]) -> dict[str, Any]:
        """Return the tree of a run's result: the experiment, the run's setting, and the run's data."""
        return {
            "experiment": {
                "environment": self._protocol,
                "agent": self.agent.model_dump(mode="json"),
            },
            "experiment_data": {str(run.setting): {"agent_params": run.agent_params, "runs": [data]}},
        }


def _effective(hyperparameters: Any) -> dict[str, Any]:
    """Return the hyperparameters that have an effect, by name."""
    without = hyperparameters.without_effect()
    return {name: value for name, value in hyperparameters if name not in without}


def stack_label(runs: Sequence[Run]) -> str:
    """Return the name of a stack for messages, such as "indices 0-9,36", in the form that --index takes."""
    return f"{'index' if len(runs) == 1 else 'indices'} {format_indices([run.index for run in runs])}"


def describe_runs(experiment: Experiment, runs: Sequence[Run]) -> Iterator[str]:
    """Yield a line such as "index 5: run 1 (seed 1) of setting 1: critic_lr 0.001" for each run."""
    for run in runs:
        start = f", from {run.start.path}" if run.start else ""
        name = experiment.setting_name(run.setting)
        yield f"index {run.index}: run {run.run} (seed {run.random_seed}) of {name}{start}"
