"""Trackio's database has every number with all its bits, once."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.exported_runs import SERIES, group_of, run_export_script, write_run
from tests.support.fake_results import ENVIRONMENT

pytest.importorskip("trackio", reason="trackio is not installed: pip install -r requirements-export.txt")


def select(database: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


def read_series(database: Path, key: str) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for step, metrics in select(database, f"SELECT step, metrics FROM metrics WHERE run_id = '{key}' ORDER BY step"):
        for name, value in json.loads(metrics).items():
            found.setdefault(name, []).append((step, value))
    return found


def test_values_have_our_bits(tmp_path):
    keys = [write_run(tmp_path / "results", 1), write_run(tmp_path / "results", 2, 3, status="diverged")]
    done = run_export_script(tmp_path / "results", "--to", "trackio", "--output", tmp_path / "out", "--project", "mine")
    assert done == f"{tmp_path / 'out'}: 2 added, 0 replaced, 0 unchanged\n"
    database = tmp_path / "out/mine.db"
    assert [read_series(database, key) for key in keys] == [SERIES, SERIES]
    configs = {run: json.loads(config) for run, config in select(database, "SELECT run_id, config FROM configs")}
    assert [configs[key]["critic_lr"] for key in keys] == [0.01, 0.001]
    assert [configs[key]["random_seed"] for key in keys] == [0, 3]
    assert [configs[key]["status"] for key in keys] == ["completed", "diverged"]
    assert configs[keys[1]]["_Group"] == group_of(2)
    assert {name: configs[keys[0]][f"environment.{name}"] for name in ENVIRONMENT} == ENVIRONMENT
    names = select(database, "SELECT DISTINCT run_name FROM metrics ORDER BY run_name")
    assert names == [(f"Pendulum-v1_SAC_Beta_{key}",) for key in keys]


def test_a_run_is_exported_once_and_replaced(tmp_path):
    key = write_run(tmp_path / "results")
    write_run(tmp_path / "results", 1)
    arguments = (tmp_path / "results", "--to", "trackio", "--output", tmp_path / "out")
    run_export_script(*arguments)
    rows = select(tmp_path / "out/policy-params.db", "SELECT count(*) FROM metrics")
    write_run(tmp_path / "results", train_episode_rewards=[0.0, 1.0, 2.0, 3.0])
    assert run_export_script(*arguments).endswith("0 added, 1 replaced, 1 unchanged\n")
    (tmp_path / "out/exported_trackio.json").unlink()
    assert run_export_script(*arguments).endswith("2 added, 0 replaced, 0 unchanged\n")
    assert select(tmp_path / "out/policy-params.db", "SELECT count(*) FROM metrics") == rows
    assert [value for _, value in read_series(tmp_path / "out/policy-params.db", key)["train/return"]] == [
        0.0,
        1.0,
        2.0,
    ]


def test_another_project_of_the_same_output(tmp_path):
    key = write_run(tmp_path / "results")
    arguments = (tmp_path / "results", "--to", "trackio", "--output", tmp_path / "out")
    run_export_script(*arguments)
    assert run_export_script(*arguments, "--project", "other").endswith("0 added, 1 replaced, 0 unchanged\n")
    assert read_series(tmp_path / "out/policy-params.db", key) == {}
    assert read_series(tmp_path / "out/other.db", key) == SERIES


def test_a_relative_output(tmp_path):
    key = write_run(tmp_path / "results")
    done = run_export_script("results", "--to", "trackio", "--output", "out", folder=tmp_path)
    assert done == "out: 1 added, 0 replaced, 0 unchanged\n"
    assert read_series(tmp_path / "out/policy-params.db", key) == SERIES


def test_a_name_that_trackio_refuses(tmp_path):
    write_run(tmp_path / "results")
    done = run_export_script(
        tmp_path / "results", "--to", "trackio", "--output", tmp_path / "out", "--project", "registry-x"
    )
    assert done.startswith("error: --project: found 'registry-x'")
    assert done.count("\n") == 1
