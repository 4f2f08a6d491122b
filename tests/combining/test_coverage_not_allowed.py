"""Settings that cannot be trained: combining names them, and nothing counts them as missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import simple_combine
from tests.support.sweep import Sweep
from utils.analysis.combined_results import read_combined_results
from utils.combining.coverage import Coverage
from utils.reporting.progress import grid_progress


@pytest.mark.parametrize("by_grid", [False, True])
def test_settings_that_are_not_allowed_are_not_missing(by_grid, files, tmp_path):
    sweep = Sweep(files, tmp_path / "out")
    sweep.agent = {"policy_type": ["Beta", "Softmax"]}
    assert sweep.run("--runs", "2").exit_code == 0
    [directory] = {path.parent for path in sweep.save_dir.glob("*/*.json")}
    options = ["--agent-json", sweep.files.agent(**sweep.agent)] if by_grid else []
    done = CliRunner().invoke(simple_combine.main, [str(directory), *options])
    assert done.exit_code == 0
    assert done.output.endswith("not allowed, never trained: settings 1\nnothing is missing\n")
    [combined] = read_combined_results([Path(directory)])
    assert [[outcome.exclusion for outcome in outcomes] for outcomes in combined.outcomes] == [
        ["", ""],
        ["not allowed", "not allowed"],
    ]
    progress = grid_progress(combined)
    assert (progress.expected, progress.counts, progress.missing) == (2, (2, 0, 0), "")


def test_the_missing_runs_of_allowed_settings():
    coverage = Coverage(3, {0: {0: "completed", 1: "completed"}}, not_allowed=[1])
    assert coverage.missing_indices() == [2, 5]
    assert [line.split()[:4] for line in coverage.format_table().splitlines()] == [
        ["setting", "completed", "diverged", "missing"],
        ["0", "2", "0", "0"],
        ["2", "0", "0", "2"],
        ["all", "2", "0", "2"],
    ]
