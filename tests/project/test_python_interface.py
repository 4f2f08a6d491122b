"""The examples of docs/python.md run as they stand, in an interpreter without arguments, on a copy of the project."""

from __future__ import annotations

import json
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

RUN_ALL = """
import contextlib, io, json, sys
outputs = []
for example in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(compile(example, "example", "exec"), {"__name__": "__main__"})
    outputs.append(output.getvalue())
print(json.dumps(outputs))
"""
"""Runs the examples one after the other, each with variables of its own; prints what each one prints, as JSON."""


def run_examples(folder: Path) -> None:
    """Copy the project, train two runs, combine them, run the examples and write what they print to `outputs.json`."""
    copy_project(folder)
    run_in_copy([sys.executable, "-c", TRAIN], folder)
    run_in_copy([sys.executable, "simple_combine.py", RESULTS], folder)
    # The key of a result depends on the protocol, which is shorter in a copy.
    first = sorted((folder / RESULTS).glob("Pendulum-v1_SAC_*.json"))[0]
    examples = [re.sub(r"Pendulum-v1_SAC_[0-9a-f]{12}\.json", first.name, example) for example in EXAMPLES]
    output = run_in_copy([sys.executable, "-c", RUN_ALL], folder, json.dumps(examples))
    (folder / "outputs.json").write_text(output.splitlines()[-1])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which the examples have been run."""
    return shared_folder(tmp_path_factory, "python_interface", run_examples)


def heading(example: str) -> str:
    """Return the heading above an example."""
    above = PAGE.read_text().partition(example)[0]
    return re.findall(r"^## (.*)$", above, re.MULTILINE)[-1]


@pytest.mark.parametrize("example", EXAMPLES, ids=heading)
def test_examples_are_short(example: str) -> None:
    assert len([line for line in example.splitlines() if line]) <= MAX_LINES


def test_what_examples_print_and_write(project: Path) -> None:
    outputs = dict(zip(map(heading, EXAMPLES), json.loads((project / "outputs.json").read_text()), strict=True))
    assert outputs["Train a run"] == "[0, 1, 2]\n"
    assert outputs["Load a result"] == "0.001 [0, 60, 120] eager\n"
    table = outputs["All runs as a table"].split("\n")
    assert [line.split()[1:4] for line in table[1:3]] == [["0", "0", "completed"], ["0", "1", "completed"]]
    assert (project / "my_curves.pdf").stat().st_size > 0
    assert (project / "my_figure.png").stat().st_size > 0
