"""A copy of the project with protocols of seconds, in which the documentation's code and commands run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.documentation import ROOT

SHORT_PROTOCOL = {"total_timesteps": 120, "steps_per_episode": 40, "eval_interval_timesteps": 60}

LARGE_GRIDS = ("SAC_classic_sweep", "SAC_policies")
"""Grids of which copies keep two values of each hyperparameter."""

COPIED = {"agent", "clusters", "config", "env", "utils"}
"""Folders of the project that commands need."""

BLOCK = re.compile(r"^(?:([^\n]*`([\w./-]+)`[^`\n]*):\n\n)?```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
"""A block of code: the line above it, the last path in that line, the language, the content."""


class Block(NamedTuple):
    """A block of code of a page.  path: the file that the line above it names, "" for none."""

    path: str
    language: str
    text: str


def read_blocks(page: Path) -> list[Block]:
    """Return the blocks of a page in their order."""
    found = BLOCK.findall(page.read_text())
    return [Block(path if "." in path else "", language, text) for _, path, language, text in found]


def copy_project(folder: Path, *more: str) -> None:
    """Copy the project's files; shorten its protocols to seconds and its grids.  more: folders besides COPIED."""
    folder.mkdir()
    for path in ROOT.iterdir():
        if path.is_dir() and path.name in COPIED | set(more):
            shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif path.is_file():
            shutil.copy(path, folder)
    (folder / "results").mkdir()
    for path in (folder / "config/environment").glob("*.json"):
        write_json(path, json.loads(path.read_text()))
    for path in (folder / "config/comparison").glob("*.json"):
        comparison = json.loads(path.read_text())
        first = {name: comparison[name][:1] for name in ("agents", "environments")}
        write_json(path, comparison | first | {"runs": 2})
    for name in LARGE_GRIDS:
        path = folder / f"config/agent/{name}.json"
        grid = json.loads(path.read_text())
        write_json(path, grid | {"parameters": {key: values[:2] for key, values in grid["parameters"].items()}})
    # The environment of a cluster is this one; its tasks train in one process.
    (folder / "activate_environment.sh").write_text("")
    fir = folder / "clusters/fir.json"
    write_json(fir, json.loads(fir.read_text()) | {"cpus_per_task": 1})


def write_json(path: Path, tree: dict[str, Any]) -> None:
    """Write a JSON file; a protocol is shortened."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tree | SHORT_PROTOCOL if "total_timesteps" in tree else tree))


def write_file(path: Path, text: str) -> None:
    """Write a file that a page shows; a protocol is shortened."""
    assert not path.exists(), f"{path} exists; show an edit instead"
    if path.suffix == ".json":
        write_json(path, json.loads(text))
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run_in_copy(command: Sequence[str], folder: Path, text: str | None = None) -> str:
    """Run a command in a copy, with this interpreter first on the path, and return what it prints.

    text: standard input.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment["PYTEST_ADDOPTS"] = "-n 0"  # One process, as tests already run on all cores.
    done = subprocess.run(command, cwd=folder, env=environment, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout[-5000:]}{done.stderr[-5000:]}"
    return done.stdout
