"""CSV files have every number with all its bits."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

from tests.support.exported_runs import SERIES, group_of, run_export, write_run
from tests.support.fake_results import ENVIRONMENT
from utils.exporting.to_csv import format_cell


def read_table(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_series_have_our_bits(tmp_path):
    key = write_run(tmp_path / "results", 1)
    assert run_export(tmp_path / "results", "--to", "csv", "--output", tmp_path / "out").exit_code == 0
    found: dict[str, list[tuple[int, float]]] = {}
    for row in read_table(tmp_path / f"out/Pendulum-v1_SAC_Beta_{key}.csv"):
        found.setdefault(row["series"], []).append((int(row["timestep"]), float(row["value"])))
    assert found == SERIES


def test_a_row_for_each_run(tmp_path):
    for number in (0, 4):
        write_run(tmp_path / "results", 1, number)
    run_export(tmp_path / "results", "--to", "csv", "--output", tmp_path / "out")
    rows = read_table(tmp_path / "out/runs.csv")
    assert [row["random_seed"] for row in rows] == ["0", "4"]
    assert rows[1] == {
        "file": "Pendulum-v1_SAC_Beta_000001000004.csv",
        "group": group_of(1),
        "env_name": "Pendulum-v1",
        "agent_name": "SAC",
        "setting": "1",
        "run_number": "4",
        "random_seed": "4",
        "key": "000001000004",
        "status": "completed",
        "timesteps_done": "40",
        "diverged_at_timestep": "",
        "policy_type": "Beta",
        "critic_lr": "0.01",
    } | {f"environment.{name}": format_cell(value) for name, value in ENVIRONMENT.items()}


def test_runs_of_another_directory_stay(tmp_path):
    write_run(tmp_path / "a", 0)
    write_run(tmp_path / "b", 1)
    for name in ("a", "b"):
        run_export(tmp_path / name, "--to", "csv", "--output", tmp_path / "out")
    assert [row["setting"] for row in read_table(tmp_path / "out/runs.csv")] == ["0", "1"]


def test_cells():
    values = [None, "a,b", 3, 0.1, 1e-300, True, [1, 2.5], {"goal": None}]
    assert [format_cell(value) for value in values] == [
        "", "a,b", "3", "0.1", "1e-300", "true", "[1, 2.5]", '{"goal": null}',
    ]  # fmt: skip
    assert json.loads(format_cell({"a": [None]})) == {"a": [None]}
    for value in np.random.default_rng(0).normal(size=100).tolist():
        assert float(format_cell(value)) == value
