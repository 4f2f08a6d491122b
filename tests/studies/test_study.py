"""A whole study: trained once, gone on with from its rows alone, told what is missing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from agent import AGENTS
from tests.studies.test_claims import row, study
from utils.core.errors import BadInput
from utils.core.provenance import ROOT
from utils.experiment.experiment import RunId
from utils.experiment.train_command import Where
from utils.run_study import main
from utils.studies import campaign
from utils.studies.choice import ArmInEnvironment, survey
from utils.studies.figures import draw_curves
from utils.studies.run_table import CHOOSING, REPORTING, UNUSED, RunRow, read_rows, write_rows
from utils.studies.study import Study, read_study
from utils.studies.training import Part

STUDY: dict[str, Any] = {
    "title": "Two policies on two peaks",
    "source": "A test.",
    "environments": ["peaks.json"],
    "parameters": {"batch_size": [4], "hidden_dim": [4], "critic_lr": [0.001, 0.01]},
    "arms": {
        "Gaussian": {"agent_name": "SAC", "parameters": {"policy_type": ["Gaussian"]}},
        "Beta": {"agent_name": "SAC", "parameters": {"policy_type": ["Beta"]}},
    },
    "choosing_runs": 2,
    "reporting_runs": 3,
    "claims": [
        {"claim": "Gaussian is better", "kind": "better", "a": "Gaussian", "b": "Beta"},
        {"claim": "Gaussian is robust", "kind": "less_sensitive", "a": "Gaussian", "b": "Beta", "to": "critic_lr"},
    ],
}
ENVIRONMENT = {
    "env_name": "Bimodal", "total_timesteps": 20, "steps_per_episode": 1, "eval_interval_timesteps": 10,
    "eval_episodes": 2, "gamma": 0.9, "overwrite_rewards": False, "rewards": {}, "start_state": [],
}  # fmt: skip


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "peaks.json").write_text(json.dumps(ENVIRONMENT))
    (tmp_path / "two.json").write_text(json.dumps(STUDY))
    return tmp_path


def run(*options: str, code: int = 0) -> str:
    outcome = CliRunner().invoke(main, ["two.json", "--jobs", "1", *options])
    assert outcome.exit_code == code, outcome.output
    return outcome.output


@pytest.mark.parametrize("name", sorted(path.parent.name for path in (ROOT / "docs/studies").glob("*/runs.parquet")))
def test_the_committed_page_is_that_of_its_rows(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)  # Without results, of which --page-only would collect newer ones.
    (tmp_path / "config").symlink_to(ROOT / "config")
    shutil.copytree(ROOT / "docs/studies" / name, tmp_path / name)
    outcome = CliRunner().invoke(
        main, [str(ROOT / f"config/studies/{name}.json"), "--page-only", "--out", str(tmp_path)], catch_exceptions=False
    )
    assert outcome.exit_code == 0, outcome.output
    assert (tmp_path / f"{name}.md").read_text() == (ROOT / f"docs/studies/{name}.md").read_text()


@pytest.mark.slow
def test_a_study_is_trained_once_and_goes_on_without_its_results(place):
    page, table = place / "docs/studies/two.md", place / "docs/studies/two/runs.parquet"
    run("--page-only")
    assert "0 of 4" in page.read_text()
    assert "main.py" in run()
    first, rows = page.read_text(), read_rows(table)
    # Two arms with two settings on two seeds, and the best of each on three fresh ones.
    assert [sum(one.stage == stage for one in rows.values()) for stage in (CHOOSING, REPORTING)] == [8, 6]
    assert {one.run for one in rows.values() if one.stage == REPORTING} == {2, 3, 4}
    assert {f"numpy {np.__version__}" in one.packages.split(", ") for one in rows.values()} == {True}
    assert "All runs are there." in first
    assert "2 tests:" in first
    assert sorted(path.name for path in table.parent.iterdir()) == [
        "curves.png",
        "runs.parquet",
        "sensitivity_critic_lr.png",
    ]
    shutil.rmtree(place / "results")
    assert "main.py" not in run()
    assert page.read_text() == first
    more = STUDY | {"reporting_runs": 4}
    (place / "two.json").write_text(json.dumps(more))
    assert run().count("main.py") == 2
    assert read_rows(table).keys() > rows.keys()


def test_bad_files_are_refused_in_one_line(place):
    (place / "two.json").write_text(json.dumps(STUDY | {"arms": {"A": {"agent_name": "SACK"}}, "claims": []}))
    assert "did you mean 'SAC'" in run(code=2)
    (place / "two.json").write_text(json.dumps(STUDY | {"arm": {}}))
    assert "unknown key 'arm'" in run(code=2)
    (place / "two.json").write_text(json.dumps(STUDY))
    table = place / "docs/studies/two/runs.parquet"
    table.parent.mkdir(parents=True)
    table.write_text("no table")
    assert "not a study's runs" in run("--page-only", code=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"environments": ["peaks.json", "./peaks.json"]}, "found 'peaks' twice; allowed: files of different names"),
        ({"parameters": {"critic_lr": [0.1, 0.1]}}, "found 0.1 twice; allowed: each value once"),
        *(
            ({"arms": {name: STUDY["arms"]["Beta"]}, "claims": []}, "string should")
            for name in ("a/b", "..", "", "|", "a\0", "x" * 101)
        ),
    ],
)
def test_files_whose_runs_would_be_mixed_or_have_no_name(place, options, message):
    (place / "two.json").write_text(json.dumps(STUDY | options))
    assert message in run("--page-only", code=2)


def test_an_environment_without_evaluations(place):
    """Refused before anything is trained, as performance is of evaluations."""
    (place / "peaks.json").write_text(json.dumps(ENVIRONMENT | {"eval_episodes": 0}))
    assert run(code=2) == "error: peaks.json: key 'eval_episodes': found 0; allowed in a study: 1 or more\n"


def test_two_arms_of_one_name(place):
    """Of equal keys of a JSON object, a parser keeps the last, so that an arm would be lost without a word."""
    (place / "two.json").write_text(json.dumps(STUDY).replace('"Beta": {', '"Gaussian": {', 1))
    assert run("--page-only", code=2) == (
        "error: two.json: found key 'Gaussian' twice in one object; allowed: each key once\n"
    )


def test_the_best_setting():
    """Setting 1 is best, and nothing is best before all its runs are there."""
    found = [row(value, seed, CHOOSING, setting) for setting, value in enumerate((1.0, 2.0)) for seed in range(3)]
    known = survey(study(), "e", "A", 2, found)
    assert (known.best, known.found) == (1, 6)
    known = survey(study(), "e", "A", 2, found[:-1])
    assert (known.best, known.found, known.reporting) == (None, 5, ())


def test_a_diverged_setting_is_not_chosen():
    found = [row(None if setting else -5.0, seed, CHOOSING, setting) for setting in range(2) for seed in range(3)]
    assert survey(study(), "e", "A", 2, found).best == 0


@pytest.fixture
def changed(place, monkeypatch) -> Callable[[dict[str, Any]], tuple[list[list[float]], list[int], list[RunRow]]]:
    """Return a function that runs a study whose runs score what their step size and seed say, after it was changed.

    It returns the first arm's table for choosing, the seeds that are reported of it, and the rows that were trained.
    """
    trained: list[RunRow] = []
    known: list[ArmInEnvironment] = []

    def score(part: Part, runs: Sequence[RunId], _where: Where) -> None:
        for one in runs:
            performance = part._experiment.grid.setting(one.setting)["critic_lr"] + one.run
            trained.append(
                replace(
                    row(performance, one.run, part.stage, one.setting, part.arm),
                    key=one.key,
                    environment=part.environment,
                )
            )

    def keep(*arguments: Any) -> str:
        known[:] = arguments[2]["peaks"].values()
        return ""

    monkeypatch.setattr(Part, "train", score)
    monkeypatch.setattr(Part, "collect", lambda _, runs: [one for one in trained if one.key in {r.key for r in runs}])
    monkeypatch.setattr(campaign, "page_text", keep)

    def run_changed(changes: dict[str, Any]) -> tuple[list[list[float]], list[int], list[RunRow]]:
        trained.clear()
        (place / "two.json").write_text(json.dumps(STUDY | changes))
        run()
        assert known[0].choosing is not None
        return known[0].choosing.tolist(), [one.run for one in known[0].reporting], trained

    return run_changed


def test_rows_count_by_what_was_trained_not_by_their_numbers(changed, place):
    """After the grid has grown at its front, rows of before are those of the same hyperparameters."""
    table, seeds, trained = changed({})
    assert (table, seeds, len(trained)) == ([[0.001, 1.001], [0.01, 1.01]], [2, 3, 4], 14)
    table, seeds, trained = changed({"parameters": STUDY["parameters"] | {"critic_lr": [0.005, 0.001, 0.01]}})
    assert (table, seeds) == ([[0.005, 1.005], [0.001, 1.001], [0.01, 1.01]], [2, 3, 4])
    assert [one.run for one in trained] == [0, 1, 0, 1]
    rows = read_rows(place / "docs/studies/two/runs.parquet")
    assert {(one.setting, round(one.performance - one.run, 9)) for one in rows.values() if one.arm == "Beta"} == {
        (0, 0.005), (1, 0.001), (2, 0.01),
    }  # fmt: skip
    assert UNUSED not in {one.stage for one in rows.values()}


def test_only_the_best_settings_fresh_runs_are_reported(changed, place):
    """When a better setting is added, those of the former best are kept, but count no more."""
    changed({})
    table, seeds, trained = changed({"parameters": STUDY["parameters"] | {"critic_lr": [0.001, 0.01, 0.02]}})
    assert (table[2], seeds, sorted(one.run for one in trained)) == (
        [0.02, 1.02],
        [2, 3, 4],
        [0, 0, 1, 1, 2, 2, 3, 3, 4, 4],
    )
    rows = [one for one in read_rows(place / "docs/studies/two/runs.parquet").values() if one.arm == "Gaussian"]
    assert [one.performance for one in rows if one.stage == REPORTING] == [2.02, 3.02, 4.02]
    assert [one.performance for one in rows if one.stage == UNUSED] == [2.01, 3.01, 4.01]


def test_a_cluster_gets_the_settings_and_seeds_that_are_missing(place, monkeypatch):
    """A run whose row is kept is not submitted again for others of its arm, also if its result is gone."""
    commands: list[str] = []
    monkeypatch.setattr("utils.experiment.train_command.run_script", lambda words: commands.append(" ".join(words)))
    part = Part(place, read_study(place / "two.json"), CHOOSING, "peaks.json", "Beta", None, AGENTS)
    part.train([one for one in part.run_ids() if (one.setting, one.run) == (1, 0)], Where(cluster="fir.json"))
    assert commands[0].startswith(
        "schedule.py --runs 0 --settings 1 --engine auto --yes fir.json main.py ./ peaks.json"
    )


def test_seeds_may_move_from_reporting_to_choosing(changed):
    """With more seeds for choosing, those that were fresh before count among them."""
    changed({})
    table, seeds, trained = changed({"choosing_runs": 3})
    assert table == [[0.001, 1.001, 2.001], [0.01, 1.01, 2.01]]
    assert seeds == [3, 4, 5]
    assert sorted(one.run for one in trained) == [2, 2, 5, 5]


def test_arms_may_share_runs(changed, place):
    """An arm whose settings are those of another is complete without training, and its runs count once."""
    changed({})
    twin = {"Twin": {"agent_name": "SAC", "parameters": {"policy_type": ["Gaussian"]}}}
    arms = twin | STUDY["arms"]
    table, seeds, trained = changed({"arms": arms})
    assert (table, seeds, trained) == ([[0.001, 1.001], [0.01, 1.01]], [2, 3, 4], [])
    changed({"arms": twin, "claims": []})
    rows = read_rows(place / "docs/studies/two/runs.parquet")
    assert {(one.arm, one.stage == UNUSED) for one in rows.values()} == {("Twin", False), ("Beta", True)}


def test_rows_come_back_as_they_were(tmp_path):
    rows = [row(1.25, 0), row(None, 1, CHOOSING)]
    write_rows(tmp_path / "runs.parquet", rows)
    back = read_rows(tmp_path / "runs.parquet")
    assert back.keys() == {one.key for one in rows}
    for one in rows:
        np.testing.assert_equal(vars(back[one.key]), vars(one))


def test_damaged_rows_are_refused(tmp_path):
    """One bit of a column's data, a byte of a name, a shorter file, and other columns and types."""
    path = tmp_path / "runs.parquet"
    write_rows(path, [row(1.25 + seed, seed) for seed in range(50)])
    whole, table = path.read_bytes(), parquet.read_table(path)
    place = whole.index((0xFD2FB528).to_bytes(4, "little")) + 20  # Of the first page, which zstd has compressed.
    flipped = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
    for content in (flipped, whole.replace(b"setting", b"set\xf4ing"), whole[:-9], b""):
        path.write_bytes(content)
        with pytest.raises(BadInput, match="not a study's runs, or damaged"):
            read_rows(path)
    others = {"run": pa.array(["a"] * 50), "returns": pa.array([None] * 50, pa.list_(pa.float64()))}
    for name, values in others.items():
        parquet.write_table(table.set_column(table.schema.get_field_index(name), name, values), path)
        with pytest.raises(BadInput, match="not a study's runs, or damaged"):
            read_rows(path)
    parquet.write_table(table.drop_columns(["cpu"]), path)
    with pytest.raises(BadInput, match="not a study's runs, or damaged"):
        read_rows(path)


