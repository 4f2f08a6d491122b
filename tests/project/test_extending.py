"""Each page of docs/extending/ is followed on a copy of the project: its files, edits and commands, in their order.

A block of code belongs to the file that the line above it names: `python` and `json` blocks are whole files, `diff`
blocks are edits, whose unmarked and "-" lines must occur exactly once. Without a file name, a `python` block is a
program. `bash` blocks are commands; `text` blocks are for the reader.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from agent.policy.base import ActionBox
from tests.support.documentation import ROOT, name_of
from tests.support.project_copy import Block, copy_project, read_blocks, run_in_copy, write_file
from tests.support.reference import normal32
from utils.core.random_streams import Draws

FOLDER = ROOT / "docs/extending"

PAGES = sorted(FOLDER.glob("*.md"))

QUICK = {"policy"}
"""Pages that the default run follows too, without the checks at their ends."""

CHECK = re.compile(r"\b(pytest|ruff|mypy)\b")
"""A command that checks what a reader has added, which takes longer than adding it."""


def apply_edit(path: Path, text: str) -> None:
    """Replace the unmarked and "-" lines of a diff, which occur once, by its unmarked and "+" lines."""
    lines = text.splitlines(keepends=True)
    old, new = ("".join(line[1:] for line in lines if line[0] in kept) for kept in (" -", " +"))
    content = path.read_text()
    assert content.count(old) == 1, f"{path} does not contain once:\n{old}"
    path.write_text(content.replace(old, new))


def follow(block: Block, folder: Path, with_checks: bool) -> None:
    """Do what a block asks for.  with_checks: also run tests, linter and type checker on the result."""
    if block.language == "diff":
        apply_edit(folder / block.path, block.text)
    elif block.language == "bash":
        lines = [line for line in block.text.splitlines() if with_checks or not CHECK.search(line)]
        run_in_copy(["bash", "-ec", "\n".join(lines)], folder)
    elif block.path and block.language in ("python", "json"):
        write_file(folder / block.path, block.text)
    elif block.language == "python":
        run_in_copy([sys.executable, "-c", block.text], folder)
    else:
        assert block.language == "text"


@pytest.mark.parametrize(
    ("page", "with_checks"),
    [
        *(pytest.param(page, False, id=name_of(page)) for page in PAGES if page.stem in QUICK),
        *(pytest.param(page, True, id=f"{name_of(page)} with checks", marks=pytest.mark.slow) for page in PAGES),
    ],
)
def test_the_page_can_be_followed(page: Path, with_checks: bool, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    copy_project(folder, "tests", "docs")
    for block in read_blocks(page):
        follow(block, folder, with_checks)


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
    by_head = vjp(torch.ones_like(action), torch.zeros_like(log_prob), None)[0].numpy()
    expected = 500 * half * (1 - np.tanh(location) ** 2)
    np.testing.assert_allclose(by_head[:, : len(bounds)], expected, rtol=1e-4)
