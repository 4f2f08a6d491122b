"""The report, comparisons and commands say which learned parameters runs began from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.fake_results import combine
from tests.support.starts import configure, learn
from utils.analysis.combined_results import CombinedResults, read_combined_results
from utils.analysis.rerun_commands import Rerun
from utils.compare_protocols import main as compare
from utils.reporting.how_to_reproduce import MAX_STARTS, reproduction_commands
from utils.reporting.what_ran import summarize_what_ran
from utils.wiring.run import train


def combined(files: Any, start: Path | None, runs: int, save_dir: str) -> CombinedResults:
    """Train runs that begin from a result, combine them and read them."""
    configured = configure(files, "linearAC", start)
    results = train(*configured, runs=runs, save_dir=str(files.folder / save_dir), engine="eager")
    folder = results[0].path.parent
    assert combine(folder).exit_code == 0
    return read_combined_results([folder])[0]


def test_a_start_is_part_of_provenance_and_commands(files):
    (start,) = learn(files, "linearAC")
    path = start.result.path
    experiment = combined(files, path, 2, "out")
    text = f"{path} (60 timesteps, SHA-256 {start.sha256[:12]})"
    (item,) = [item for item in summarize_what_ran(experiment).items if item.name == "begins from"]
    assert item.values == [(text, 2)]
    lines = reproduction_commands(experiment, "")
    place = lines.index("# Runs begin from the learned parameters of these results, which must be there:")
    assert lines[place + 1] == f"# {text}"
    assert f'  "start_from": {json.dumps(str(path))}' in lines
    rerun = json.loads(Rerun(experiment, 0, "again", "again").agent_text())
    assert rerun["start_from"] == str(path)


def test_many_starts_are_counted(files):
    learned = learn(files, "linearAC", f"0-{MAX_STARTS + 1}")
    experiment = combined(files, learned[0].result.path.parent, MAX_STARTS + 2, "out")
    lines = reproduction_commands(experiment, "")
    assert sum("timesteps, SHA-256" in line for line in lines) == MAX_STARTS
    assert "# and 2 others" in lines


def test_runs_without_a_start_say_nothing_of_it(files):
    experiment = combined(files, None, 1, "out")
    assert "begins from" not in [item.name for item in summarize_what_ran(experiment).items]
    assert not any("learned parameters" in line for line in reproduction_commands(experiment, ""))
    assert "start_from" not in json.loads(Rerun(experiment, 0, "again", "again").agent_text())


@pytest.mark.parametrize("both", [False, True])
def test_protocols_differ_in_their_starts(both, files):
    (start,) = learn(files, "linearAC")
    begun = combined(files, start.result.path, 1, "out")
    other = combined(files, start.result.path if both else None, 1, "plain")
    done = CliRunner().invoke(compare, [str(begun.path.parent), str(other.path.parent)])
    line = f'start_from: "{start.sha256}" and nothing'
    assert (line in done.output) == (not both), done.output
