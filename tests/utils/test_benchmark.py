"""utils/benchmark.py on agents with and without networks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from utils import timing
from utils.timing import Candidate, in_turn

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("agent", "multiplies"), [("SAC", True), ("linearAC", False), ("Random", False)])
def test_a_row_for_every_kind_of_agent(agent: str, multiplies: bool) -> None:
    """Where an update has no matrix products there is no limit to stand beside."""
    command = [sys.executable, "utils/benchmark.py", "--agent", agent, "--stack", "2", "--engine", "eager"]
    done = subprocess.run(
        [*command, "--repeats", "1", "--seconds", "0.01"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    (row,) = (line for line in done.stdout.splitlines() if line.split()[0] == agent)
    *names, steps, products, ratio, _, _ = row.split()
    assert names == [agent, "Pendulum-v1", "64x2,", "b32", "eager", "2"]
    assert float(steps.replace(",", "")) > 0
    assert [products == "-", ratio == "-"] == [not multiplies] * 2


def test_candidates_take_turns_and_are_counted_by_their_run_steps(monkeypatch) -> None:
    """With a clock that each call advances: A makes 4 run-steps in 2 seconds, B 9 in 3."""
    calls: list[str] = []
    now = [0.0]

    def candidate(name: str, seconds: float, run_steps: int) -> Candidate:
        def step() -> None:
            calls.append(name)
            now[0] += seconds

        return Candidate(step, run_steps)

    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    speeds = in_turn([candidate("A", 2.0, 4), candidate("B", 3.0, 9)], repeats=2, seconds=5.0)
    assert speeds.tolist() == [[2.0, 3.0], [2.0, 3.0]]
    assert "".join(calls) == "AAABB" * 2
