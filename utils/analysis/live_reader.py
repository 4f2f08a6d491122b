"""Reading of the runs of a directory while they train, from results, failure files and progress files."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from utils.analysis.live_files import FinishedRun, describe_place, progress_curve, read_finished
from utils.analysis.live_runs import (
    FAILED,
    RUNNING,
    SILENT,
    STOPPED,
    WAITING,
    LiveRun,
    LiveSweep,
)
from utils.combining.listing import ResultListing, Stamp, stamp_of
from utils.core.errors import BadInput
from utils.core.machine import is_alive
from utils.files.json_text import encode_json, read_json
from utils.results.progress_file import (
    CALL_ENDING,
    FAILURES_DIRECTORY,
    RUN_ENDING,
    RunProgress,
    list_progress,
    read_call,
    read_progress,
)

SILENT_SECONDS, LOST_SECONDS = 300.0, 3600.0
"""Time without a sign after which a run of another host is silent, and after which it is taken to have stopped, s."""

USUAL_INTERVALS = 10
"""Number of its usual intervals between lines for which a run may be silent, if that is longer."""

log = logging.getLogger("policy_params")


Queued = tuple[dict[str, Any], Mapping[str, tuple[int, bool]]]
"""An experiment, as results hold it, and its runs in a scheduler's queue: index, and whether it runs, by key."""


@dataclass
class _Known:
    """What is known of the runs of one directory at one time."""

    finished: dict[str, FinishedRun]
    progress: dict[str, RunProgress]
    calls: list[dict[str, Any]]
    failures: dict[str, dict[str, Any]]
    queue: Sequence[Queued]

    def queued(self, experiment: bytes) -> dict[str, tuple[int, bool]]:
        """Return the runs of an experiment, given as JSON, that are in the queue."""
        found: dict[str, tuple[int, bool]] = {}
        for tree, runs in self.queue:
            if encode_json(tree) == experiment:
                found |= runs
        return found


