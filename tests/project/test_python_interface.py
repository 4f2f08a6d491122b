"""Each example of docs/python.md runs as it stands, in an interpreter without arguments, on a copy of the project."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.support.documentation import ROOT
from tests.support.project_copy import copy_project, read_blocks, run_in_copy
from tests.support.sharing import shared_folder

PAGE = ROOT / "docs/python.md"

EXAMPLES = [block.text for block in read_blocks(PAGE)]

MAX_LINES = 5
"""Each example has at most this many lines, blank ones left out."""

RESULTS = "results/Pendulum-v1_SAC_SquashedGaussian"

TRAIN = """
from utils.wiring.run import train
train("config/agent/SAC_classic_best_pendulum.json", "config/environment/PendulumContinuous-v1.json", runs=2)
"""


def make_copy(folder: Path) -> None:
    """Copy the project, train two runs and combine them."""
    copy_project(folder)
    run_in_copy([sys.executable, "-c", TRAIN], folder)
    run_in_copy([sys.executable, "simple_combine.py", RESULTS], folder)


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared_folder(tmp_path_factory, "python_interface", make_copy)


def heading(example: str) -> str:
    """Return the heading above an example."""
    above = PAGE.read_text().partition(example)[0]
    return re.findall(r"^## (.*)$", above, re.MULTILINE)[-1]


def run_example(example: str, project: Path) -> str:
    """Run an example. The key of a result depends on the protocol, which is shorter in a copy."""
    first = sorted((project / RESULTS).glob("Pendulum-v1_SAC_*.json"))[0]
    return run_in_copy(
        [sys.executable, "-c", re.sub(r"Pendulum-v1_SAC_[0-9a-f]{12}\.json", first.name, example)], project
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=heading)
def test_every_example(example: str, project: Path) -> None:
    assert len([line for line in example.splitlines() if line]) <= MAX_LINES
    run_example(example, project)


def test_what_examples_print_and_write(project: Path) -> None:
    by_heading = {heading(example): example for example in EXAMPLES}
    assert run_example(by_heading["Load a result"], project) == "0.001 [0, 60, 120] eager\n"
    table = run_example(by_heading["All runs as a table"], project).split("\n")
    assert [line.split()[1:4] for line in table[1:3]] == [["0", "0", "completed"], ["0", "1", "completed"]]
    run_example(by_heading["Draw a figure of your own"], project)
    assert (project / "my_curves.pdf").stat().st_size > 0
