"""A project directory whose sweeps schedule.py submits, from the command line, to a fake SLURM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

import schedule
from utils.core.indices import parse_indices
from utils.wiring.build import read_experiment

GRID = {"critic_lr": [0.1, 0.01, 0.001]}

CLUSTER: dict[str, Any] = {"cpus_per_task": 2, "runs_per_task": 4}

SAVE_DIR = 'it\'s; $(touch hurt) "50%"'


class Project:
    """A directory whose name needs quoting, with main.py and the files of a sweep of 3 settings."""

    def __init__(self, files) -> None:
        self.folder = files.folder / "a; 'project'"
        self.folder.mkdir()
        (self.folder / "main.py").touch()
        self.files = files
        self.env_json, self.agent_json = files.environment(), files.write("agent.json", self.grid(GRID))
        self.cluster_json = self.cluster()

    @staticmethod
    def grid(parameters: dict[str, list[Any]]) -> dict[str, Any]:
        return {"agent_name": "SAC", "parameters": parameters}

    def cluster(self, **changes: Any) -> str:
        """Write the cluster's file and return its path."""
        return self.files.write("cluster.json", CLUSTER | changes)

    def call(self, *options: str, agents: tuple[str, ...] = (), answer: str | None = None) -> Result:
        """Call schedule.py, for 4 runs of each setting unless the options give --runs."""
        runs = [] if "--runs" in options else ["--runs", "4"]
        files = [
            self.cluster_json,
            "main.py",
            str(self.folder),
            self.env_json,
            SAVE_DIR,
            *(agents or [self.agent_json]),
        ]
        return CliRunner().invoke(schedule.main, [*runs, *options, *files], input=answer)

    def submit(self, *options: str, **arguments: Any) -> Result:
        """Call schedule.py with --yes; it must succeed."""
        result = self.call("--yes", *options, **arguments)
        assert result.exit_code == 0, result.output
        return result

    @property
    def experiment(self):
        return read_experiment(self.env_json, self.agent_json, str(self.folder / "results" / SAVE_DIR))

    @property
    def submissions(self) -> list[Path]:
        """Folders of the submissions, the earliest first."""
        found = self.experiment.directory.glob("slurm/*/submission.json")
        return sorted((path.parent for path in found), key=lambda path: (path / "submission.json").stat().st_mtime_ns)

    def lines(self, submission: int = -1) -> list[list[int]]:
        """Return the indices of each task of a submission."""
        paths = sorted(self.submissions[submission].glob("tasks.*.txt"))
        return [parse_indices(line) for path in paths for line in path.read_text().splitlines()]

    def finish(self, *indices: int) -> None:
        """Write results of the runs."""
        for index in indices:
            path = self.experiment.run(index).file.json
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}")
