"""utils/combining/data_json.py: data.json is read one run at a time."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.support.fake_results import combine, write_result
from utils.combining import data_json, run_bytes
from utils.combining.coverage import Coverage, missing_runs_by_setting
from utils.combining.data_json import read_data_json, run_numbers
from utils.core.errors import BadInput


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data.json with three runs of setting 0 and one of setting 2, of three settings."""
    for setting, number in ((0, 2), (0, 0), (0, 1), (2, 0)):
        write_result(tmp_path, setting, number)
    combine(tmp_path)
    return tmp_path / "data.json"


def test_is_the_tree(data):
    tree, whole = read_data_json(data), json.loads(data.read_bytes())
    assert tree["experiment"] == whole["experiment"]
    assert list(tree["experiment_data"]) == list(whole["experiment_data"])
    for setting, cell in whole["experiment_data"].items():
        runs = tree["experiment_data"][setting]["runs"]
        assert tree["experiment_data"][setting]["agent_params"] == cell["agent_params"]
        assert list(runs) == cell["runs"]
        assert [runs[place] for place in range(len(runs))] == cell["runs"]
        assert runs[-1] == cell["runs"][-1]
        assert list(runs[1:]) == cell["runs"][1:]
        assert run_numbers(runs) == run_numbers(cell["runs"])


def test_reads_only_the_runs_that_are_asked_for(data, monkeypatch):
    read = []
    monkeypatch.setattr(data_json, "read_at", lambda file, place: read.append(place) or run_bytes.read_at(file, place))
    monkeypatch.setattr(data_json, "read_tree", lambda path: pytest.fail("read as a whole"))
    tree = read_data_json(data)
    missing_runs_by_setting(tree)
    assert read == []
    assert tree["experiment_data"]["0"]["runs"][1]["run_number"] == 1
    assert [place.setting for place in read] == [0]


@pytest.mark.parametrize("damage", ["absent", "cut", "flipped", "of another"])
def test_without_a_good_index_is_read_as_a_whole(damage, data, tmp_path):
    index = data.with_name("data.json.index")
    content = index.read_bytes()
    if damage == "of another":
        write_result(tmp_path / "other", 0, 0)
        combine(tmp_path / "other")
        shutil.copy(tmp_path / "other/data.json.index", index)
    else:
        flipped = content.replace(b'"completed"', b'"diverged_"')
        index.write_bytes({"absent": b"", "cut": content[: len(content) // 2], "flipped": flipped}[damage])
    runs = read_data_json(data)["experiment_data"]["0"]["runs"]
    assert isinstance(runs, list)
    assert [run["run_number"] for run in runs] == [0, 1, 2]


def test_a_run_that_was_changed_by_hand_is_refused(data):
    data.write_bytes(data.read_bytes().replace(b"-9.0", b"-8.0"))
    runs = read_data_json(data)["experiment_data"]["0"]["runs"]
    with pytest.raises(BadInput, match="combine again"):
        list(runs)


def test_a_copy_is_read_by_its_copied_index(data, tmp_path):
    (tmp_path / "copy").mkdir()
    for name in ("data.json", "data.json.index"):
        shutil.copy(data.with_name(name), tmp_path / "copy" / name)
    runs = read_data_json(tmp_path / "copy/data.json")["experiment_data"]["0"]["runs"]
    assert not isinstance(runs, list)
    assert list(runs) == json.loads(data.read_bytes())["experiment_data"]["0"]["runs"]


@pytest.mark.parametrize("again", ["written", "renamed"])
def test_is_the_tree_after_a_result_was_written_again_or_renamed(again, data):
    before = json.loads(data.read_bytes())
    result = sorted(data.parent.glob("*_*.json"))[0]
    if again == "written":
        os.utime(result, ns=(1, 1))
    else:
        result.rename(result.with_name(f"A{result.name}"))
    assert combine(data.parent).exit_code == 0
    tree = read_data_json(data)
    assert {setting: list(cell["runs"]) for setting, cell in tree["experiment_data"].items()} == {
        setting: cell["runs"] for setting, cell in before["experiment_data"].items()
    }


def test_missing_runs(data):
    assert missing_runs_by_setting(read_data_json(data)) == {0: [], 1: [0, 1, 2], 2: [1, 2]}
    assert missing_runs_by_setting(json.loads(data.read_bytes())) == {0: [], 1: [0, 1, 2], 2: [1, 2]}


def test_missing_runs_too_many_to_list_are_counted():
    coverage = Coverage(2, {0: {0: "completed", 10**9: "completed"}})
    assert "2000000000 runs are missing" in coverage.format_report()
    assert "1000000001" in coverage.format_table()
    with pytest.raises(BadInput, match="too many to list"):
        coverage.missing_indices()


def test_a_list_of_indices_too_long_to_copy_is_counted():
    coverage = Coverage(2, {0: dict.fromkeys(range(1000), "completed")})
    assert coverage.format_report().endswith("still to run: 1000 indices; main.py --runs 1000 trains what is missing")
