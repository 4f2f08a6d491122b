"""Combination of a directory's result files into data.json, one run at a time.

data.json depends on the content of the files only, not on the order in which they are listed, on what an earlier call
has read, or on which of them are archived: settings and runs are in the order of their numbers. If several results
agree on a run, the first by name is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from utils.combining.data_json import lazy_tree
from utils.combining.data_json_writer import write_data_json
from utils.combining.index_file import INDEX_FILE, Entry
from utils.combining.listing import ResultListing, Stamp, stamp_of
from utils.combining.parquet import TABLES
from utils.combining.run_bytes import RunByteStore
from utils.combining.selection import Selection, Selector, WantedRuns
from utils.combining.survey import Survey, survey_directory
from utils.core.errors import BadInput
from utils.files.archive import ARCHIVE
from utils.files.lock import Lock
from utils.results.code_mixture import count_versions, mixed_code_sentence
from utils.results.provenance_diff import Origin, describe_environment_differences
from utils.results.schema import DATA_JSON, is_same_protocol

LOCK = ".combining/lock"

WRITTEN = (DATA_JSON, INDEX_FILE, ARCHIVE, *TABLES)
"""Files that combining can write."""


class Combination:
    """The surveyed results of a directory, and the part of them to combine."""

    def __init__(self, found: Survey, wanted: WantedRuns) -> None:
        """Find the wanted results.  Raises BadInput if there are none."""
        self.directory, self._found = found.listing.directory, found
        self._selector = Selector(self.directory, found.new, wanted, found.run_bytes.run)
        if not found.new.entries:
            raise BadInput(f"{self.directory}: found no result; allowed: a directory with results of main.py")
        self._inside = self._selector.matching_entries(found.new.entries)
        self.outside = len(found.new.entries) - len(self._inside)
        if not self._inside:
            raise BadInput(
                f"{self.directory}: none of its {self.outside} results is of the grid and protocol that "
                "--agent-json and --env-json name; allowed: those of its results"
            )

    @property
    def path(self) -> Path:
        """Path of data.json."""
        return self.directory / DATA_JSON

    def environment_warnings(self) -> list[str]:
        """Return a line for each pair of environments of one protocol that differ in behaviour or versions."""
        experiments = self._found.new.experiments
        protocol = experiments[self._inside[0].experiment]["environment"]
        same = {i for i in range(len(experiments.packed)) if is_same_protocol(experiments[i]["environment"], protocol)}
        first: dict[tuple[str, str | None], Entry] = {}
        for entry in self._inside:
            if entry.rollout_hash is not None and entry.experiment in same:
                first.setdefault((entry.rollout_hash, entry.code), entry)
        if len(first) < 2:
            return []
        return describe_environment_differences(self._origin(entry) for entry in first.values())

    def code_warning(self) -> str | None:
        """Return a sentence on results of several versions of the code; None if they are of one."""
        versions = count_versions((entry.code, entry) for entry in self._inside)
        if len(versions) < 2:
            return None
        return mixed_code_sentence([(self._origin(entry), count) for entry, count in versions])

    def _origin(self, entry: Entry) -> Origin:
        return Origin(str(self.directory / entry.name), self._found.run_bytes.run(entry).get("provenance"))

    def select(self) -> Selection:
        """Select the wanted runs.  Raises BadInput if two files contradict each other."""
        return self._selector.select(self._inside)

    def write(self, selection: Selection) -> None:
        """Write data.json and its index unless they are up to date.  Raises BadInput."""
        new, old = self._found.new, self._found.old
        new.experiment, new.plan = selection.experiment, selection.plan_digest(new)
        try:
            if new.plan == old.plan and old.data is not None and old.data == _stamp_or_none(self.path):
                locations = {entry.name: entry.location for entry in old.entries if entry.location}
                new.data = old.data
            else:
                locations = write_data_json(self.path, selection, new.params, self._found.run_bytes.get)
                new.data = _stamp_or_none(self.path)
        except OSError as error:
            raise BadInput(f"{self.path}: cannot be written: {error.strerror}") from error
        # A file that was written again with the same content was read again, and has no location yet.
        new.entries = [entry._replace(location=locations.get(entry.name)) for entry in new.entries]
        if new != old:
            new.write(self.directory / INDEX_FILE)

    def tree(self) -> dict[str, Any]:
        """Return the tree of the written data.json with lazy runs."""
        return lazy_tree(self.path, self._found.new)

    @property
    def complaints(self) -> list[str]:
        """A line for each file that is not a result."""
        return self._found.complaints

    def packable_results(self) -> list[tuple[str, str]]:
        """Return name and SHA-256 of each result that is not archived."""
        return [(entry.name, entry.sha256) for entry in self._found.new.entries if entry.stamp is not None]


def _stamp_or_none(path: Path) -> Stamp | None:
    """Return the stamp of a file; None if it does not exist."""
    try:
        return stamp_of(path.stat())
    except FileNotFoundError:
        return None


@contextmanager
def open_directory(directory: Path) -> Iterator[Survey]:
    """Survey a directory's results while no other process combines it.

    Raises BadInput if the directory is missing, another process combines it, or it cannot be written.
    """
    if not directory.is_dir():
        reason = "Not a directory" if directory.exists() else "No such file or directory"
        raise BadInput(f"{directory}: {reason}; allowed: a directory of results")
    try:
        with lock_combining(directory):
            listing = ResultListing(directory)
            with closing(RunByteStore(listing)) as run_bytes:
                yield survey_directory(listing, run_bytes)
    except OSError as error:
        raise BadInput(f"{directory}: cannot be written: {error.strerror}; allowed: a writable directory") from error


@contextmanager
def lock_combining(directory: Path) -> Iterator[None]:
    """Keep other processes from combining the directory.  Raises OSError, or BadInput if one combines it."""
    lock = Lock(directory / LOCK)
    try:
        if not lock.acquire():
            raise BadInput(f"{directory}: {lock.holder()} combines it; allowed: one process at a time")
        remove_leftovers(directory)
        yield
    finally:
        lock.release()


def remove_leftovers(directory: Path) -> None:
    """Remove temporary files of killed calls; call it while the lock is held.  Raises OSError."""
    for name in WRITTEN:
        for path in directory.glob(f".{name}.*.tmp"):
            path.unlink(missing_ok=True)
