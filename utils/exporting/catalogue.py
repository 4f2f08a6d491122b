"""The tools that runs can be exported to, by their names on the command line."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from utils.exporting.tool import Tool

TOOLS = {
    "tensorboard": ("utils.exporting.to_tensorboard", "TensorBoardEvents"),
    "wandb": ("utils.exporting.to_wandb", "WandbRuns"),
    "trackio": ("utils.exporting.to_trackio", "TrackioDatabase"),
    "csv": ("utils.exporting.to_csv", "CsvFiles"),
}
"""Module and class of each tool."""


def tool_class(name: str) -> type[Tool]:
    """Return the writer of a tool, one of TOOLS."""
    module, attribute = TOOLS[name]
    found: type[Tool] = getattr(importlib.import_module(module), attribute)
    return found
