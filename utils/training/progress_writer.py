"""Writing of progress files (`utils.results.progress_file`): what the runs of a stack have done so far.

Nothing is kept besides the runs' records: a write takes from them what is new. There is at most one write a second for
all runs of a process, and none sooner than 250 times as long as the last one took, which bounds the cost to 0.4% of
the time on any file system. An error of the file system is logged once and ends nothing.
"""

from __future__ import annotations

import errno
import glob
import logging
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from utils.core.interrupt import Stopped
from utils.core.machine import is_alive
from utils.core.provenance import slurm_ids
from utils.experiment.experiment import Experiment, Run
from utils.files.json_text import encode_json
from utils.results.progress_file import CALL_ENDING, PROGRESS_DIRECTORY, progress_path, remove_progress
from utils.training.run_record import RunRecord

WRITE_SECONDS = 1.0
"""Shortest time between two writes, s."""

COST_RATIO = 250.0
"""Shortest time between two writes as a multiple of the time that a write took."""

CHECK_SECONDS = 0.1
"""Approximate time between two looks at the clock, s."""

log = logging.getLogger("policy_params")


@dataclass(frozen=True)
class Written:
    """How much of a record is in its file.  steps: sum of the lengths of the episodes."""

    evaluations: int = 0
    windows: int = 0
    episodes: int = 0
    steps: int = 0


