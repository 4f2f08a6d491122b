"""The project's scripts: their paths, for messages, and as child processes of another command."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from utils.core.source_hash import ROOT


def script_path(name: str) -> str:
    """Return the path of a script for a command line that is typed in this process's working directory.

    name: its path in the project, such as "utils/watch.py".
    """
    return name if Path.cwd() == ROOT else str(ROOT / name)


def run_script(words: Sequence[str]) -> None:
    """Print a script's command line and run it; exit with its code if it fails.  words: script and arguments."""
    click.echo(shlex.join(["python", *words]))
    done = subprocess.run([sys.executable, ROOT / words[0], *words[1:]], check=False)
    if done.returncode:
        sys.exit(done.returncode)
