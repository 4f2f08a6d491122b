"""tests/faults/forked_main.py: exit codes and output of main.py in a forked process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faults.forked_main import ForkedInterpreter
from tests.faults.third_party_verdicts import KILLED

PROTOCOL = {"env_name": "Pendulum-v1", "total_timesteps": 10**8, "steps_per_episode": 20,
            "eval_interval_timesteps": 10, "eval_episodes": 1, "gamma": 0.9}  # fmt: skip


def run(folder: Path, *arguments: str, seconds: int = 60, stop_at: str | None = None) -> tuple[int, list[str]]:
    """Return the exit code and the lines of an execution.  stop_at: text of a line after which it gets SIGTERM."""
    process = ForkedInterpreter().start(arguments, folder, seconds)
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if stop_at and stop_at in line:
            process.terminate()
            stop_at = None
    return process.wait(), lines


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "env.json").write_text(json.dumps(PROTOCOL))
    (tmp_path / "agent.json").write_text(json.dumps({"agent_name": "Random", "parameters": {}}))
    return "--env-json", "env.json", "--agent-json", "agent.json", "--save-dir", str(tmp_path / "results")


def test_the_exit_code_and_the_output_are_main_pys(files: tuple[str, ...], tmp_path: Path) -> None:
    code, lines = run(tmp_path, "--help")
    assert (code, lines[0]) == (0, "Usage: main.py [OPTIONS] [RESULT]...")
    assert run(tmp_path, *files, "--index", "x")[0] == 2
    assert run(tmp_path, "--env-json", "none.json", "--agent-json", "agent.json")[1][0].startswith("error: none.json")


def test_a_signal_stops_it_with_a_checkpoint(files: tuple[str, ...], tmp_path: Path) -> None:
    assert run(tmp_path, *files, stop_at=": step 20: ")[0] == 75


def test_its_time_is_limited(files: tuple[str, ...], tmp_path: Path) -> None:
    assert run(tmp_path, *files, seconds=1)[0] == KILLED
