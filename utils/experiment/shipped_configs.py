"""The configurations that the project comes with, by what they say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from utils.core.errors import BadInput
from utils.experiment.config import read_environment

AGENTS, ENVIRONMENTS = Path("config/agent"), Path("config/environment")
"""Where they are in the project's folder."""


def shipped(folder: Path, content: Any, read: Callable[[Path], Any]) -> Path | None:
    """The first file of a folder, by name, that says just this; None if there is none.

    read: gives what a file says, or raises BadInput. The order of keys counts: a grid's numbers its settings.
    """
    wanted = json.dumps(content)
    for path in sorted(folder.glob("*.json")):
        try:
            found = read(path)
        except BadInput:
            continue  # A file that is no configuration is not the one.
        if json.dumps(found) == wanted:
            return path
    return None


def protocol_in(path: Path) -> dict[str, Any]:
    """What an environment's file says, with every key, as results hold it.  Raises BadInput."""
    return read_environment(path).model_dump(mode="json")
