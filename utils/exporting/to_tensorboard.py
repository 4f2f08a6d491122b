"""Export to TensorBoard: an event file of each run, with its hyperparameters for the HPARAMS page.

TensorBoard keeps scalars as float32: a value differs from ours by half a unit in the 24th bit. Event files are written
by TensorBoard's own record writer, under a name that depends on the run only, so that a run is replaced in one step.
Points have no time of their own in a result; all have the time at which the run ended.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from utils.exporting.exported_run import ExportedRun
from utils.exporting.tool import Tool, directory_name, load_package
from utils.files.atomic import make_directory, write_atomically

MODULES = (
    "compat.proto.event_pb2", "compat.proto.summary_pb2", "compat.proto.tensor_pb2", "summary.writer.record_writer",
    "plugins.hparams.summary_v2", "plugins.hparams.metadata", "plugins.hparams.plugin_data_pb2",
    "plugins.hparams.api_pb2", "plugins.text.metadata",
)  # fmt: skip
"""Modules of TensorBoard that write event files."""

STATUSES = {"completed": "STATUS_SUCCESS", "diverged": "STATUS_FAILURE", "unfinished": "STATUS_RUNNING"}
"""TensorBoard's name of each status of a run."""


class TensorBoardEvents(Tool):
    """A directory that `tensorboard --logdir` shows."""

    name = "tensorboard"

    def __init__(self, output: Path, project: str) -> None:
        """Import TensorBoard's writers.  Raises BadInput if it is not installed."""
        super().__init__(output, project)
        modules = [load_package(self.name, f"tensorboard.{module}") for module in MODULES]
        self._events, self._summaries, self._tensors, self._records = modules[:4]
        self._hparams, self._metadata, self._plugin, self._api, self._texts = modules[4:]

    def write(self, run: ExportedRun, old: str | None) -> str:
        """Write a run's event file into a directory of its own, which is its place.  Raises OSError."""
        place = f"{directory_name(run.experiment)}/{directory_name(run.setting_name)}/{run.key}"
        directory = self.output / place
        make_directory(directory)
        content = io.BytesIO()
        writer = self._records.RecordWriter(content)
        for event in self._run_events(run):
            writer.write(event.SerializeToString())
        write_atomically(directory / f"events.out.tfevents.{int(run.time):010d}.{run.key}", content.getvalue())
        self._remove_others(directory, run)
        if old not in (None, place):
            shutil.rmtree(self.output / str(old), ignore_errors=True)
        return place

    def _remove_others(self, directory: Path, run: ExportedRun) -> None:
        """Remove event files of earlier exports of the run, whose end was at another time."""
        for path in directory.glob(f"events.out.tfevents.*.{run.key}"):
            if path.name != f"events.out.tfevents.{int(run.time):010d}.{run.key}":
                path.unlink(missing_ok=True)

    def holds(self, place: str) -> bool:
        """Return whether there is an event file in a run's directory."""
        return any((self.output / place).glob("events.out.tfevents.*"))

    def _run_events(self, run: ExportedRun) -> Iterator[Any]:
        """Yield the events of a run: the version, the hyperparameters, the scalars in order of time, the end."""
        event = self._events.Event
        yield event(wall_time=run.time, file_version="brain.Event:2")
        for summary in self._describe(run):
            yield event(wall_time=run.time, summary=summary)
        for timestep, values in run.rows():
            found = event(wall_time=run.time, step=timestep)
            for name, value in values.items():
                found.summary.value.add(tag=name, simple_value=value)
            yield found
        yield event(wall_time=run.time, summary=self._end(run))

    def _describe(self, run: ExportedRun) -> Iterator[Any]:
        """Yield the summaries that describe a run: its row on the HPARAMS page, and all of it on the TEXT page.

        Runs of a setting share a row, so only what they have in common is in it.
        """
        common = {name: run.identity.get(name) for name in ("env_name", "agent_name", "setting")} | run.hyperparameters
        values = {name: hparam_value(value) for name, value in common.items()}
        known = {name: value for name, value in values.items() if value is not None}
        yield self._hparams.hparams_pb(known, trial_id=run.group, start_time_secs=run.time)
        text = f"```json\n{json.dumps(run.config, indent=1)}\n```"
        metadata = self._texts.create_summary_metadata("config", "everything that identifies the run")
        tensor = self._tensors.TensorProto(dtype="DT_STRING", string_val=[text.encode()])
        yield self._summary("config", metadata, tensor)

    def _end(self, run: ExportedRun) -> Any:
        """Return the summary that says how a run ended."""
        status = self._api.Status.Value(STATUSES[run.status])
        ended = self._plugin.SessionEndInfo(status=status, end_time_secs=run.time)
        metadata = self._metadata.create_summary_metadata(self._plugin.HParamsPluginData(session_end_info=ended))
        return self._summary(self._metadata.SESSION_END_INFO_TAG, metadata, self._metadata.NULL_TENSOR)

    def _summary(self, tag: str, metadata: Any, tensor: Any) -> Any:
        summary = self._summaries.Summary()
        summary.value.add(tag=tag, metadata=metadata, tensor=tensor)
        return summary


def hparam_value(value: Any) -> bool | float | str | None:
    """Return a value as the HPARAMS page takes it: a list or an object as JSON text; None if there is none."""
    return value if value is None or isinstance(value, bool | int | float | str) else json.dumps(value)
