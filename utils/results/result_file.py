"""Result files: how a run is identified, where its result is, how it is written.

A result is `<env>_<agent>_<key>.json`, with its arrays in a `.npz` of the same name. A file appears under its name
complete or not at all.
"""

from __future__ import annotations

import glob
import hashlib
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from utils.core.errors import BadInput
from utils.files.archive import is_archived, open_archive
from utils.files.atomic import make_directory, write_atomically
from utils.files.json_text import canonical_json, encode_json
from utils.results.schema import Result, parse_result

KEY_DIGITS = 12
"""Hexadecimal digits of a key: 48 bits."""


class SettingIdentity:
    """Everything that identifies the runs of one setting, except their run number."""

    def __init__(self, agent_name: str, agent_params: dict[str, Any], environment: dict[str, Any]) -> None:
        identity = {"agent_name": agent_name, "agent_params": agent_params, "environment": environment}
        self._beginning = canonical_json(identity)[:-1]

    def key(self, run: int, start: str | None = None) -> str:
        """Return a run's key: the first 12 hexadecimal digits of SHA-256 over canonical JSON with "run" as last key.

        start: SHA-256 of the learned parameters that the run begins from, which follows as "start_from"; None: none.
        """
        end = b"" if start is None else b',"start_from":"%s"' % start.encode()
        return hashlib.sha256(self._beginning + b',"run":%d%s}' % (run, end)).hexdigest()[:KEY_DIGITS]


def results_root(save_dir: str) -> Path:
    """Return --save-dir as a path: an absolute path as it is, a relative one under results/."""
    path = Path(save_dir)
    if path.is_absolute():
        return path
    parts = path.parts[1:] if path.parts[:1] == ("results",) else path.parts
    return Path("results", *parts)


def experiment_name(env_name: str, agent_name: str, policies: list[str] | None) -> str:
    """Return `<env>_<agent>`, followed by the policy if the whole grid has one.

    policies: the policies in the grid; None for an agent without one.
    """
    parts = [env_name, agent_name, *(policies if policies and len(policies) == 1 else [])]
    return "_".join(re.sub(r"[^\w.+-]", "-", part) for part in parts)


@dataclass(frozen=True)
class ResultFile:
    """Path of one run's result, written or not.

    directory: the experiment's directory.
    stem: file name without suffix.
    """

    directory: Path
    stem: str

    @property
    def json(self) -> Path:
        """Path of the result itself."""
        return self.directory / f"{self.stem}.json"

    @property
    def npz(self) -> Path:
        """Path of the result's arrays."""
        return self.directory / f"{self.stem}.npz"

    @property
    def mp4(self) -> Path:
        """Path of the video that monitoring records if it cannot open a window."""
        return self.directory / f"{self.stem}.mp4"

    def exists(self) -> bool:
        """Return whether there is a complete, readable result, in its file or in the archive.

        Raises BadInput if the archive is damaged.
        """
        return (self.json.exists() and self.find_flaw() is None) or is_archived(self.json)

    def read(self) -> Result | None:
        """Return the complete, readable result, from its file or from the archive; None if there is none.

        Raises BadInput if the archive is damaged.
        """
        if self.json.exists():
            try:
                return self._read_complete()
            except (BadInput, OSError):
                pass  # The archive may have a complete one.
        if not is_archived(self.json):
            return None
        archive = open_archive(self.directory)
        assert archive is not None
        return parse_result(self.json, archive.read(self.json.name))

    def find_flaw(self) -> str | None:
        """Return why the result is incomplete or not readable; None if it is complete or does not exist."""
        if not self.json.exists():
            return None
        try:
            self._read_complete()
        except (BadInput, OSError) as error:
            return str(error)
        return None

    def _read_complete(self) -> Result:
        """Return the result in the file.  Raises OSError, or BadInput if it is incomplete or not readable."""
        result = parse_result(self.json, self.json.read_bytes())
        has_arrays = any(isinstance(part, dict) and "file" in part for part in result.run.values())
        if not has_arrays or zipfile.is_zipfile(self.npz) or is_archived(self.npz):
            return result
        raise BadInput(f"{self.npz}: missing or truncated")

    def put_aside(self) -> list[Path]:
        """Move the result's files aside, as `<name>.damaged`, and return their new paths.  Raises OSError."""
        paths = [path for path in (self.json, self.npz) if path.is_file()]
        return [path.replace(path.with_name(f"{path.name}.damaged")) for path in paths]

    def write(self, tree: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Write the arrays, then the tree that names them, each atomically.  Raises OSError.

        Only one process at a time writes a run's result: what an earlier one left half-written is removed.
        """
        make_directory(self.directory)  # It may have been removed since training began.
        for path in (self.json, self.npz):
            for leftover in self.directory.glob(f".{glob.escape(path.name)}.*.tmp"):
                leftover.unlink(missing_ok=True)
        if arrays:
            buffer = io.BytesIO()
            np.savez(buffer, allow_pickle=False, **arrays)
            write_atomically(self.npz, buffer.getvalue())
        write_atomically(self.json, encode_json(tree))
