"""Whether a data.json has all results of its directory, and what combining says of mixed code."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from agent import AGENTS
from tests.support.fake_results import assert_refused, combine, write_result
from utils.combining.freshness import combine_command, describe_uncombined


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with three combined results."""
    for number in range(3):
        write_result(tmp_path / "d", 0, number)
    combine(tmp_path / "d")
    return tmp_path / "d"


def uncombined(folder: Path) -> str | None:
    return describe_uncombined(folder / "data.json")


def test_all_results_are_combined(folder):
    assert uncombined(folder) is None


def test_results_that_were_never_combined(folder):
    for number in (3, 4):
        write_result(folder, 1, number)
    assert uncombined(folder) == "results of its directory (2 never combined)"
    combine(folder)
    assert uncombined(folder) is None


def test_a_result_that_has_changed_and_one_that_is_gone(folder):
    write_result(folder, 0, 0, train_time=9.0)
    write_result(folder, 0, 1).unlink()
    assert uncombined(folder) == "results of its directory (1 changed since, 1 no longer there)"


def test_moved_and_touched_files_are_the_same_results(folder):
    for path in folder.glob("Pendulum*.json"):
        os.utime(path, (1, 1))
    assert uncombined(folder) is None
    shutil.copytree(folder, folder.with_name("copy"))
    assert uncombined(folder.with_name("copy")) is None


def test_other_files_do_not_count(folder):
    (folder / "notes.json").write_text("{}")
    (folder / "report.html").write_text("")
    assert uncombined(folder) is None


def test_archived_results_count(folder):
    combine(folder, archive=True)
    assert not list(folder.glob("Pendulum*.json"))
    assert uncombined(folder) is None
    write_result(folder, 0, 3)
    assert uncombined(folder) == "results of its directory (1 never combined)"
    combine(folder, archive=True)
    assert uncombined(folder) is None


def test_a_data_json_alone_is_not_stale(folder):
    for path in folder.glob("Pendulum*.json"):
        path.unlink()
    assert uncombined(folder) is None


def test_without_an_index_the_times_decide(folder):
    (folder / "data.json.index").unlink()
    for path in folder.glob("Pendulum*.json"):
        os.utime(path, (1, 1))
    assert uncombined(folder) is None
    write_result(folder, 0, 3)
    os.utime(folder / "data.json", (2, 2))
    assert uncombined(folder) == "results of its directory (1 written after it)"


def test_results_of_another_grid_are_known_after_combining(folder, tmp_path):
    """--agent-json leaves results out; they are not reported as never combined."""
    write_result(folder, 0, 0, name="other.json", experiment={"parameters": {"critic_lr": [0.5]}})
    assert combine_command(folder) == f"python simple_combine.py {folder}"
    agent = tmp_path / "agent.json"
    agent.write_text(json.dumps({"agent_name": "SAC", "parameters": {"critic_lr": [0.5]}}))
    assert combine(folder).exit_code == 2
    assert uncombined(folder) == "results of its directory (1 never combined)"
    agent.write_text(json.dumps({"agent_name": "SAC", "parameters": {"critic_lr": [0.5], "alpha": [0.1]}}))
    write_result(folder, 0, 1, name="third.json", experiment={"parameters": {"critic_lr": [0.5], "alpha": [0.1]}})
    tree = json.loads((folder / "third.json").read_bytes())
    resolved = AGENTS["SAC"].hyperparameters.model_validate({"critic_lr": 0.5, "alpha": 0.1}).recorded()
    tree["experiment_data"]["0"]["agent_params"] = resolved
    (folder / "third.json").write_text(json.dumps(tree))
    assert combine(folder, agent_json=agent).exit_code == 0
    assert uncombined(folder) is None
    assert combine_command(folder) == (
        f"python simple_combine.py {folder} (with the --agent-json or --env-json of the last call)"
    )


def test_the_command(folder, tmp_path):
    done = combine(folder, check=True)
    assert (done.exit_code, done.stdout) == (0, f"{folder}/data.json: up to date\n")
    write_result(folder, 0, 3)
    before = sorted(path.name for path in folder.iterdir())
    write_result(tmp_path / "new", 0, 0)
    done = combine(folder, tmp_path / "new", check=True)
    assert done.exit_code == 1
    assert done.stdout == (
        f"{folder}/data.json: lacks results of its directory (1 never combined); run: python simple_combine.py "
        f"{folder}\n{tmp_path}/new/data.json: there is no data.json; run: python simple_combine.py {tmp_path}/new\n"
    )
    assert sorted(path.name for path in folder.iterdir()) == before
    assert_refused(combine(folder, check=True, parquet=True), "--check: found with another option")
    assert_refused(combine(tmp_path / "absent", check=True), "cannot be read")


def test_combining_warns_of_several_versions_of_the_code(tmp_path):
    """Results that did not record their code are not complained of."""
    for number, sources in enumerate(["aaa", "aaa", "bbb", None]):
        provenance = {"code": {"commit": None, "sources": sources}, "versions": {"torch": "2.13.0"}}
        write_result(tmp_path, 0, number, name=f"r{number}.json", provenance=provenance)
    expected = (
        f"warning: {tmp_path}: the runs are of 2 versions of the code (2 of sources aaa, 1 of sources bbb); "
        f"{tmp_path}/r0.json and {tmp_path}/r2.json differ in sources aaa and bbb\n"
    )
    assert combine(tmp_path).stderr == expected
    assert combine(tmp_path).stderr == expected  # Also if nothing is read again.
    (tmp_path / "r2.json").unlink()
    assert combine(tmp_path).stderr == ""


def test_the_table_names_the_hyperparameters_that_differ(folder):
    rows = [line.split() for line in combine(folder).stdout.splitlines()[2:6]]
    assert rows == [
        ["0", "3", "0", "0", "critic_lr", "0.1"],
        ["1", "0", "0", "3", "critic_lr", "0.01"],
        ["2", "0", "0", "3", "critic_lr", "0.001"],
        ["all", "3", "0", "6"],
    ]