class LiveReader:
    """A reader of one directory that reads each unchanged file once."""

    def __init__(
        self,
        directory: Path,
        read_queue: Callable[[Path], Sequence[Queued]] = lambda directory: (),
        now: Callable[[], float] = time.time,
    ) -> None:
        """Describe the directory, which need not exist yet; nothing is read.

        read_queue: returns the runs of the directory that are in a scheduler's queue.
        now: returns seconds since the epoch.
        """
        self.directory, self._read_queue, self._now, self._host = directory, read_queue, now, platform.node()
        self._finished: dict[str, tuple[Stamp | None, FinishedRun | None]] = {}
        self._progress: dict[Path, tuple[Stamp, RunProgress | None]] = {}

    def read(self) -> LiveSweep | None:
        """Return the runs as they are now; None if there is none.  Raises BadInput if the directory cannot be read."""
        if not self.directory.is_dir():
            return None
        queue = self._read_queue(self.directory)
        calls = [call for path in list_progress(self.directory, CALL_ENDING) if (call := _try(read_call, path))]
        progress = self._read_progress()  # Before the results: a run that ends meanwhile is in one of both.
        known = _Known(self._read_results(), progress, calls, self._read_failures(), queue)
        experiment = _newest_experiment(known)
        return None if experiment is None else self._sweep(known, experiment)

    def _sweep(self, known: _Known, experiment: dict[str, Any]) -> LiveSweep:
        text = encode_json(experiment)
        runs = {one.key: one.run for one in known.finished.values() if one.experiment == text}
        others, queued = len(known.finished) - len(runs), known.queued(text)
        sweep = LiveSweep(self.directory, experiment, ())
        runs |= {key: run for key, run in self._failed_runs(known, sweep) if key not in runs}
        for key, found in known.progress.items():
            if encode_json(found.header["experiment"]) == text:
                run = self._run_in_training(found, sweep, queued)
                if key not in runs or run.state == RUNNING:
                    runs[key] = run
        runs = dict(self._waiting_runs(known, text, sweep, runs)) | runs
        note = f"{self.directory}: {others} results of other grids or protocols are not shown."
        return replace(sweep, runs=list(runs.values()), notes=[note] if others else [])

    def _run_in_training(self, found: RunProgress, sweep: LiveSweep, queued: Mapping[str, tuple[int, bool]]) -> LiveRun:
        header, writer = found.header, found.header["writer"]
        silence = max(0.0, self._now() - found.time)
        seconds = found.time - writer["time"]
        rate = (found.timestep - header["timestep"]) / seconds if seconds > 0 else 0.0
        state, reason = self._state(found, silence, queued.get(header["key"]))
        return LiveRun(
            header["index"], header["setting"], header["run_number"], state, found.timestep,
            progress_curve(found, sweep.training), describe_place(writer), rate if state == RUNNING else 0.0, silence,
            reason, lambda: found.diagnostics,
        )  # fmt: skip

    def _state(self, found: RunProgress, silence: float, queued: tuple[int, bool] | None) -> tuple[str, str]:
        """Return the state of a run with a progress file, and why it stopped.  queued: see `Queued`."""
        writer = found.header["writer"]
        if found.stopped:
            return (WAITING if queued else STOPPED), "it was asked to stop"
        if writer["host"] == self._host:
            return (RUNNING, "") if is_alive(writer["process"]) else (STOPPED, "its process has ended")
        if queued:
            return (RUNNING if queued[1] else WAITING), ""
        lines = len(found.windows.keys() | found.evaluations.keys())
        usual = (found.time - writer["time"]) / max(1, lines)
        if silence <= max(SILENT_SECONDS, USUAL_INTERVALS * usual):
            return RUNNING, ""
        return (SILENT if silence <= LOST_SECONDS + USUAL_INTERVALS * usual else STOPPED), "nothing was heard of it"

    def _failed_runs(self, known: _Known, sweep: LiveSweep) -> Iterator[tuple[str, LiveRun]]:
        for key, tree in known.failures.items():
            try:
                timestep, reason = int(tree.get("timesteps_done") or 0), str(tree["reason"])
                index, setting, number = (int(tree[name]) for name in ("index", "setting", "run_number"))
                place = str(tree["host"])
            except (KeyError, TypeError, ValueError):
                continue
            if 0 <= setting < len(sweep.grid):
                yield key, LiveRun(index, setting, number, FAILED, timestep, reason=reason, place=place)

    def _waiting_runs(
        self, known: _Known, text: bytes, sweep: LiveSweep, runs: dict[str, LiveRun]
    ) -> Iterator[tuple[str, LiveRun]]:
        """Yield the runs that a living call or a scheduler's queue has and that have left no trace yet."""
        for call in known.calls:
            if encode_json(call["experiment"]) == text and self._is_call_alive(call, known, runs):
                columns = (call[name] for name in ("key", "index", "setting", "run_number"))
                for key, index, setting, number in zip(*columns, strict=True):
                    yield key, LiveRun(index, setting, number, WAITING)
        for key, (index, _) in known.queued(text).items():
            setting, number = sweep.grid.locate(index)
            yield key, LiveRun(index, setting, number, WAITING)

    def _is_call_alive(self, call: dict[str, Any], known: _Known, runs: dict[str, LiveRun]) -> bool:
        writer = call["writer"]
        if writer["host"] == self._host:
            return is_alive(writer["process"])
        signs = [writer["time"]]
        for key in call["key"]:
            if key in runs and runs[key].state == RUNNING:
                return True
            if key in known.finished:
                signs.append(known.finished[key].written)
        return self._now() - max(signs) <= SILENT_SECONDS

    def _read_progress(self) -> dict[str, RunProgress]:
        """Return every progress file by key."""
        found = {}
        for path in list_progress(self.directory, RUN_ENDING):
            try:
                stamp = stamp_of(path.stat())
            except OSError:
                continue  # It has just been removed.
            if path not in self._progress or self._progress[path][0] != stamp:
                self._progress[path] = stamp, _try(read_progress, path)
            progress = self._progress[path][1]
            if progress is not None:
                found[path] = progress
        self._progress = {path: entry for path, entry in self._progress.items() if path in found}
        return {progress.header["key"]: progress for progress in found.values()}

    def _read_failures(self) -> dict[str, dict[str, Any]]:
        paths = (self.directory / FAILURES_DIRECTORY).glob("[!.]*.json")
        found = {path.stem: _try(read_json, path) for path in paths}
        return {key: tree for key, tree in found.items() if isinstance(tree, dict)}

    def _read_results(self) -> dict[str, FinishedRun]:
        """Return every result by key."""
        listing = ResultListing(self.directory)
        archived = [name for name in listing.archived_names() if name not in listing.files]
        stamps: dict[str, Stamp | None] = {**listing.files, **dict.fromkeys(archived)}
        for is_archived, names in ((False, list(listing.files)), (True, archived)):
            new = [name for name in names if name not in self._finished or self._finished[name][0] != stamps[name]]
            for name, content in zip(new, listing.read_all(new, is_archived), strict=True):
                self._finished[name] = stamps[name], read_finished(self.directory / name, content)
        self._finished = {name: self._finished[name] for name in stamps}
        return {run.key: run for _, run in self._finished.values() if run is not None}


def _newest_experiment(known: _Known) -> dict[str, Any] | None:
    """Return the experiment of the process that began last, or else of the queue, or of the latest result."""
    begun = [*known.calls, *(found.header for found in known.progress.values())]
    if begun:
        return max(begun, key=lambda each: each["writer"]["time"])["experiment"]
    if known.queue:
        return known.queue[-1][0]
    latest = max(known.finished.values(), key=lambda each: each.written, default=None)
    return None if latest is None else orjson.loads(latest.experiment)


def _try(read: Callable[[Path], Any], path: Path) -> Any:
    """Return what a function reads; None for a file that cannot be read, or is not what it should be."""
    try:
        return read(path)
    except BadInput:
        return None


def newest(readers: Iterable[LiveReader]) -> list[LiveSweep]:
    """Return the experiments that have runs."""
    return [sweep for reader in readers if (sweep := reader.read()) is not None]
