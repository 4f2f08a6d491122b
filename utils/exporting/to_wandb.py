"""Export to Weights & Biases: a directory of each run, which `wandb sync` uploads.

Runs are written in offline mode unless the environment variable WANDB_MODE says otherwise. One service process of W&B
writes all of them: starting one for each run takes ten times as long as its rows.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from utils.core.errors import BadInput, describe_error
from utils.exporting.exported_run import ExportedRun
from utils.exporting.tool import Tool, load_package

MODE = "WANDB_MODE"
"""Environment variable of W&B's mode."""

MODES = ("offline", "online")
"""Modes in which runs are written."""

MOST_TAG_CHARACTERS = 64
"""Length of W&B's longest tag."""

SETTINGS: dict[str, Any] = {
    "console": "off", "silent": True, "disable_git": True, "disable_code": True, "disable_job_creation": True,
    "save_code": False, "x_disable_meta": True, "x_disable_stats": True, "x_disable_machine_info": True,
    "x_save_requirements": False,
}  # fmt: skip
"""Settings of W&B: nothing is recorded of this process, which did not compute the runs."""


class WandbRuns(Tool):
    """A directory with the directory `wandb`, in which each run has one."""

    name = "wandb"

    def __init__(self, output: Path, project: str) -> None:
        """Start W&B's service.  Raises BadInput if W&B is not installed, or the mode is not one of MODES."""
        super().__init__(output, project)
        self._mode = os.environ.get(MODE) or MODES[0]
        if self._mode not in MODES:
            raise BadInput(f"{MODE}: found '{self._mode}'; allowed: {', '.join(MODES)}")
        self._wandb = load_package(self.name, "wandb")
        self._errors = (self._wandb.Error, ValueError)  # pydantic's errors are ValueErrors.
        try:
            self._settings = self._wandb.Settings(mode=self._mode, **SETTINGS)
            self._wandb.setup(self._settings)
        except self._errors as error:
            raise BadInput(f"--to wandb: {describe_error(error)}") from error
        self._directories: dict[str, list[Path]] = {}
        for path in (output / "wandb").glob("*run-*-*"):
            self._directories.setdefault(path.name.rpartition("-")[2], []).append(path)

    @property
    def format(self) -> str:
        """Version of what is written of a run, and the project that it is written to."""
        return f"1 {self.project}"

    def write(self, run: ExportedRun, old: str | None) -> str:
        """Write a run, whose place is its directory, and remove its earlier ones.

        Raises BadInput if W&B cannot write it, as when a run has been uploaded already and the mode is online.
        """
        for path in self._directories.pop(run.key, []):
            shutil.rmtree(path)
        try:
            target = self._wandb.init(
                project=self.project, dir=str(self.output), id=run.key, name=run.name, group=run.group,
                config=self._config(run), tags=self._tags(run), reinit="create_new",
                resume="never" if self._mode == "online" else None,
                settings=self._settings,
            )  # fmt: skip
            for timestep, values in run.rows():
                target.log(values | {"_timestamp": run.time}, step=timestep)
            place = Path(target.settings.sync_dir)
            target.finish(exit_code=int(run.status == "diverged"))
        except self._errors as error:
            raise BadInput(f"--to wandb: {run.name}: {describe_error(error)}") from error
        self._directories[run.key] = [place]
        return str(place.resolve().relative_to(self.output.resolve()))

    def holds(self, place: str) -> bool:
        """Return True: a run that has been uploaded may have been removed here."""
        return True

    def close(self) -> None:
        """Stop W&B's service."""
        self._wandb.teardown()

    @staticmethod
    def _tags(run: ExportedRun) -> list[str]:
        """Return the status, the environment and the agent, shortened to what W&B takes."""
        texts = [run.status, *(run.identity.get(name) for name in ("env_name", "agent_name"))]
        return [str(text)[:MOST_TAG_CHARACTERS] for text in texts if text]

    @staticmethod
    def _config(run: ExportedRun) -> dict[str, Any]:
        """Return what the run's page shows, with the protocol as an object: W&B's filters take dots for paths."""
        return run.identity | run.hyperparameters | {"environment": run.protocol}
