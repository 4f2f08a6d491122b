"""The ledger of an output: which runs it has, by the digests of their content, so that none is exported twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from utils.core.errors import BadInput
from utils.files.atomic import write_atomically
from utils.files.json_text import encode_json, read_json
from utils.files.lock import Lock


class Entry(NamedTuple):
    """An exported run.  digest: of its content and of the format it was written in.  place: where the tool has it."""

    digest: str
    place: str


_VALIDATOR = TypeAdapter(dict[str, tuple[str, str]])


class Ledger:
    """The runs that a tool has in an output, by their keys."""

    def __init__(self, output: Path, tool: str) -> None:
        """Read the ledger, if there is one.  Raises BadInput if it is not one."""
        self.path = output / f"exported_{tool}.json"
        self.entries: dict[str, Entry] = {}
        if self.path.exists():
            try:
                found = _VALIDATOR.validate_python(read_json(self.path))
            except (BadInput, ValidationError) as error:
                raise BadInput(
                    f"{self.path}: not a list of exported runs; remove it to export all runs again"
                ) from error
            self.entries = {key: Entry(*values) for key, values in found.items()}

    def write(self) -> None:
        """Write the ledger atomically.  Raises OSError."""
        write_atomically(self.path, encode_json({key: list(entry) for key, entry in sorted(self.entries.items())}))


@contextmanager
def lock_output(output: Path) -> Iterator[None]:
    """Keep other processes from exporting into a directory.  Raises OSError, or BadInput if one does."""
    lock = Lock(output / ".exporting.lock")
    try:
        if not lock.acquire():
            raise BadInput(f"{output}: {lock.holder()} exports into it; allowed: one process at a time")
        yield
    finally:
        lock.release()
