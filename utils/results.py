"""Result files: what a run is called, where it stands, how it is written and read.

A result is `<env>_<agent>_<key>.json`, with its arrays in a `.npz` of the same name. A file appears
under its name complete or not at all.
"""

from __future__ import annotations

import glob
import hashlib
import io
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import orjson

from utils.archive import open_archive
from utils.errors import BadInput
from utils.json_text import parse_json

if TYPE_CHECKING:
    from utils.bundle import Run
    from utils.config import EnvironmentConfig
    from utils.record import Record

SCHEMA_VERSION = 1

KEY_DIGITS = 12

BUFFER = 2**20
"""Bytes that are written at a time."""


class Setting:
    """What names the runs of one setting: everything that makes a run but its number."""

    def __init__(self, agent_name: str, agent_params: dict[str, Any], environment: dict[str, Any]) -> None:
        identity = {"agent_name": agent_name, "agent_params": agent_params, "environment": environment}
        self._beginning = orjson.dumps(identity, option=orjson.OPT_SORT_KEYS)[:-1]

    def key(self, run: int) -> str:
        """The first 12 hexadecimal digits of SHA-256 over canonical JSON, in which "run" is the last key."""
        return hashlib.sha256(self._beginning + b',"run":%d}' % run).hexdigest()[:KEY_DIGITS]


def save_root(save_dir: str) -> Path:
    """--save-dir as a path: an absolute one as it is, a relative one under results/."""
    path = Path(save_dir)
    if path.is_absolute():
        return path
    parts = path.parts[1:] if path.parts[:1] == ("results",) else path.parts
    return Path("results", *parts)


def experiment_name(env_name: str, agent_name: str, policies: list[str] | None) -> str:
    """`<env>_<agent>`, and the policy when the whole grid has one.  policies: those in the grid."""
    parts = [env_name, agent_name, *(policies if policies and len(policies) == 1 else [])]
    return "_".join(re.sub(r"[^\w.+-]", "-", part) for part in parts)


