"""What the tools share: a writer of runs, and the error for a package that is not installed."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from pathlib import Path
from types import ModuleType
from typing import ClassVar

from utils.core.errors import BadInput, describe_error
from utils.exporting.exported_run import ExportedRun

REQUIREMENTS = "requirements-export.txt"
"""File with the versions of the tools that exports are tested with."""


class Tool(ABC):
    """A writer of runs for one tool.

    A run's *place* is what the tool calls its file, directory or identifier: text that the ledger keeps.
    """

    name: ClassVar[str]
    """The tool's name on the command line."""

    def __init__(self, output: Path, project: str) -> None:
        """Prepare to write.  Raises BadInput if the tool is not installed or does not accept the project's name.

        output: existing directory.  project: name of the group of all runs, where the tool has one.
        """
        self.output, self.project = output, project

    @property
    def format(self) -> str:
        """Version of what is written of a run: a run that was exported with another one is exported again."""
        return "1"

    @abstractmethod
    def write(self, run: ExportedRun, old: str | None) -> str:
        """Write a run completely, or leave what there was of it, and return its place.  Raises OSError.

        old: place of an earlier export of the run, which must no longer be there afterwards; None if there was none.
        """

    @abstractmethod
    def holds(self, place: str) -> bool:
        """Return whether an exported run is still at its place."""

    def finish(self) -> None:  # noqa: B027 - most tools have nothing to do.
        """Write what describes all runs.  Raises OSError."""

    def close(self) -> None:  # noqa: B027
        """Release what the tool holds."""


def load_package(tool: str, module: str) -> ModuleType:
    """Import a module of a tool's package.  Raises BadInput if it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise BadInput(
            f"--to {tool}: the package {package} cannot be imported ({describe_error(error)}); install it: "
            f"pip install -r {REQUIREMENTS}"
        ) from error


def directory_name(text: str) -> str:
    """Return a text as the name of a directory: without spaces and parentheses."""
    return text.replace(" ", "_").translate(str.maketrans("", "", "()"))
