"""Result files: what a run is called, where it stands, how it is written and read.

A result is `<env>_<agent>_<key>.json`, with its arrays in a `.npz` of the same name. A file appears
under its name complete or not at all.
"""

from __future__ import annotations

import glob
import hashlib
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from utils.core.errors import BadInput
from utils.files.archive import is_archived
from utils.files.atomic import make_directory, write_atomically
from utils.files.json_text import canonical_json, dump
from utils.results.schema import only_run, parse_tree

if TYPE_CHECKING:
    pass


KEY_DIGITS = 12


class Setting:
    """What names the runs of one setting: everything that makes a run but its number."""

    def __init__(self, agent_name: str, agent_params: dict[str, Any], environment: dict[str, Any]) -> None:
        identity = {"agent_name": agent_name, "agent_params": agent_params, "environment": environment}
        self._beginning = canonical_json(identity)[:-1]

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
