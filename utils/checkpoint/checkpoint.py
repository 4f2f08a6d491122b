"""The whole state of one run on disk, from which a later process resumes bit for bit.

    checkpoints/<key>/state                one line of JSON, then an .npz: the last complete state
    checkpoints/<key>/<name>.<n>.rows      rows of the replay and of recorded arrays (`utils.checkpoint.row_files`)
    checkpoints/<key>.lock                 present while a process trains the run
    checkpoints/<key>.refused              a refused checkpoint, kept until the run has its result

The first line holds the format version, the timestep, and the SHA-256 of the rest. The rows that a state refers to are
written first; the state is then written under a temporary name, flushed and renamed. Until the rename, the previous
state is valid and all of its rows are still present.

A checkpoint is verified before it is used. It is refused if it is damaged, or belongs to another format, run, or
version of a package that affects results. Nothing in it is executed.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from utils.checkpoint.row_files import Chunk, RowFiles, RowSequence
from utils.checkpoint.state_codec import EncodedState, decode_state, select_entry
from utils.core.errors import describe_error
from utils.files.atomic import make_directory, write_atomically

FORMAT = 4
"""Version of the format; increase it whenever the content or its meaning changes."""

CHECKPOINTS_DIRECTORY = "checkpoints"
"""Directory of checkpoints, within the directory of results."""


class CheckpointRefused(Exception):
    """Error whose one-line message explains why a run cannot resume from a checkpoint."""


@dataclass(frozen=True)
class Header:
    """First line of a state file.

    timestep: the run's timestep.  sha256: SHA-256 of the rest of the file, hexadecimal.
    """

    timestep: int
    sha256: str


class Checkpoint:
    """One run's checkpoint, which may not exist yet."""

    def __init__(self, directory: Path, conditions: Mapping[str, Any]) -> None:
        """Describe a checkpoint; nothing is read or written.

        directory: the run's own.  conditions: JSON values that must be equal when the checkpoint is loaded.
        """
        self.directory, self.conditions = directory, dict(conditions)
        self._files: dict[str, RowFiles] = {}

    @property
    def path(self) -> Path:
        """State file; the checkpoint exists if this file does."""
        return self.directory / "state"

    def exists(self) -> bool:
        """Return whether a checkpoint exists, valid or not."""
        return self.path.exists()

    def timestep(self) -> int | None:
        """Return the timestep of the saved state without verifying the rest; None if no timestep can be read."""
        try:
            with open(self.path, "rb") as file:
                return self._parse_header(file.readline()).timestep
        except (OSError, CheckpointRefused):
            return None

    def save(self, tree: Any, timestep: int) -> None:
        """Save a state.  Raises OSError; the previously saved state then remains valid."""
        encoded = EncodedState(tree)
        make_directory(self.directory)
        files = {name: self._files.get(name, RowFiles(self.directory, name)) for name in encoded.rows}
        chunks = {name: files[name].write(rows) for name, rows in encoded.rows.items()}
        index = {
            "conditions": self.conditions,
            "timestep": timestep,
            "rows": {name: _describe_rows(rows, chunks[name]) for name, rows in encoded.rows.items()},
        }
        write_atomically(self.path, _encode_file(index, encoded, timestep))
        for name, file in files.items():
            file.chunks = chunks[name]
            file.remove_unused()
        self._files = files

    def load(self) -> Any:
        """Return the saved state.  Raises CheckpointRefused if it is damaged or belongs to other conditions."""
        with self._refuse_unreadable():
            index, text, arrays = self._read_state()
            self._check_conditions(index["conditions"])
            return decode_state(text, arrays, self._read_rows(index["rows"]))

    def load_entry(self, name: str, without: Collection[str] = ()) -> tuple[int, Any]:
        """Return the timestep of the saved state and one of its entries, whatever its conditions are.

        name: of an entry that is a dictionary.  without: keys to leave out of it; their rows are not read.
        Raises CheckpointRefused if the state is damaged or has no such entry.
        """
        with self._refuse_unreadable():
            index, text, arrays = self._read_state()
            left_out = tuple(f"{name}.{key}" for key in without)
            described = {
                rows: entry
                for rows, entry in index["rows"].items()
                if rows.startswith(f"{name}.") and not rows.startswith(left_out)
            }
            selected = select_entry(text, name, without)
            return index["timestep"], decode_state(selected, arrays, self._read_rows(described))

    @contextmanager
    def _refuse_unreadable(self) -> Iterator[None]:
        """Raise CheckpointRefused instead of the errors of a file that is missing, damaged, or of other content."""
        try:
            yield
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise CheckpointRefused(f"{self.directory} cannot be read ({describe_error(error)})") from error

    def _read_state(self) -> tuple[dict[str, Any], bytes, dict[str, np.ndarray]]:
        """Return the index of the state file, the encoded state, and its arrays.

        Raises CheckpointRefused, or the errors of `_refuse_unreadable`, if it is damaged.
        """
        with open(self.path, "rb") as file:
            header, content = self._parse_header(file.readline()), file.read()
        if hashlib.sha256(content).hexdigest() != header.sha256:
            raise CheckpointRefused(f"{self.path} is damaged: its content has another SHA-256")
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = dict(stored)
        index, text = orjson.loads(arrays.pop(".index").tobytes()), arrays.pop(".tree").tobytes()
        if index["timestep"] != header.timestep:
            raise CheckpointRefused(
                f"{self.path} is damaged: found timesteps {header.timestep} and {index['timestep']}"
            )
        return index, text, arrays

    def _parse_header(self, line: bytes) -> Header:
        """Return the header in a state file's first line.  Raises CheckpointRefused if it is not valid."""
        try:
            found = orjson.loads(line)
            version, header = found["format"], Header(found["timestep"], found["sha256"])
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise CheckpointRefused(f"{self.path} is damaged: it does not begin with its header") from error
        if version != FORMAT:
            raise CheckpointRefused(f"{self.path} has format {version}; allowed here: {FORMAT}")
        if not isinstance(header.timestep, int):
            raise CheckpointRefused(f"{self.path} is damaged: found timestep {header.timestep!r}")
        return header

    def _check_conditions(self, conditions: dict[str, Any]) -> None:
        """Raise CheckpointRefused unless the saved conditions are those of this run and process."""
        for name in sorted(self.conditions.keys() | conditions.keys()):
            found, here = conditions.get(name), self.conditions.get(name)
            if found != here:
                raise CheckpointRefused(f"{self.path} is of another {name}: found {found}; allowed here: {here}")

    def _read_rows(self, described: dict[str, Any]) -> dict[str, np.ndarray]:
        """Return the rows of each sequence.  Raises OSError or ValueError."""
        rows = {}
        for name, entry in described.items():
            files = RowFiles(self.directory, name, [Chunk(*chunk) for chunk in entry["chunks"]])
            rows[name] = np.empty((entry["held"], *entry["shape"]), np.dtype(entry["dtype"]))
            files.read(rows[name], entry["count"])
            self._files[name] = files
        return rows

    def remove(self) -> None:
        """Remove the checkpoint and any that was put aside.  Raises OSError."""
        self._files = {}
        for directory in (self.directory, self._refused_directory):
            state = directory / self.path.name
            if state.is_file():
                state.unlink()  # First: without this file the checkpoint does not exist.
            if directory.exists():
                shutil.rmtree(directory)

    def put_aside(self) -> Path:
        """Rename the directory, so that the checkpoint no longer exists. Returns the new path.  Raises OSError."""
        self._files = {}
        if self._refused_directory.exists():
            shutil.rmtree(self._refused_directory)
        return self.directory.rename(self._refused_directory)

    @property
    def _refused_directory(self) -> Path:
        return self.directory.with_name(f"{self.directory.name}.refused")


def _describe_rows(rows: RowSequence, chunks: list[Chunk]) -> dict[str, Any]:
    """Return the metadata from which a row sequence is restored."""
    sample = np.asarray(rows.held[:1])
    return {
        "held": len(rows.held), "count": rows.count, "shape": list(sample.shape[1:]), "dtype": sample.dtype.str,
        "chunks": [list(chunk) for chunk in chunks],
    }  # fmt: skip


def _encode_file(index: dict[str, Any], encoded: EncodedState, timestep: int) -> bytes:
    """Return the content of a state file."""
    buffer = io.BytesIO()
    texts = {".index": orjson.dumps(index), ".tree": encoded.text}
    members = {name: np.frombuffer(text, np.uint8) for name, text in texts.items()}
    np.savez(buffer, allow_pickle=False, **members, **encoded.arrays)
    content = buffer.getbuffer()
    header = {"format": FORMAT, "timestep": timestep, "sha256": hashlib.sha256(content).hexdigest()}
    return orjson.dumps(header, option=orjson.OPT_APPEND_NEWLINE) + content
