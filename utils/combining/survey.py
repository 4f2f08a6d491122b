"""What the result files of a directory say, read where no earlier call has read it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson

from utils.combining.index_file import INDEX, Entry, Manifest, read_manifest
from utils.combining.listing import Content, Listing
from utils.combining.run_bytes import Fragments
from utils.core.errors import BadInput
from utils.files.json_text import encode_json
from utils.results.provenance_diff import Origin
from utils.results.schema import parse_result

FOREIGN_INDEX = -1
"""For what stands where an index should, and is no integer."""


@dataclass
class Survey:
    """old: as the last call left it.  new: of what is there now, entries sorted by name, places as in `old`.

    complaints: a line on each file that is no result, sorted by name.
    """

    listing: Listing
    fragments: Fragments
    old: Manifest
    new: Manifest = field(default_factory=Manifest)
    complaints: list[str] = field(default_factory=list)


def survey(listing: Listing, fragments: Fragments) -> Survey:
    """Read what is new; runs that are go to `fragments`.  Raises BadInput or OSError for what is no single file's."""
    found = Survey(listing, fragments, read_manifest(listing.directory / INDEX) or Manifest())
    entries: dict[str, Entry] = {}
    faults: list[tuple[str, str]] = []
    for archived in (False, True):
        names = listing.archived() if archived else listing.files
        new = _carry_over([name for name in names if name not in entries], archived, found, entries)
        for name, content in zip(new, listing.read_all(new, archived), strict=True):
            try:
                entries[name] = _parsed(name, content, found)
            except BadInput as error:
                faults.append((name, str(error)))
    found.new.entries = [entries[name] for name in sorted(entries)]
    found.complaints = [fault for _, fault in sorted(faults)]
    return found


def _carry_over(names: list[str], archived: bool, found: Survey, entries: dict[str, Entry]) -> list[str]:
    """Add what the old manifest says of the files to the entries. Returns the files that it does not know."""
    known = {entry.name: entry for entry in found.old.entries}
    for name in names:
        if name in known and _still_says(known[name], found.listing, archived):
            entries[name] = _carried(known[name], found, archived)
    return [name for name in names if name not in entries]


def _still_says(entry: Entry, listing: Listing, archived: bool) -> bool:
    """Whether the file of this name still says what it said."""
    if archived:
        return entry.sha256 == listing.archived_sha256(entry.name)
    return entry.stamp is not None and entry.stamp == listing.files[entry.name]


def _carried(entry: Entry, found: Survey, archived: bool) -> Entry:
    """An entry of the old manifest as it stands in the new one."""
    return entry._replace(
        stamp=None if archived else entry.stamp,
        experiment=found.new.experiments.number(found.old.experiments.packed[entry.experiment]),
        params=found.new.params.number(found.old.params.packed[entry.params]),
    )


def _parsed(name: str, content: Content | BadInput, found: Survey) -> Entry:
    """A file's entry.  Raises BadInput if it could not be read or is no result."""
    if isinstance(content, BadInput):
        raise content
    path = found.listing.directory / name
    result = parse_result(path, content.content)
    try:
        name.encode()
        fragment = encode_json(result.run)
    except (UnicodeEncodeError, orjson.JSONEncodeError) as error:
        raise BadInput(f"{path}: not a result: {error}") from error
    found.fragments.keep(name, fragment)
    return Entry(
        name=name,
        stamp=content.stamp,
        sha256=hashlib.sha256(content.content).hexdigest(),
        experiment=found.new.experiments.number(encode_json(result.experiment)),
        params=found.new.params.number(encode_json(result.agent_params)),
        setting=result.setting,
        run=result.run["run_number"],
        status=result.run["status"],
        alias=_index(result.run),
        rollout_hash=Origin(name, result.run.get("provenance")).rollout_hash,
        place=None,
    )


def _index(run: dict[str, Any]) -> int | None:
    """The run's index; None if it has none."""
    if "index" not in run:
        return None
    return run["index"] if type(run["index"]) is int else FOREIGN_INDEX
