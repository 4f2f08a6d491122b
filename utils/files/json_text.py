"""Reading and writing of JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson

from utils.core.errors import BadInput

MAX_SHOWN_CHARACTERS = 60
"""Length to which values in messages are shortened."""

ZIP_SIGNATURE = b"PK\x03\x04"
"""First bytes of a zip file, such as a .npz."""


def parse_json(source: str | Path, content: bytes) -> Any:
    """Parse JSON.  source: its origin, for messages.  Raises BadInput if the content is not valid JSON."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{source}: not valid JSON: {_describe_fault(content, error)}") from error


def _describe_fault(content: bytes, error: orjson.JSONDecodeError) -> str:
    """Return what is wrong with a file that is not JSON."""
    if content.startswith(ZIP_SIGNATURE):
        return "found arrays (.npz) or another zip file; allowed: the .json file of the same name"
    try:
        content.decode()
    except UnicodeDecodeError as fault:
        return f"found a byte that is not text in UTF-8, at position {fault.start}"
    return str(error)


def format_value(value: Any) -> str:
    """Return a value as JSON for a message, shortened to MAX_SHOWN_CHARACTERS."""
    text = orjson.dumps(value, default=repr).decode()
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 3] + "..."


def encode_json(tree: Any) -> bytes:
    """Return a tree as strict JSON, in which non-finite numbers are null."""
    return orjson.dumps(tree, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def read_json(path: str | Path, unique_keys: bool = False) -> Any:
    """Return the content of a JSON file.  Raises BadInput if it cannot be read or is not valid JSON.

    unique_keys: refuse an object that has a key twice, of which only the last counts.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
    tree = parse_json(path, content)
    if unique_keys:
        _check_unique_keys(path, content)
    return tree


def _check_unique_keys(source: str | Path, content: bytes) -> None:
    """Check that no object of valid JSON has a key twice.  Raises BadInput."""

    def check(pairs: list[tuple[str, Any]]) -> None:
        keys = [key for key, _ in pairs]
        for key in keys:
            if keys.count(key) > 1:
                raise BadInput(f"{source}: found key '{key}' twice in one object; allowed: each key once")

    json.loads(content, object_pairs_hook=check)


def canonical_json(value: Any) -> bytes:
    """Return the value as JSON with sorted keys: equal values give equal bytes, whatever the order of their keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
