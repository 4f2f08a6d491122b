"""One run's whole state on disk, so that a later process goes on from there to the bit.

    checkpoints/<key>/state                a line of JSON, then an .npz: the last good state, whole
    checkpoints/<key>/<name>.<n>.rows      rows of the replay and of recorded arrays (`utils.checkpoint.row_files`)
    checkpoints/<key>.lock                 while a process trains the run
    checkpoints/<key>.refused              a checkpoint that was refused, until the run has its result

The line holds the format's version, the timestep, and the SHA-256 of all that follows. A state is
written under a temporary name, flushed and renamed, after the rows that it counts on: until the rename
the state before is the one that holds, and all of its rows are still there.

What is read is checked before it is used, and refused if it is damaged or of another format, run, or
version of a package whose arithmetic a result depends on. Nothing in it is executed.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from utils.checkpoint.row_files import Chunk, RowFiles, RowSequence
from utils.checkpoint.state_codec import EncodedState, decode_state
from utils.files.atomic import make_directory, write_atomically

FORMAT = 1
"""To be raised whenever what is saved, or what it means, changes."""

CHECKPOINTS_DIRECTORY = "checkpoints"


class CheckpointRefused(Exception):
    """Says, in one line, why a checkpoint cannot be gone on from."""


@dataclass(frozen=True)
class Header:
    """What can be known of a state without reading all of it."""

    timestep: int
    sha256: str


class Checkpoint:
    """The state of one run; there may be none."""

    def __init__(self, directory: Path, conditions: Mapping[str, Any]) -> None:
        """directory: the run's own.  conditions: JSON values that must be the same when it is read."""
        self.directory, self.conditions = directory, dict(conditions)
        self._files: dict[str, RowFiles] = {}

    @property
    def path(self) -> Path:
        """The file that makes it a checkpoint."""
        return self.directory / "state"

    def exists(self) -> bool:
        """Whether there is one, good or not."""
        return self.path.exists()

    def timestep(self) -> int | None:
        """Where the run stands, unchecked; None where there is no state that says so."""
        try:
            with open(self.path, "rb") as file:
                return self._header(file.readline()).timestep
        except (OSError, CheckpointRefused):
            return None

    def save(self, tree: Any, timestep: int) -> None:
        """Have the checkpoint be this state.  Raises OSError, the state before then being the one that holds."""
        packed = EncodedState(tree)
        make_directory(self.directory)
        files = {name: self._files.get(name, RowFiles(self.directory, name)) for name in packed.rows}
        chunks = {name: files[name].write(rows) for name, rows in packed.rows.items()}
        index = {
            "conditions": self.conditions,
            "timestep": timestep,
            "rows": {name: _described(rows, chunks[name]) for name, rows in packed.rows.items()},
        }
        write_atomically(self.path, _content(index, packed, timestep))
        for name, file in files.items():
            file.chunks = chunks[name]
            file.remove_unused()
        self._files = files

    def load(self) -> Any:
        """The state that was saved.  Raises Refused."""
        try:
            with open(self.path, "rb") as file:
                header, content = self._header(file.readline()), file.read()
            if hashlib.sha256(content).hexdigest() != header.sha256:
                raise CheckpointRefused(f"{self.path} is damaged: its content has another SHA-256")
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                arrays = dict(stored)
            index, text = orjson.loads(arrays.pop(".index").tobytes()), arrays.pop(".tree").tobytes()
            self._check(index, header)
            tree = decode_state(text, arrays, self._read_rows(index["rows"]))
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise CheckpointRefused(f"{self.directory} cannot be read ({' '.join(str(error).split())})") from error
        return tree

    def _header(self, line: bytes) -> Header:
        """A state's first line.  Raises Refused."""
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

    def _check(self, index: dict[str, Any], header: Header) -> None:
        if index["timestep"] != header.timestep:
            raise CheckpointRefused(
                f"{self.path} is damaged: found timesteps {header.timestep} and {index['timestep']}"
            )
        for name in sorted(self.conditions.keys() | index["conditions"].keys()):
            found, here = index["conditions"].get(name), self.conditions.get(name)
            if found != here:
                raise CheckpointRefused(f"{self.path} is of another {name}: found {found}; allowed here: {here}")

    def _read_rows(self, described: dict[str, Any]) -> dict[str, np.ndarray]:
        """All rows that count.  Raises OSError or ValueError."""
        rows = {}
        for name, entry in described.items():
            files = RowFiles(self.directory, name, [Chunk(*chunk) for chunk in entry["chunks"]])
            rows[name] = np.empty((entry["held"], *entry["shape"]), np.dtype(entry["dtype"]))
            files.read(rows[name], entry["count"])
            self._files[name] = files
        return rows

    def remove(self) -> None:
        """There is none any more, nor one that was put aside.  Raises OSError."""
        self._files = {}
        for directory in (self.directory, self._aside):
            state = directory / self.path.name
            if state.is_file():
                state.unlink()  # First: without it there is none.
            if directory.exists():
                shutil.rmtree(directory)

    def put_aside(self) -> Path:
        """Have there be none, without losing what is there. Returns where it is now.  Raises OSError."""
        self._files = {}
        if self._aside.exists():
            shutil.rmtree(self._aside)
        return self.directory.rename(self._aside)

    @property
    def _aside(self) -> Path:
        return self.directory.with_name(f"{self.directory.name}.refused")


def _described(rows: RowSequence, chunks: list[Chunk]) -> dict[str, Any]:
    """What is to be known of rows besides their bytes."""
    sample = np.asarray(rows.held[:1])
    return {
        "held": len(rows.held), "count": rows.count, "shape": list(sample.shape[1:]), "dtype": sample.dtype.str,
        "chunks": [list(chunk) for chunk in chunks],
    }  # fmt: skip


def _content(index: dict[str, Any], packed: EncodedState, timestep: int) -> bytes:
    """The file of a state."""
    buffer = io.BytesIO()
    texts = {".index": orjson.dumps(index), ".tree": packed.text}
    members = {name: np.frombuffer(text, np.uint8) for name, text in texts.items()}
    np.savez(buffer, allow_pickle=False, **members, **packed.arrays)
    content = buffer.getbuffer()
    header = {"format": FORMAT, "timestep": timestep, "sha256": hashlib.sha256(content).hexdigest()}
    return orjson.dumps(header, option=orjson.OPT_APPEND_NEWLINE) + content
