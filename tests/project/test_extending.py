"""Each page of docs/extending/ is followed on a copy of the project: its files, edits and commands, in their order.

A block of code belongs to the file that the line above it names: `python` and `json` blocks are whole files, `diff`
blocks are edits, whose unmarked and "-" lines must occur exactly once. Without a file name, a `python` block is a
program. `bash` blocks are commands; `text` blocks are for the reader.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from scipy import stats

from agent.policy.base import ActionBox
from tests.support.documentation import ROOT, name_of
from tests.support.reference import normal32
from utils.core.random_streams import Draws

FOLDER = ROOT / "docs/extending"

PAGES = sorted(FOLDER.glob("*.md"))

BLOCK = re.compile(r"^(?:([^\n]*`([\w./-]+)`[^`\n]*):\n\n)?```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
"""A block: the line above it, the last path in that line, the language, the content."""

COPIED = {"agent", "clusters", "config", "env", "tests", "utils"}
"""Folders of the project that the pages need."""

SHORT_PROTOCOL = {"total_timesteps": 120, "steps_per_episode": 40, "eval_interval_timesteps": 60}


class Block(NamedTuple):
    """A block of a page.  path: the file that it belongs to, "" for none."""

    path: str
    language: str
    text: str


def read_blocks(page: Path) -> Iterator[Block]:
    for _, path, language, text in BLOCK.findall(page.read_text()):
        yield Block(path if "." in path else "", language, text)


def copy_project(folder: Path) -> None:
    """Copy the project, with short protocols."""
    folder.mkdir()
    for path in ROOT.iterdir():
        if path.is_dir() and path.name in COPIED:
            shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif path.is_file():
            shutil.copy(path, folder)
    for path in (folder / "config/environment").glob("*.json"):
        write_file(path, path.read_text())


def write_file(path: Path, text: str) -> None:
    """Write a new file; a protocol is shortened."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        tree = json.loads(text)
        text = json.dumps(tree | SHORT_PROTOCOL if "total_timesteps" in tree else tree)
    path.write_text(text)


def apply_edit(path: Path, text: str) -> None:
    """Replace the unmarked and "-" lines of a diff, which occur once, by its unmarked and "+" lines."""
    lines = text.splitlines(keepends=True)
    old, new = ("".join(line[1:] for line in lines if line[0] in kept) for kept in (" -", " +"))
    content = path.read_text()
    assert content.count(old) == 1, f"{path} does not contain once:\n{old}"
    path.write_text(content.replace(old, new))


def run(command: list[str], folder: Path) -> None:
    """Run a command in the copy of the project as a reader would."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment["PYTEST_ADDOPTS"] = "-n 0"  # One process, as tests already run on all cores.
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout[-5000:]}{done.stderr[-5000:]}"


def follow(block: Block, folder: Path) -> None:
    """Do what a block asks for."""
    if block.language == "diff":
        apply_edit(folder / block.path, block.text)
    elif block.language == "bash":
        run(["bash", "-ec", block.text], folder)
    elif block.path and block.language in ("python", "json"):
        assert not (folder / block.path).exists(), f"{block.path} exists; show an edit instead"
        write_file(folder / block.path, block.text)
    elif block.language == "python":
        run([sys.executable, "-c", block.text], folder)
    else:
        assert block.language == "text"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_page_can_be_followed(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    copy_project(folder)
    for block in read_blocks(page):
        follow(block, folder)


@pytest.mark.parametrize("bounds", [((-2.0, 2.0),), ((-1.0, 3.0), (0.25, 0.75))])
def test_the_example_of_a_policy(bounds: Any) -> None:
    """Density, draws and pathwise gradient against scipy.stats.logistic."""
    scope: dict[str, Any] = {}
    (example,) = (block.text for block in read_blocks(FOLDER / "policy.md") if block.path == "agent/policy/logistic.py")
    exec(example, scope)
    low, high = torch.tensor(bounds).T
    policy = scope["Logistic"](ActionBox(low, high), torch.tensor([1000.0]))
    head = normal32(1, 6, 2 * len(bounds), seed=1)
    noise = policy.latent_noise(Draws([2], "act"), 6, 500)
    (action, log_prob, _, _), vjp = policy.sample_with_vjp(head, noise)
    location, log_scale = head.double().numpy()[0].reshape(6, 2, -1).transpose(1, 0, 2)
    center, half = ((high + low) / 2).numpy(), ((high - low) / 2).numpy()
    law = stats.logistic((center + half * np.tanh(location))[:, None], np.exp(log_scale)[:, None])
    drawn = action[0].double().numpy()
    np.testing.assert_allclose(log_prob[0].numpy(), law.logpdf(drawn).sum(-1), rtol=1e-4, atol=1e-4)
    # 6 A Kolmogorov-Smirnov tests of fixed seed, 1e-8 each.
    assert (stats.kstest(law.cdf(drawn), "uniform", axis=1).pvalue > 1e-8).all()
    by_head = vjp(torch.ones_like(action), torch.zeros_like(log_prob))[0].numpy()
    expected = 500 * half * (1 - np.tanh(location) ** 2)
    np.testing.assert_allclose(by_head[:, : len(bounds)], expected, rtol=1e-4)
