"""The trees of all results in a directory or a data.json, read without writing anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from utils.combining.data_json import read_data_json
from utils.combining.listing import ResultListing
from utils.core.errors import BadInput
from utils.results.schema import find_data_file, parse_tree


def read_result_trees(path: Path | str) -> Iterator[dict[str, Any]]:
    """Yield the tree of each result file in a directory, archived ones included, or the tree of a data.json.

    path: a data.json, or a directory. If a directory has no result files, its data.json is read.
    Raises BadInput for a file that is not a result, and if there is nothing to read.
    """
    path = Path(path)
    listing = ResultListing(path) if path.is_dir() else None
    archived = [name for name in listing.archived_names() if name not in listing.files] if listing else []
    if listing is None or not (listing.files or archived):
        yield read_data_json(find_data_file(path))
        return
    for names, in_archive in ((list(listing.files), False), (archived, True)):
        for name, found in zip(names, listing.read_all(names, in_archive), strict=True):
            if isinstance(found, BadInput):
                raise found
            yield parse_tree(path / name, found.content)
