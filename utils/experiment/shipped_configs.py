"""The configurations that the project comes with, found by their content."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from utils.core.errors import BadInput
from utils.experiment.config import read_environment

AGENTS, ENVIRONMENTS = Path("config/agent"), Path("config/environment")
"""Directories of the shipped configurations, in the project's folder."""


def find_config(folder: Path, content: Any, read: Callable[[Path], Any]) -> Path | None:
    """Return the first file of a folder, by name, that has exactly this content; None if no file has.

    read: returns a file's content, or raises BadInput. The order of keys matters: a grid's keys number its settings.
    """
    wanted = json.dumps(content)
    for path in sorted(folder.glob("*.json")):
        try:
            found = read(path)
        except BadInput:
            continue  # A file that is no configuration cannot be the one.
        if json.dumps(found) == wanted:
            return path
    return None


def read_protocol_tree(path: Path) -> dict[str, Any]:
    """Read an environment's file as results hold it, with every key.  Raises BadInput if it is missing or invalid."""
    return read_environment(path).model_dump(mode="json")
