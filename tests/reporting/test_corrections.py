"""The report's corrections for several comparisons, its tables over environments, and its warnings."""

from __future__ import annotations

import html
import re
from pathlib import Path

from tests.support.fake_results import combine, write_result
from utils.reporting.report_file import write_report


def report_text(directories: list[Path]) -> str:
    """Return the report's text, without tags."""
    path = write_report([str(each) for each in directories], None, 0.95)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", path.read_text())))


def write(directory: Path, agent: str, environment: str, level: float) -> Path:
    change = {"agent_name": agent, "environment": {"env_name": environment}, "parameters": {"tau": [0.1]}}
    for run in range(6):
        write_result(directory, 0, run, experiment=change, returns=[[level + run], [level + run]])
    combine(directory)
    return directory


def test_pairs_are_corrected_over_all_environments_and_agents_scored(tmp_path: Path) -> None:
    directories = [
        write(tmp_path / f"{environment}_{agent}", agent, environment, level)
        for environment in ("Pendulum-v1", "Acrobot-v1")
        for agent, level in (("SAC", 0.0), ("VAC", 100.0))
    ]
    text = report_text(directories)
    assert "adjusted for 2 pairs by Holm's method, and the 2 intervals hold simultaneously" in text
    over = text[text.index("P(a improves on b)") :]
    assert re.search(r"SAC VAC 0\.00 0\.00 to 0\.[12]\d", over)
    assert "optimality gap" in text
    assert "missing from 53% of all sets of 6 runs" in text


def test_one_environment_has_no_table_over_environments(tmp_path: Path) -> None:
    text = report_text([write(tmp_path / "one", "SAC", "Pendulum-v1", 0.0)])
    assert "everal environments" not in text


def test_environments_without_an_agent_in_common_have_no_table(tmp_path: Path) -> None:
    agents = (("SAC", "Pendulum-v1"), ("VAC", "Acrobot-v1"))
    text = report_text([write(tmp_path / agent, agent, environment, 0.0) for agent, environment in agents])
    assert "No agent has results, with equally many runs, in each of several environments." in text
