"""utils/benchmark.py on agents with and without networks."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("agent", "multiplies"), [("SAC", True), ("linearAC", False), ("Random", False)])
def test_a_row_for_every_kind_of_agent(agent: str, multiplies: bool) -> None:
    """Where an update has no matrix products there is no limit to stand beside."""
    command = [sys.executable, "utils/benchmark.py", "--agent", agent, "--stack", "2", "--repeats", "1"]
    done = subprocess.run([*command, "--seconds", "0.01"], cwd=ROOT, capture_output=True, text=True, check=True)
    name, stack, *numbers = done.stdout.splitlines()[-1].split()
    steps, products, ratio = (float(number.replace(",", "")) for number in numbers)
    assert (name, stack) == (agent, "2")
    assert steps > 0
    assert [math.isnan(products), math.isnan(ratio)] == [not multiplies] * 2
