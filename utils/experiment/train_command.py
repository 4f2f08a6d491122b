"""Training of runs by another command: here by main.py, or on a cluster by schedule.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from utils.core.indices import format_indices
from utils.core.run_script import run_script
from utils.experiment.main_command import MainCommand


@dataclass(frozen=True)
class Where:
    """How runs are trained.  jobs, engine: options of main.py.  cluster: schedule.py's cluster file; None: here."""

    jobs: str = "auto"
    engine: str = "auto"
    cluster: str | None = None


@dataclass(frozen=True)
class TrainCommand:
    """The files of an experiment whose runs are trained.  save_dir: --save-dir of main.py."""

    env_json: str
    agent_json: str
    save_dir: str

    def run(
        self, indices: Sequence[int], runs: Sequence[int], where: Where, settings: Sequence[int] | None = None
    ) -> None:
        """Train the runs with some indices, or submit the missing ones.  Exits with the command's code if it fails.

        runs: the run numbers that every setting is to have, sorted; schedule.py finds those that have no result itself.
        settings: for schedule.py, the only ones that have missing runs, sorted; None: all.
        """
        if where.cluster is None:
            index = format_indices(sorted(indices))
            command = MainCommand(
                self.env_json, self.agent_json, index, save_dir=self.save_dir, jobs=where.jobs, engine=where.engine
            )
            run_script(command.words()[1:])
        else:
            only = [] if settings is None else ["--settings", format_indices(settings)]
            options = ["--runs", format_indices(runs), *only, "--engine", where.engine, "--yes"]
            files = [where.cluster, "main.py", "./", self.env_json, self.save_dir, self.agent_json]
            run_script(["schedule.py", *options, *files])