@dataclass(frozen=True)
class ResultFile:
    """Where one run's result is, or will be."""

    directory: Path
    stem: str

    @property
    def json(self) -> Path:
        """The result itself."""
        return self.directory / f"{self.stem}.json"

    @property
    def npz(self) -> Path:
        """Its arrays."""
        return self.directory / f"{self.stem}.npz"

    @property
    def mp4(self) -> Path:
        """What was monitored of its training, where no window could be opened."""
        return self.directory / f"{self.stem}.mp4"

    def exists(self) -> bool:
        """Whether a whole, readable result is there, or was and is archived.  Raises BadInput if the archive is bad."""
        return (self.json.exists() and self.flaw() is None) or is_archived(self.json)

    def flaw(self) -> str | None:
        """Why what is there is not whole or not readable; None where it is, or there is nothing."""
        if not self.json.exists():
            return None
        try:
            run = only_run(parse_tree(self.json, self.json.read_bytes()))
        except (BadInput, OSError) as error:
            return str(error)
        named = any(isinstance(part, dict) and "file" in part for part in run.values())
        if not named or zipfile.is_zipfile(self.npz) or is_archived(self.npz):
            return None
        return f"{self.npz}: missing or cut off"

    def put_aside(self) -> list[Path]:
        """Have there be no result, without losing its files. Returns where they are now.  Raises OSError."""
        there = [path for path in (self.json, self.npz) if path.is_file()]
        return [path.replace(path.with_name(f"{path.name}.damaged")) for path in there]

    def write(self, tree: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Arrays first, then the tree that names them.  Raises OSError.

        One process at a time writes a run's result: what another left half-written is removed.
        """
        make_directory(self.directory)  # It may have been removed since training began.
        for path in (self.json, self.npz):
            for leftover in self.directory.glob(f".{glob.escape(path.name)}.*.tmp"):
                leftover.unlink(missing_ok=True)
        if arrays:
            buffer = io.BytesIO()
            np.savez(buffer, allow_pickle=False, **arrays)
            write_atomically(self.npz, buffer.getvalue())
        write_atomically(self.json, dump(tree))


def run_data(
    run: Run, record: Record, environment: EnvironmentConfig, origin: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A finished run as it stands in its result, and the arrays that stand beside it.

    origin: the provenance. The result names each array by its place in the .npz.
    """
    recorded = {name: np.stack(rows) for name, rows in record.arrays.items()}
    learned = {f"learned_params/{name}": array for name, array in record.learned_params.items()}
    data = {
        "schema_version": SCHEMA_VERSION,
        "index": run.index,
        "key": run.key,
        "status": record.status,
        "diverged_at_timestep": record.diverged_at_timestep,
        "nonfinite": record.nonfinite,
        "run_number": run.run,
        "random_seed": run.random_seed,
        "total_timesteps": environment.total_timesteps,
        "timesteps_done": record.timesteps,
        "eval_interval_timesteps": environment.eval_interval_timesteps,
        "episodes_per_eval": environment.eval_episodes,
        **record.curves(),
        "learned_params": _reference(run, learned),
        **{name: _reference(run, {name: array}) for name, array in recorded.items()},
        "provenance": origin | record.resumption(),
    }
    return data, recorded | learned


def _reference(run: Run, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Where arrays are to be found, and their shapes; {} for none."""
    if not arrays:
        return {}
    return {"file": run.file.npz.name, "arrays": {name: list(array.shape) for name, array in arrays.items()}}


def dump(tree: Any) -> bytes:
    """Strict JSON: non-finite numbers become null."""
    return orjson.dumps(tree, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def write_atomically(path: Path, content: bytes) -> None:
    """The file holds all of content, or stays what it was, whatever interrupts.  Raises OSError."""
    with written_atomically(path) as file:
        file.write(content)


@contextmanager
def written_atomically(path: Path) -> Iterator[BinaryIO]:
    """A file to write to and read again, which takes the path's place when the block ends without an error."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "w+b", buffering=BUFFER) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_directory(path.parent)


def make_directory(directory: Path) -> None:
    """Make it, and those that it lies in, to last.  Raises OSError."""
    made = _missing(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for path in made:
        _sync_directory(path.parent)


def _missing(directory: Path) -> list[Path]:
    """Those of a directory and the ones that it lies in that are not there, innermost first."""
    return [path for path in (directory, *directory.parents) if not path.exists()]


def _sync_directory(directory: Path) -> None:
    """Make a rename in the directory last."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_writable(directory: Path) -> None:
    """Make the directory and try it.  Raises BadInput, leaving nothing behind, if it cannot be written."""
    made = _missing(directory)
    probe = directory / f".probe.{os.getpid()}.tmp"
    try:
        make_directory(directory)
        probe.touch()
        probe.unlink()
    except OSError as error:
        for path in made:
            with suppress(OSError):  # It was never made, or is on a disk that is read-only.
                path.rmdir()
        raise BadInput(
            f"--save-dir: '{directory}' cannot be written ({error.strerror}); allowed: a writable directory"
        ) from error


def is_archived(path: Path) -> bool:
    """Whether the file was packed into its directory's archive.  Raises BadInput if that is none."""
    archive = open_archive(path.parent)
    return archive is not None and path.name in archive.members


def read_file(path: Path) -> bytes:
    """A file's content, out of its directory's archive where it stands only there.  Raises OSError or BadInput."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        archive = open_archive(path.parent)
        if archive is None or path.name not in archive.members:
            raise
        return archive.read(path.name)


def read_tree(path: Path) -> dict[str, Any]:
    """A result file's or a data.json's tree.  Raises OSError, or BadInput if it is not one."""
    return parse_tree(path, read_file(path))


def parse_tree(path: Path, content: bytes) -> dict[str, Any]:
    """As `read_tree`, of a file's content.  path: for messages."""
    tree = parse_json(path, content)
    if not _is_tree(tree):
        raise BadInput(f"{path}: not a result: 'experiment' and 'experiment_data' of settings with runs are required")
    return tree


def _is_tree(tree: Any) -> bool:
    """Whether the parts that every reader relies on are there."""
    if not isinstance(tree, dict) or not {"experiment", "experiment_data"} <= tree.keys():
        return False
    experiment, cells = tree["experiment"], tree["experiment_data"]
    if not _has_objects(experiment, "environment", "agent") or not isinstance(cells, dict):
        return False
    return all(map(_is_cell, cells.values()))


def _is_cell(cell: Any) -> bool:
    """Whether it is a setting with its runs."""
    if not _has_objects(cell, "agent_params") or not isinstance(cell.get("runs"), list):
        return False
    return all(isinstance(run, dict) for run in cell["runs"])


def _has_objects(value: Any, *names: str) -> bool:
    """Whether it is an object that has these objects."""
    return isinstance(value, dict) and all(isinstance(value.get(name), dict) for name in names)


def only_run(tree: dict[str, Any]) -> dict[str, Any]:
    """The run of a single run's tree.  Raises BadInput if it does not have exactly one."""
    runs = [run for cell in tree["experiment_data"].values() for run in cell["runs"]]
    if len(runs) != 1:
        raise BadInput(f"found {len(runs)} runs in a result; allowed: one")
    return runs[0]
