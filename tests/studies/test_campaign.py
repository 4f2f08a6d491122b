"""Studies whose training is stopped, fails, or is shared by processes: what is kept, trained and returned."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.studies.test_claims import row
from tests.studies.test_study import ENVIRONMENT, STUDY, run
from utils.experiment.experiment import RunId
from utils.experiment.train_command import Where
from utils.studies.run_table import RunRow, read_rows, write_rows
from utils.studies.training import Part

TABLE = Path("docs/studies/two/runs.parquet")
PAGE = Path("docs/studies/two.md")


class Results:
    """Results of runs that score 1, without training.

    codes: exit codes of the command that trains, by arm.  completed: how many runs it completes if its code is not 0.
    """

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.trained: list[str] = []
        self.codes: dict[str, int] = {}
        self.completed = 0

    def train(self, part: Part, runs: Sequence[RunId], _where: Where) -> None:
        """Stand in for `Part.train`."""
        self.trained.append(part.arm)
        code = self.codes.get(part.arm, 0)
        self.keys |= {one.key for one in (runs[: self.completed] if code else runs)}
        if code:
            sys.exit(code)

    def collect(self, part: Part, runs: Sequence[RunId]) -> Iterator[RunRow]:
        """Stand in for `Part.collect`."""
        for one in runs:
            if one.key in self.keys:
                yield replace(row(1.0, one.run, part.stage, one.setting, part.arm), key=one.key)


@pytest.fixture
def results(tmp_path, monkeypatch) -> Results:
    found = Results()
    monkeypatch.chdir(tmp_path)
    Path("peaks.json").write_text(json.dumps(ENVIRONMENT))
    Path("two.json").write_text(json.dumps(STUDY))
    monkeypatch.setattr(Part, "train", lambda part, runs, where: found.train(part, runs, where))
    monkeypatch.setattr(Part, "collect", lambda part, runs: found.collect(part, runs))
    return found


def test_an_arm_whose_runs_fail_does_not_keep_others_from_being_trained(results):
    results.codes, results.completed = {"Gaussian": 1}, 3
    run(code=1)
    assert results.trained == ["Gaussian", "Beta", "Beta"]
    assert "| peaks | Gaussian | 3 of 4 | 0 of 3 |" in PAGE.read_text()
    assert "| peaks | Beta | 4 of 4 | 3 of 3 |" in PAGE.read_text()
    results.codes = {}
    run()
    assert results.trained[3:] == ["Gaussian", "Gaussian"]


@pytest.mark.parametrize("code", [2, 75])
def test_a_stopped_or_refused_command_ends_the_study_and_keeps_what_was_completed(results, code):
    results.codes, results.completed = {"Gaussian": code}, 3
    run(code=code)
    assert results.trained == ["Gaussian"]
    assert len(read_rows(TABLE)) == 3
    assert not PAGE.exists()


def test_page_only_collects_results_that_have_no_rows_yet(results):
    """Such as those of a cluster, or of a study that was killed."""
    results.codes, results.completed = {"Gaussian": 75}, 3
    run(code=75)
    TABLE.unlink()
    run("--page-only")
    assert results.trained == ["Gaussian"]
    assert "| peaks | Gaussian | 3 of 4 | 0 of 3 |" in PAGE.read_text()
    assert len(read_rows(TABLE)) == 3


def test_rows_of_another_process_are_kept(results, monkeypatch):
    """It writes them while this one trains, and its results are removed."""
    theirs = replace(row(2.0, 7), key="theirs")

    def train_beside(part: Part, runs: Sequence[RunId], where: Where) -> None:
        results.train(part, runs, where)
        write_rows(TABLE, [*read_rows(TABLE).values(), theirs])

    monkeypatch.setattr(Part, "train", train_beside)
    run()
    rows = read_rows(TABLE)
    assert len(rows) == 15
    assert rows["theirs"].performance == 2.0
