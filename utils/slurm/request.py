"""What schedule.py was asked for, and the commands that it names."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from utils.core.cli_types import DEFAULT_ENGINE
from utils.core.indices import format_indices
from utils.experiment.experiment import Experiment


@dataclass(frozen=True)
class Request:
    """A command line.  runs, settings: their numbers; settings None: all."""

    cluster_json: str
    script: str
    directory: str
    env_json: str
    save_dir: str
    agent_jsons: tuple[str, ...]
    runs: Sequence[int]
    settings: Sequence[int] | None = None
    force: bool = False
    engine: str = DEFAULT_ENGINE

    def settings_of(self, experiment: Experiment) -> Sequence[int]:
        """The settings asked for."""
        return range(len(experiment.grid)) if self.settings is None else self.settings

    @property
    def _from_zero(self) -> bool:
        """Whether a number says which runs they are."""
        return list(self.runs) == list(range(len(self.runs)))

    def command(self, *options: str) -> str:
        """Of schedule.py, for the same runs.  What was forced is missing by now, and needs no force again."""
        runs = str(len(self.runs)) if self._from_zero else format_indices(self.runs)
        words = ["python", "schedule.py", "--runs", runs]
        if self.settings is not None:
            words += ["--settings", format_indices(self.settings)]
        if self.engine != DEFAULT_ENGINE:
            words += ["--engine", self.engine]
        files = [self.cluster_json, self.script, self.directory, self.env_json, self.save_dir, *self.agent_jsons]
        return shlex.join([*words, *options, *(["--"] if any(f.startswith("-") for f in files) else []), *files])

    def local_command(self, experiment: Experiment) -> str:
        """Of main.py, for the same runs of one experiment on this machine."""
        words = ["python", self.script, "--env-json", self.env_json, "--agent-json", experiment.agent_source]
        words += ["--save-dir", self.save_dir]
        if self.settings is None and self._from_zero:
            words += ["--runs", str(len(self.runs))]
        else:
            settings, grid = self.settings_of(experiment), experiment.grid
            indices = format_indices([grid.index(setting, run) for run in self.runs for setting in settings])
            words += ["--index", indices]
        if self.engine != DEFAULT_ENGINE:
            words += ["--engine", self.engine]
        return shlex.join([*words, "--jobs", "auto", *(["--force"] if self.force else [])])


def no_slurm(request: Request, experiments: Sequence[Experiment]) -> str:
    """What to say where there is no sbatch."""
    commands = "\n".join(f"  {request.local_command(experiment)}" for experiment in experiments)
    return (
        f"there is no SLURM here (no sbatch on the PATH); --dry-run shows the plan, and this trains here:\n{commands}"
    )
