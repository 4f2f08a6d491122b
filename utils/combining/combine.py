"""Result files -> data.json: one tree with every run of a grid, made a run at a time.

What the tree holds depends on what the files say, and not on the order in which they are listed, on what
an earlier call had read, or on which of them are in the archive: settings and runs stand in the order of
their numbers, and of results that agree on a run the first by name counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from utils.combining.data_json import combined_tree
from utils.combining.data_json_writer import assemble
from utils.combining.index_file import INDEX, Entry
from utils.combining.listing import Listing, Stamp, stamp_of
from utils.combining.parquet import TABLES
from utils.combining.run_bytes import Fragments
from utils.combining.selection import Selection, Selector, Wanted
from utils.combining.survey import Survey, survey
from utils.core.errors import BadInput
from utils.files.archive import ARCHIVE
from utils.files.lock import Lock
from utils.results.provenance_diff import Origin, unlike_environments
from utils.results.schema import DATA_JSON

LOCK = ".combining/lock"

WRITTEN = (DATA_JSON, INDEX, ARCHIVE, *TABLES)
"""The files that a call can make."""


class Combination:
    """One directory's results, read, and what is to be made of them."""

    def __init__(self, found: Survey, wanted: Wanted) -> None:
        """Raises BadInput if nothing wanted was found."""
        self.directory, self._found = found.listing.directory, found
        self._selector = Selector(self.directory, found.new, wanted, found.fragments.run)
        if not found.new.entries:
            raise BadInput(f"{self.directory}: found no result; allowed: a directory with results of main.py")
        self._inside = self._selector.inside(found.new.entries)
        self.outside = len(found.new.entries) - len(self._inside)
        if not self._inside:
            raise BadInput(
                f"{self.directory}: none of its {self.outside} results is of the grid and protocol asked for by "
                "--agent-json and --env-json"
            )

    @property
    def path(self) -> Path:
        """The data.json."""
        return self.directory / DATA_JSON

    def unlike(self) -> list[str]:
        """A line on each pair of results of one protocol whose environments behaved differently."""
        experiments = self._found.new.experiments
        protocol = experiments[self._inside[0].experiment]["environment"]
        alike = {i for i in range(len(experiments.packed)) if experiments[i]["environment"] == protocol}
        first: dict[str, Entry] = {}
        for entry in self._inside:
            if entry.rollout_hash is not None and entry.experiment in alike:
                first.setdefault(entry.rollout_hash, entry)
        if len(first) < 2:
            return []
        return unlike_environments(
            Origin(str(self.directory / entry.name), self._found.fragments.run(entry).get("provenance"))
            for entry in first.values()
        )

    def select(self) -> Selection:
        """The wanted runs.  Raises BadInput if two files contradict each other."""
        return self._selector.select(self._inside)

    def write(self, selection: Selection) -> None:
        """Make data.json and its index, unless they are what they should be.  Raises BadInput."""
        new, old = self._found.new, self._found.old
        new.experiment, new.plan = selection.experiment, selection.plan(new)
        try:
            if new.plan == old.plan and old.data is not None and old.data == _stamp(self.path):
                new.data = old.data
            else:
                places = assemble(self.path, selection, new.params, self._found.fragments.get)
                new.entries = [entry._replace(place=places.get(entry.name)) for entry in new.entries]
                new.data = _stamp(self.path)
        except OSError as error:
            raise BadInput(f"{self.path}: cannot be written: {error.strerror}") from error
        if new != old:
            new.write(self.directory / INDEX)

    def tree(self) -> dict[str, Any]:
        """That of the data.json that was written, its runs read when they are asked for."""
        return combined_tree(self.path, self._found.new)

    @property
    def complaints(self) -> list[str]:
        """A line on each file that is no result."""
        return self._found.complaints

    def packable(self) -> list[tuple[str, str]]:
        """Name and SHA-256 of each result that is a file of its own."""
        return [(entry.name, entry.sha256) for entry in self._found.new.entries if entry.stamp is not None]


def _stamp(path: Path) -> Stamp | None:
    """None for a file that is not there."""
    try:
        return stamp_of(path.stat())
    except FileNotFoundError:
        return None


@contextmanager
def combining(directory: Path) -> Iterator[Survey]:
    """The directory's results, read, while no other process combines it.  Raises BadInput."""
    if not directory.is_dir():
        reason = "Not a directory" if directory.exists() else "No such file or directory"
        raise BadInput(f"{directory}: {reason}; allowed: a directory of results")
    try:
        with combining_alone(directory):
            listing = Listing(directory)
            with closing(Fragments(listing)) as fragments:
                yield survey(listing, fragments)
    except OSError as error:
        raise BadInput(f"{directory}: cannot be written: {error.strerror}; allowed: a writable directory") from error


@contextmanager
def combining_alone(directory: Path) -> Iterator[None]:
    """While no other process combines the directory.  Raises OSError, or BadInput if one does."""
    lock = Lock(directory / LOCK)
    try:
        if not lock.acquire():
            raise BadInput(f"{directory}: {lock.holder()} combines it; allowed: one process at a time")
        remove_leftovers(directory)
        yield
    finally:
        lock.release()


def remove_leftovers(directory: Path) -> None:
    """Remove what killed calls were writing; the lock says that none is at work.  Raises OSError."""
    for name in WRITTEN:
        for path in directory.glob(f".{name}.*.tmp"):
            path.unlink(missing_ok=True)
