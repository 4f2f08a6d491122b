"""JSON as the user's files and results have it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from utils.core.errors import BadInput

if TYPE_CHECKING:
    pass


def parse_json(source: str | Path, content: bytes) -> Any:
    """What the content says.  source: where it stands, for messages.  Raises BadInput if it is not JSON."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{source}: not valid JSON: {error}") from error


def format_value(value: Any) -> str:
    """A value as JSON, cut to a readable length."""
    text = orjson.dumps(value, default=repr).decode()
    return text if len(text) <= 60 else text[:57] + "..."


def encode_json(tree: Any) -> bytes:
    """Strict JSON: non-finite numbers become null."""
    return orjson.dumps(tree, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def read_json(path: str | Path) -> Any:
    """The file's content.  Raises BadInput if it cannot be read or is not JSON."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
    return parse_json(path, content)


def canonical_json(value: Any) -> bytes:
    """Return the value as JSON with sorted keys: equal values give equal bytes, whatever the order of their keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
