"""A survey of a directory's result files: only files that no earlier call has read are read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson

from utils.combining.index_file import INDEX_FILE, Entry, Manifest, read_manifest
from utils.combining.listing import FileContent, ResultListing
from utils.combining.run_bytes import RunByteStore
from utils.core.errors import BadInput
from utils.files.json_text import encode_json
from utils.results.code_mixture import code_digest
from utils.results.provenance_diff import Origin
from utils.results.schema import parse_result

FOREIGN_INDEX = -1
"""Number that represents an index that is not an integer."""


@dataclass
class Survey:
    """The result files of a directory.

    old: the manifest that the last call wrote.
    new: the manifest of the present files, sorted by name, with locations as in `old`.
    complaints: a line for each file that is not a result, sorted by name.
    """

    listing: ResultListing
    run_bytes: RunByteStore
    old: Manifest
    new: Manifest = field(default_factory=Manifest)
    complaints: list[str] = field(default_factory=list)


def survey_directory(listing: ResultListing, run_bytes: RunByteStore) -> Survey:
    """Read the new files and keep the bytes of their runs.

    A file that is not a result gets a complaint.  Raises BadInput or OSError for other errors.
    """
    found = Survey(listing, run_bytes, read_manifest(listing.directory / INDEX_FILE) or Manifest())
    entries: dict[str, Entry] = {}
    faults: list[tuple[str, str]] = []
    for archived in (False, True):
        names = listing.archived_names() if archived else listing.files
        new = _carry_known_entries([name for name in names if name not in entries], archived, found, entries)
        for name, content in zip(new, listing.read_all(new, archived), strict=True):
            try:
                entries[name] = _parse_entry(name, content, found)
            except BadInput as error:
                faults.append((name, str(error)))
    found.new.entries = [entries[name] for name in sorted(entries)]
    found.complaints = [fault for _, fault in sorted(faults)]
    return found


def _carry_known_entries(names: list[str], archived: bool, found: Survey, entries: dict[str, Entry]) -> list[str]:
    """Copy the entries of unchanged files from the old manifest. Returns the names of the other files."""
    known = {entry.name: entry for entry in found.old.entries}
    for name in names:
        if name in known and _is_unchanged(known[name], found.listing, archived):
            entries[name] = _carry_entry(known[name], found, archived)
    return [name for name in names if name not in entries]


def _is_unchanged(entry: Entry, listing: ResultListing, archived: bool) -> bool:
    """Return whether the file of an entry is unchanged."""
    if archived:
        return entry.sha256 == listing.sha256_in_archive(entry.name)
    return entry.stamp is not None and entry.stamp == listing.files[entry.name]


def _carry_entry(entry: Entry, found: Survey, archived: bool) -> Entry:
    """Return an entry of the old manifest with the numbers of the new one."""
    return entry._replace(
        stamp=None if archived else entry.stamp,
        experiment=found.new.experiments.number(found.old.experiments.packed[entry.experiment]),
        params=found.new.params.number(found.old.params.packed[entry.params]),
    )


def _parse_entry(name: str, content: FileContent | BadInput, found: Survey) -> Entry:
    """Return the entry of a file that was read.  Raises BadInput if it could not be read or is not a result."""
    if isinstance(content, BadInput):
        raise content
    path = found.listing.directory / name
    result = parse_result(path, content.content)
    try:
        name.encode()
        encoded = encode_json(result.run)
    except (UnicodeEncodeError, orjson.JSONEncodeError) as error:
        raise BadInput(f"{path}: not a result: {error}") from error
    found.run_bytes.keep(name, encoded)
    origin = Origin(name, result.run.get("provenance"))
    return Entry(
        name=name,
        stamp=content.stamp,
        sha256=hashlib.sha256(content.content).hexdigest(),
        experiment=found.new.experiments.number(encode_json(result.experiment)),
        params=found.new.params.number(encode_json(result.agent_params)),
        setting=result.setting,
        run=result.run["run_number"],
        status=result.run["status"],
        alias=_run_index(result.run),
        rollout_hash=origin.rollout_hash,
        code=code_digest(origin),
        start=origin.start,
        location=None,
    )


def _run_index(run: dict[str, Any]) -> int | None:
    """Return the run's index; None if it has none."""
    if "index" not in run:
        return None
    return run["index"] if type(run["index"]) is int else FOREIGN_INDEX
