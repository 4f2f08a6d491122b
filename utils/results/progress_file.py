"""Progress files: what a run has done so far, while it has no result yet.

    progress/<key>.jsonl         a run in training: a header, then a line for each evaluation and window of diagnostics
    progress/<host>.<pid>.call   a call of main.py: the runs that it trains or is about to train

Lines are only appended, so a file that was cut off by a kill or by a full disk is readable: an incomplete or damaged
line is left out. A line may repeat a timestep; the later one counts. Nothing but reports reads these files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NotRequired

import numpy as np
import orjson
from pydantic import Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from utils.core.errors import BadInput
from utils.results.diagnostics import RunDiagnostics
from utils.results.schema import STRICT, ExperimentTree, Number, Returns, grid_of_tree

PROGRESS_DIRECTORY = "progress"
"""Directory of progress files, within the directory of results."""

FAILURES_DIRECTORY = "failures"
"""Directory of failure files, within the directory of results."""

RUN_ENDING, CALL_ENDING = ".jsonl", ".call"
"""Endings of the files of runs and of calls."""


@with_config(STRICT)
class ProcessTree(TypedDict):
    """The process that writes a file.  time: when it began, seconds since the epoch."""

    host: str
    process: int
    slurm: dict[str, str]
    time: float


@with_config(STRICT)
class HeaderTree(TypedDict):
    """First line of a run's file.  timestep: where this process began."""

    experiment: ExperimentTree
    setting: Annotated[int, Field(ge=0)]
    agent_params: dict[str, Any]
    index: int
    key: str
    run_number: Number
    timestep: Number
    engine: str
    writer: ProcessTree


@with_config(STRICT)
class LineTree(TypedDict):
    """A later line of a run's file.

    timestep: training timesteps made.  time: when it was written, seconds since the epoch.
    evaluation: returns of the episodes of an evaluation.  window: diagnostics of the window that ends here.
    train_episodes, train_return: number of training episodes that ended since the last line, and their mean return.
    stopped: what ended the process, if it was asked to stop.
    """

    timestep: Number
    time: float
    evaluation: NotRequired[Returns]
    window: NotRequired[dict[str, float | None]]
    train_episodes: NotRequired[Number]
    train_return: NotRequired[float | None]
    stopped: NotRequired[str]


@with_config(STRICT)
class CallTree(TypedDict):
    """A call's file.  runs: index, setting, run number and key of each run, in columns."""

    experiment: ExperimentTree
    writer: ProcessTree
    index: list[int]
    setting: list[Annotated[int, Field(ge=0)]]
    run_number: list[Number]
    key: list[str]


_HEADER, _LINE, _CALL = TypeAdapter(HeaderTree), TypeAdapter(LineTree), TypeAdapter(CallTree)


@dataclass
class RunProgress:
    """What a progress file says about its run.

    header: see `HeaderTree`.  timestep, time: of the last line.  evaluations: returns by timestep.
    windows: diagnostics by timestep.  training: number and mean return of training episodes, by timestep.
    stopped: what stopped the run; "" while it trains.
    """

    header: dict[str, Any]
    timestep: int
    time: float
    evaluations: dict[int, list[float | None]] = field(default_factory=dict)
    windows: dict[int, dict[str, float | None]] = field(default_factory=dict)
    training: dict[int, tuple[int, float | None]] = field(default_factory=dict)
    stopped: str = ""

    @property
    def diagnostics(self) -> RunDiagnostics:
        """The windows as arrays; NaN for a value that a window lacks or that was not finite."""
        timesteps = sorted(self.windows)
        names = dict.fromkeys(name for timestep in timesteps for name in self.windows[timestep])
        values = {name: np.array([self.windows[at].get(name) for at in timesteps], float) for name in names}
        return RunDiagnostics(np.array(timesteps, np.int64), values)

    def add(self, line: dict[str, Any]) -> None:
        """Add a line, see `LineTree`."""
        self.timestep, self.time = line["timestep"], line["time"]
        self.stopped = line.get("stopped", "")
        if "evaluation" in line:
            self.evaluations[self.timestep] = line["evaluation"]
        if "window" in line:
            self.windows[self.timestep] = line["window"]
        if "train_episodes" in line:
            self.training[self.timestep] = line["train_episodes"], line.get("train_return")


def progress_path(directory: Path, key: str) -> Path:
    """Return the path of a run's progress file.  directory: the experiment's directory."""
    return directory / PROGRESS_DIRECTORY / f"{key}{RUN_ENDING}"


def list_progress(directory: Path, ending: str) -> list[Path]:
    """Return the progress files in an experiment's directory, sorted.  ending: RUN_ENDING or CALL_ENDING."""
    return sorted((directory / PROGRESS_DIRECTORY).glob(f"[!.]*{ending}"))


def remove_progress(path: Path) -> None:
    """Remove a progress file, and its directory if that is empty. A failure to do so is harmless."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
        path.parent.rmdir()


def read_progress(path: Path) -> RunProgress | None:
    """Read a run's progress file; None if it no longer exists or has no complete line.

    Raises BadInput if it cannot be read or does not begin with a header.
    """
    lines = list(_complete_lines(_read(path)))
    if not lines:
        return None
    header = _parse(path, _HEADER, lines[0])
    _check_setting(path, header["experiment"], [header["setting"]])
    progress = RunProgress(header, header["timestep"], header["writer"]["time"])
    for line in lines[1:]:
        with suppress(BadInput):  # It was cut off by a full disk.
            progress.add(_parse(path, _LINE, line))
    return progress


def read_call(path: Path) -> dict[str, Any] | None:
    """Read a call's file, see `CallTree`; None if it no longer exists.  Raises BadInput if it cannot be read."""
    content = _read(path)
    if not content:
        return None
    call = _parse(path, _CALL, content)
    if len({len(call[name]) for name in ("index", "setting", "run_number", "key")}) > 1:
        raise BadInput(f"{path}: not a progress file: its columns differ in length")
    _check_setting(path, call["experiment"], call["setting"])
    return call


def _read(path: Path) -> bytes:
    """Return the content of a file, b"" if it does not exist.  Raises BadInput."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error


def _complete_lines(content: bytes) -> Iterator[bytes]:
    """Yield the lines that end, without those that are empty."""
    return (line for line in content.split(b"\n")[:-1] if line)


def _parse(path: Path, shape: TypeAdapter[Any], text: bytes) -> dict[str, Any]:
    """Parse JSON of a shape.  Raises BadInput."""
    try:
        tree = orjson.loads(text)
        shape.validate_python(tree)
    except (orjson.JSONDecodeError, ValidationError) as error:
        raise BadInput(f"{path}: not a progress file: {str(error).splitlines()[0]}") from error
    return tree


def _check_setting(path: Path, experiment: dict[str, Any], settings: list[int]) -> None:
    """Check that settings are in their grid.  Raises BadInput."""
    size = len(grid_of_tree({"experiment": experiment}))
    if max(settings, default=0) >= size:
        raise BadInput(f"{path}: not a progress file: found setting {max(settings)}; allowed: 0 to {size - 1}")