def test_results_that_cannot_be_written_are_named(place):
    (place / "results").write_text("a file")
    assert "peaks_Gaussian.json: cannot be written" in run(code=2)


@pytest.mark.parametrize("path", sorted(Path("config/studies").glob("*.json")), ids=lambda path: path.stem)
def test_shipped_studies_are_valid(path):
    from agent import AGENTS
    from utils.studies.run_table import CHOOSING
    from utils.studies.training import Part, study_root

    shipped = read_study(path)
    for arm in shipped.arms:
        part = Part(study_root(path.stem), shipped, CHOOSING, shipped.environments[0], arm, None, AGENTS)
        assert len(part.run_ids()) == part.settings * shipped.choosing_runs


def test_a_legend_of_long_names_fits_into_its_figure():
    """Six names of 40 letters are not put side by side."""
    arms = {f"{number} {'x' * 40}": {"agent_name": "SAC"} for number in range(6)}
    many = Study.model_validate(STUDY | {"arms": arms, "claims": []})
    rows = tuple(row(1.0, seed) for seed in range(2))
    known = {"e": {arm: ArmInEnvironment("e", arm, None, rows, 0) for arm in arms}}
    figure = draw_curves(many, known)
    assert figure is not None
    [legend] = figure.legends
    figure.draw_without_rendering()
    box = legend.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
