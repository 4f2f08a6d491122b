"""The files that Stable-Baselines3 writes of a run: evaluations.npz of EvalCallback, and monitor.csv of Monitor.

Both count single steps of the environment. With n environments, one call of `step` counts n of them: EvalCallback's
eval_freq counts calls, but the timesteps in its file are its model's num_timesteps, n for each call. Each environment's
Monitor has a file of its own, with that environment's episodes. Monitor rounds returns to six decimals.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils.core.errors import BadInput, describe_error
from utils.core.indices import MAX_INDEX

EVALUATIONS, MONITOR = "evaluations*.npz", "*monitor.csv"
"""Patterns of the files' names."""

WANTED = "evaluations.npz of EvalCallback or monitor.csv of Monitor"


class Evaluations(NamedTuple):
    """The evaluations of a run.  timesteps: (E,).  returns: (E, N).  steps: (E, N), None if they are not there."""

    timesteps: np.ndarray
    returns: np.ndarray
    steps: np.ndarray | None


class Episode(NamedTuple):
    """A training episode.  end: step of its environment at which it ended.  environment: number."""

    end: int
    environment: int
    steps: int
    episode_return: float


@dataclass(frozen=True)
class Sb3Run:
    """A run of Stable-Baselines3.

    path: its directory or file.  files: those it was read from.  evaluations: None if it has none.
    episodes: of all environments, in the order in which they ended.  environments: number of monitor files.
    env_name: the environment's name; None if no file has it.
    """

    path: Path
    files: tuple[Path, ...]
    evaluations: Evaluations | None
    episodes: tuple[Episode, ...]
    environments: int
    env_name: str | None

    @property
    def timesteps(self) -> int:
        """The last timestep that is known of the run."""
        last = int(self.evaluations.timesteps[-1]) if self.evaluations else 0
        return max(last, sum(episode.steps for episode in self.episodes))

    @property
    def end(self) -> int:
        """The timestep of its last evaluation; of a run without evaluations, of its last episode."""
        return int(self.evaluations.timesteps[-1]) if self.evaluations else self.timesteps

    @property
    def lengths(self) -> set[int]:
        """The different lengths of its episodes, those of evaluations included."""
        steps = self.evaluations.steps if self.evaluations else None
        evaluated = set() if steps is None else set(np.unique(steps).tolist())
        return evaluated | {episode.steps for episode in self.episodes}


def read_sb3_runs(directory: Path) -> list[Sb3Run]:
    """Read the runs in a directory and below, in the natural order of their paths.

    A directory that has one of the files is a run. Several evaluations*.npz in one directory are a run each.
    Raises BadInput if there is none, a file is damaged, or what is one run is not clear.
    """
    if not directory.is_dir():
        reason = "Not a directory" if directory.exists() else "No such file or directory"
        raise BadInput(f"{directory}: {reason}; allowed: a directory with runs of Stable-Baselines3")
    try:
        found = [_read_run(path, *files) for path, files in _find_runs(directory)]
    except OSError as error:
        raise BadInput(f"{error.filename or directory}: cannot be read: {error.strerror}") from error
    if not found:
        raise BadInput(f"{directory}: found no run of Stable-Baselines3; allowed: a directory with {WANTED}")
    with_evaluations = [run for run in found if run.evaluations]
    if with_evaluations and len(with_evaluations) < len(found):
        other = next(run for run in found if not run.evaluations)
        raise BadInput(
            f"{with_evaluations[0].path} has evaluations, {other.path} has none; allowed: all runs with evaluations, "
            "or all without, each with its files in one directory"
        )
    return found


def _find_runs(directory: Path) -> Iterator[tuple[Path, tuple[list[Path], list[Path]]]]:
    """Yield each run's path, and its files of evaluations and of episodes.  Raises BadInput."""
    evaluations, monitors = (sorted(directory.glob(pattern), key=_natural) for pattern in (EVALUATIONS, MONITOR))
    if len(evaluations) > 1 and monitors:
        raise BadInput(
            f"{directory}: found {len(evaluations)} files of evaluations beside {monitors[0].name}; allowed: a "
            "directory for each run"
        )
    if len(evaluations) > 1:
        yield from ((path, ([path], [])) for path in evaluations)
    elif evaluations or monitors:
        yield directory, (evaluations, monitors)
    for path in sorted(directory.iterdir(), key=_natural):
        if path.is_dir() and not path.is_symlink():
            yield from _find_runs(path)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Return a key by which run_2 comes before run_10."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _read_run(path: Path, evaluations: Sequence[Path], monitors: Sequence[Path]) -> Sb3Run:
    read = [read_monitor(file, number) for number, file in enumerate(monitors)]
    names = sorted({name for name, _ in read if name is not None})
    if len(names) > 1:
        raise BadInput(f"{path}: found monitor files of {' and '.join(names)}; allowed: one environment in a run")
    return Sb3Run(
        path,
        (*evaluations, *monitors),
        read_evaluations(evaluations[0]) if evaluations else None,
        tuple(sorted(episode for _, episodes in read for episode in episodes)),
        len(monitors),
        names[0] if names else None,
    )


