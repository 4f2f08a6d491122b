"""JSON as the user's files and results have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from utils.errors import BadInput


def parse_json(source: str | Path, content: bytes) -> Any:
    """What the content says.  source: where it stands, for messages.  Raises BadInput if it is not JSON."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{source}: not valid JSON: {error}") from error


def shown(value: Any) -> str:
    """A value as JSON, cut to a readable length."""
    text = orjson.dumps(value, default=repr).decode()
    return text if len(text) <= 60 else text[:57] + "..."
