"""Whether a data.json has all results of its directory, as they are now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import click

from utils.combining.index_file import INDEX_FILE, Entry, read_manifest
from utils.combining.listing import ResultListing
from utils.core.errors import BadInput
from utils.results.schema import DATA_JSON, parse_result


def describe_uncombined(path: Path) -> str | None:
    """Return which results of its directory a data.json lacks; None if it has all, or there are no result files.

    Files that are not results do not count.  Raises BadInput if the directory cannot be read.
    """
    if path.name != DATA_JSON:
        return None
    listing = ResultListing(path.parent)
    archived = [name for name in listing.archived_names() if name not in listing.files]
    if not listing.files and not archived:
        return None
    manifest = read_manifest(path.with_name(INDEX_FILE))
    if manifest is None:
        return _describe_newer(path, listing)
    known = {entry.name: entry for entry in manifest.entries}
    new = [name for name in listing.files if name not in known and _is_result(listing, name, False)]
    new += [name for name in archived if name not in known and _is_result(listing, name, True)]
    changed = [name for name in listing.files if name in known and _has_changed(listing, known[name])]
    gone = known.keys() - listing.files.keys() - set(archived)
    counts = {"never combined": len(new), "changed since": len(changed), "no longer there": len(gone)}
    found = [f"{count} {what}" for what, count in counts.items() if count]
    return f"results of its directory ({', '.join(found)})" if found else None


def combine_command(directory: Path) -> str:
    """Return the command that combines a directory, with a remark if the last call left out results on purpose."""
    manifest = read_manifest(directory / INDEX_FILE)
    selected = manifest is not None and any(entry.location is None for entry in manifest.entries)
    options = " (with the --agent-json or --env-json of the last call)" if selected else ""
    return f"python simple_combine.py {directory}{options}"


def check_directories(directories: Iterable[Path]) -> int:
    """Print for each directory whether its data.json has all its results. Returns how many have not.

    Raises BadInput if a directory cannot be read.
    """
    stale = 0
    for directory in directories:
        path = directory / DATA_JSON
        reason = _describe_staleness(path)
        stale += reason is not None
        click.echo(f"{path}: {'up to date' if reason is None else f'{reason}; run: {combine_command(directory)}'}")
    return stale


def _describe_staleness(path: Path) -> str | None:
    if not path.exists():
        ResultListing(path.parent)  # Raises BadInput if there is no such directory.
        return "there is no data.json"
    uncombined = describe_uncombined(path)
    return uncombined and f"lacks {uncombined}"


def _describe_newer(path: Path, listing: ResultListing) -> str | None:
    """Return how many result files are newer than a data.json without an index."""
    written = path.stat().st_mtime_ns
    newer = sum(stamp is not None and stamp[1] > written for stamp in listing.files.values())
    return f"results of its directory ({newer} written after it)" if newer else None


def _is_result(listing: ResultListing, name: str, archived: bool) -> bool:
    try:
        parse_result(listing.directory / name, listing.read(name, archived).content)
    except BadInput:
        return False
    return True


def _has_changed(listing: ResultListing, entry: Entry) -> bool:
    """Return whether a file has another content than the one combined; its stamp also changes if it is moved."""
    if entry.stamp is not None and entry.stamp == listing.files[entry.name]:
        return False
    try:
        return hashlib.sha256(listing.read(entry.name, False).content).hexdigest() != entry.sha256
    except BadInput:
        return True