def read_evaluations(path: Path) -> Evaluations:
    """Read an evaluations.npz.  Raises BadInput if it is damaged or has other shapes; OSError."""
    content = path.read_bytes()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ("timesteps", "results", "ep_lengths") if name in stored.files}
    except Exception as error:  # zipfile, zlib and numpy raise nearly anything for a damaged file.
        raise BadInput(f"{path}: cannot be read as a .npz ({describe_error(error) or type(error).__name__})") from error
    missing = [name for name in ("timesteps", "results") if name not in arrays]
    if missing:
        raise BadInput(f"{path}: found no array '{missing[0]}'; allowed: what EvalCallback writes")
    timesteps, returns, steps = arrays["timesteps"], arrays["results"], arrays.get("ep_lengths")
    _check_array(path, "timesteps", timesteps, "iu", (len(returns),) if returns.ndim else (0,))
    _check_array(path, "results", returns, "iuf", returns.shape if returns.ndim == 2 and returns.size else (1, 1))
    if steps is not None:
        _check_array(path, "ep_lengths", steps, "iu", returns.shape)
        if steps.min() < 1:
            raise BadInput(f"{path}: ep_lengths: found {steps.min()}; allowed: 1 or more")
    if timesteps[0] < 0 or timesteps[-1] > MAX_INDEX or (np.diff(timesteps) <= 0).any():
        raise BadInput(f"{path}: timesteps: found numbers that do not increase; allowed: the evaluations of one run")
    return Evaluations(timesteps.astype(np.int64), returns.astype(np.float64), steps)


def _check_array(path: Path, name: str, array: np.ndarray, kinds: str, shape: tuple[int, ...]) -> None:
    """Raise BadInput unless an array has one of some kinds of numbers and a shape."""
    if array.dtype.kind not in kinds or array.shape != shape:
        numbers = "integers" if kinds == "iu" else "numbers"
        wanted = "(evaluations,)" if name == "timesteps" else "(evaluations, episodes)"
        raise BadInput(
            f"{path}: {name}: found {array.dtype} of shape {array.shape}; allowed: {numbers} of shape {wanted}"
        )


def read_monitor(path: Path, environment: int) -> tuple[str | None, list[Episode]]:
    """Return the environment's name in a monitor.csv, None if it has none, and its episodes.

    A last line that is not complete is left out.  environment: its number.  Raises BadInput if it is damaged; OSError.
    """
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not text; allowed: what Monitor writes") from error
    complete = text[: text.rfind("\n") + 1]
    head, _, table = complete.partition("\n")
    try:
        header = json.loads(head.removeprefix("#")) if head.startswith("#") else None
    except json.JSONDecodeError:
        header = None
    if not isinstance(header, dict):
        raise BadInput(f"{path}: line 1: found {head[:40]!r}; allowed: # and a JSON object, as Monitor writes them")
    rows = csv.DictReader(io.StringIO(table))
    if not {"r", "l"} <= set(rows.fieldnames or ()):
        raise BadInput(f"{path}: line 2: found columns {', '.join(rows.fieldnames or ())}; allowed: r, l and t")
    name = header.get("env_id")
    return (name if isinstance(name, str) and name != "None" else None), list(_episodes(path, rows, environment))


def _episodes(path: Path, rows: csv.DictReader[str], environment: int) -> Iterator[Episode]:
    end = 0
    for row in rows:
        try:
            steps, episode_return = int(row["l"]), float(row["r"])
        except (TypeError, ValueError):
            steps, episode_return = 0, 0.0
        if steps < 1:
            raise BadInput(
                f"{path}: line {rows.line_num + 1}: found r {row['r']} and l {row['l']}; allowed: a number, and an "
                "integer from 1"
            )
        end += steps
        yield Episode(end, environment, steps, episode_return)