class ProgressWriter:
    """A writer of the progress files of a stack's runs."""

    def __init__(
        self,
        experiment: Experiment,
        runs: Sequence[Run],
        stepped: Callable[[int], object] = lambda steps: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare to write; `writing` begins.

        stepped: called with the timesteps that `stepped` receives.  clock: returns seconds.
        """
        self._experiment, self._runs, self._pass_on, self._clock = experiment, runs, stepped, clock
        self._records: Sequence[RunRecord] = ()
        self._headers: list[bytes] = []
        self._written: dict[int, Written] = {}
        self._cut_off: set[int] = set()
        self._stride = self._left = 1
        self._looked = self._earliest = 0.0

    @contextmanager
    def writing(self, records: Sequence[RunRecord], engine: str) -> Iterator[None]:
        """Write the files of runs with these records, and what is new while the block runs.

        A file that an earlier process left is replaced: the record has all of it that counts.
        """
        self._records = records
        self._headers = [self._header(run, record, engine) for run, record in zip(self._runs, records, strict=True)]
        self._written = {slot: Written() for slot in range(len(self._runs))}
        for slot in self._written:
            self._report_errors(slot, self._begin)
        self._looked = self._clock()
        try:
            yield
        except Stopped:
            self._write("stopped")
            raise

    def stepped(self, steps: int) -> None:
        """Count timesteps that all runs have made; look at the clock now and then, and write if it is time."""
        self._pass_on(steps)
        self._left -= steps
        if self._left <= 0:
            self._look()

    def end(self, slot: int, remove: bool = False) -> None:
        """Write nothing more of a run.  remove: remove its file, as it has a result."""
        self._written.pop(slot, None)
        if remove:
            remove_progress(self._path(slot))

    def _look(self) -> None:
        now = self._clock()
        self._stride = self._stride * 2 if now - self._looked < CHECK_SECONDS else max(1, self._stride // 2)
        self._left, self._looked = self._stride, now
        if now >= self._earliest:
            self._write()
            after = self._clock()
            self._earliest = now + max(WRITE_SECONDS, COST_RATIO * (after - now))

    def _write(self, stopped: str = "") -> None:
        """Append what is new to each file.  stopped: what ends this process."""
        for slot in list(self._written):
            self._report_errors(slot, self._append, stopped)

    def _append(self, slot: int, stopped: str) -> None:
        """Append what is new of a run; if its file is gone, write all.  Raises OSError."""
        lines, written = new_lines(self._records[slot], self._written[slot])
        if stopped:
            lines += _encode_line({"timestep": self._records[slot].timesteps, "time": time.time(), "stopped": stopped})
        if not lines:
            return
        try:
            append_lines(self._path(slot), b"\n" * (slot in self._cut_off) + lines)
        except FileNotFoundError:
            self._begin(slot)
            return
        self._note_written(slot, written)

    def _begin(self, slot: int) -> None:
        """Write a run's file anew.  Raises OSError."""
        lines, written = new_lines(self._records[slot], Written())
        path = self._path(slot)
        path.unlink(missing_ok=True)
        while True:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                append_lines(path, self._headers[slot] + lines, os.O_CREAT)
            except FileNotFoundError:
                continue  # Another process has just removed the empty directory.
            break
        self._note_written(slot, written)

    def _note_written(self, slot: int, written: Written) -> None:
        self._written[slot] = written
        self._cut_off.discard(slot)

    def _header(self, run: Run, record: RunRecord, engine: str) -> bytes:
        tree = {
            "experiment": self._experiment.tree(run, {})["experiment"], "setting": run.setting,
            "agent_params": run.agent_params, "index": run.index, "key": run.key, "run_number": run.run,
            "timestep": record.timesteps, "engine": engine, "writer": _this_process(),
        }  # fmt: skip
        return _encode_line(tree)

    def _path(self, slot: int) -> Path:
        return progress_path(self._runs[slot].file.directory, self._runs[slot].key)

    def _report_errors(self, slot: int, write: Callable[..., None], *arguments: Any) -> None:
        """Write; after an error, the file may end within a line, which the next write ends."""
        try:
            write(slot, *arguments)
        except OSError as error:
            self._cut_off.add(slot)
            _warn(self._experiment.directory, error.strerror)


def new_lines(record: RunRecord, written: Written) -> tuple[bytes, Written]:
    """Return the lines of a record's evaluations and windows that are not written, and how much is written with them.

    Training episodes are in the line of the first evaluation or window after their end.
    """
    evaluations = _numbers(record.timesteps_at_eval, written.evaluations)
    windows = _numbers(record.timesteps_at_diagnostics, written.windows)
    lines, now, episodes, steps = [], time.time(), written.episodes, written.steps
    for timestep in sorted(evaluations.keys() | windows.keys()):
        line: dict[str, Any] = {"timestep": timestep, "time": now}
        if timestep in evaluations:
            line["evaluation"] = record.eval_episode_rewards[evaluations[timestep]]
        if timestep in windows:
            line["window"] = {name: series[windows[timestep]] for name, series in record.diagnostics.items()}
        first = episodes
        while episodes < len(record.train_episode_steps) and steps + record.train_episode_steps[episodes] <= timestep:
            steps += record.train_episode_steps[episodes]
            episodes += 1
        if episodes > first:
            returns = record.train_episode_rewards[first:episodes]
            line |= {"train_episodes": len(returns), "train_return": sum(returns) / len(returns)}
        lines.append(_encode_line(line))
    count = Written(written.evaluations + len(evaluations), written.windows + len(windows), episodes, steps)
    return b"".join(lines), count


def _numbers(timesteps: Sequence[int], first: int) -> dict[int, int]:
    """Return the number of each timestep from number `first` on."""
    return {timesteps[number]: number for number in range(first, len(timesteps))}


def _encode_line(tree: dict[str, Any]) -> bytes:
    return encode_json(tree) + b"\n"


def append_lines(path: Path, lines: bytes, flags: int = 0) -> None:
    """Append lines by a single write.  flags: for open(2), besides those to append.

    Raises OSError, also if only a part could be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | flags, 0o666)
    try:
        if os.write(descriptor, lines) < len(lines):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)


def _this_process() -> dict[str, Any]:
    return {"host": platform.node(), "process": os.getpid(), "slurm": slurm_ids(), "time": time.time()}


@contextmanager
def call_file(experiment: Experiment, runs: Sequence[Run]) -> Iterator[None]:
    """Have a file that says which runs this process trains, or is about to train, while the block runs."""
    directory = experiment.directory / PROGRESS_DIRECTORY
    path = directory / f"{platform.node()}.{os.getpid()}{CALL_ENDING}"
    tree = {
        "experiment": experiment.tree(runs[0], {})["experiment"], "writer": _this_process(),
        "index": [run.index for run in runs], "setting": [run.setting for run in runs],
        "run_number": [run.run for run in runs], "key": [run.key for run in runs],
    }  # fmt: skip
    try:
        _remove_calls_of_dead(directory)
        directory.mkdir(parents=True, exist_ok=True)
        append_lines(path, _encode_line(tree), os.O_CREAT | os.O_TRUNC)
    except OSError as error:
        _warn(experiment.directory, error.strerror)
    try:
        yield
    finally:
        remove_progress(path)


def _remove_calls_of_dead(directory: Path) -> None:
    """Remove the files of calls on this host that were killed."""
    for path in directory.glob(f"{glob.escape(platform.node())}.*{CALL_ENDING}"):
        process = path.name.removesuffix(CALL_ENDING).rpartition(".")[2]
        if process.isdecimal() and not is_alive(int(process)):
            remove_progress(path)


@cache
def _warn(directory: Path, reason: str) -> None:
    """Warn, once per directory and reason, that progress files cannot be written."""
    log.warning("%s: progress files cannot be written (%s); training continues", directory / PROGRESS_DIRECTORY, reason)
