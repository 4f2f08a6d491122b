"""A small experiment that is trained by main.py, call by call, with grids and protocols that change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

import main

SHORT: dict[str, Any] = {"total_timesteps": 20, "eval_interval_timesteps": 20, "eval_episodes": 1}
"""Changes to the protocol of `tests/conftest.py`."""


class Sweep:
    """main.py on a small experiment, and its results."""

    def __init__(self, files: Any, save_dir: Path) -> None:
        self.files, self.save_dir, self.agent, self.protocol = files, save_dir, {}, SHORT

    def run(self, *more: str) -> Result:
        """Run main.py with more options."""
        given = ["--env-json", self.files.environment(**self.protocol), "--agent-json", self.files.agent(**self.agent)]
        return CliRunner().invoke(main.main, [*given, "--save-dir", str(self.save_dir), *more])

    def results(self) -> dict[int, Path]:
        """Return the result files by index."""
        found = self.save_dir.glob("*/Pendulum*.json")
        return {self.read(path)["index"]: path for path in found}

    @staticmethod
    def read(path: Path) -> dict[str, Any]:
        """Return the run of a result file."""
        [cell] = json.loads(path.read_bytes())["experiment_data"].values()
        return cell["runs"][0]

    @staticmethod
    def change_provenance(path: Path, **changes: Any) -> None:
        """Make a result one of another time or machine."""
        tree = json.loads(path.read_bytes())
        [cell] = tree["experiment_data"].values()
        cell["runs"][0]["provenance"] |= changes
        path.write_text(json.dumps(tree))
