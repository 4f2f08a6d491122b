"""A command line of schedule.py, and the commands that it suggests."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from utils.core.cli_types import DEFAULT_ENGINE
from utils.core.indices import format_indices
from utils.experiment.experiment import Experiment
from utils.experiment.main_command import MainCommand


@dataclass(frozen=True)
class Request:
    """The arguments of schedule.py.

    runs, settings: run numbers and setting numbers; None: all settings.
    then: steps of the closing job (`utils.slurm.closing_job.STEPS`); none: there is no closing job.
    sbatch: options of sbatch in addition to the cluster file's.
    keep_checkpoint, extend: main.py's options.
    common_list: whether tasks take their stacks from a common list.
    strict: refuse settings that are not allowed, instead of leaving them out.
    """

    cluster_json: str
    script: str
    directory: str
    env_json: str
    save_dir: str
    agent_jsons: tuple[str, ...]
    runs: Sequence[int]
    settings: Sequence[int] | None = None
    force: bool = False
    accept_mixed: bool = False
    engine: str = DEFAULT_ENGINE
    then: Sequence[str] = ()
    sbatch: Sequence[str] = ()
    keep_checkpoint: bool = False
    extend: int | None = None
    common_list: bool = False
    strict: bool = False

    def requested_settings(self, experiment: Experiment) -> Sequence[int]:
        """Return the requested settings of an experiment, without those that are not allowed, unless `strict`."""
        settings = range(len(experiment.grid)) if self.settings is None else self.settings
        return settings if self.strict else [each for each in settings if experiment.refusal(each) is None]

    @property
    def _starts_at_zero(self) -> bool:
        """Whether a single number describes the runs: 0 to N - 1."""
        return list(self.runs) == list(range(len(self.runs)))

    def command(self, *options: str) -> str:
        """Return the command of schedule.py for the same runs, without --force: forced runs have become missing."""
        runs = str(len(self.runs)) if self._starts_at_zero else format_indices(self.runs)
        words = ["python", "schedule.py", "--runs", runs]
        if self.settings is not None:
            words += ["--settings", format_indices(self.settings)]
        if self.accept_mixed:
            words += ["--accept-mixed"]
        if self.strict:
            words += ["--strict"]
        if self.engine != DEFAULT_ENGINE:
            words += ["--engine", self.engine]
        if self.keep_checkpoint:
            words += ["--keep-checkpoint"]
        if self.extend is not None:
            words += ["--extend", str(self.extend)]
        if self.common_list:
            words += ["--common-list"]
        words += [f"--sbatch={option}" for option in self.sbatch]
        if self.then:
            words += ["--then", ",".join(self.then)]
        files = [self.cluster_json, self.script, self.directory, self.env_json, self.save_dir, *self.agent_jsons]
        return shlex.join([*words, *options, *(["--"] if any(f.startswith("-") for f in files) else []), *files])

    def local_command(self, experiment: Experiment) -> str:
        """Return the command of main.py that trains the same runs of one experiment on this machine."""
        runs, index = len(self.runs), None
        if self.settings is not None or not self._starts_at_zero:
            settings, grid = self.requested_settings(experiment), experiment.grid
            index = format_indices([grid.index(setting, run) for run in self.runs for setting in settings])
        command = MainCommand(
            self.env_json,
            experiment.agent_source,
            index=index,
            runs=runs if index is None else None,
            save_dir=self.save_dir,
            jobs="auto",
            engine=None if self.engine == DEFAULT_ENGINE else self.engine,
            force=self.force,
            accept_mixed=self.accept_mixed,
            extend=self.extend,
            keep_checkpoint=self.keep_checkpoint,
        )
        return shlex.join(command.words(self.script))


def no_slurm_message(request: Request, experiments: Sequence[Experiment]) -> str:
    """Return the error message for a machine without sbatch."""
    commands = "\n".join(f"  {request.local_command(experiment)}" for experiment in experiments)
    return (
        "there is no SLURM here (no sbatch on the PATH); --dry-run prints the plan; "
        f"to train on this machine:\n{commands}"
    )
