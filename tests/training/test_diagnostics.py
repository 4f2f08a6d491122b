"""Diagnostics of whole runs: their windows, their place in results, tables, figures and logs; no other bit changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest

from tests.plotting.test_plot_kinds import facts, plot
from tests.support.experiments import assert_same_bits, make_experiment, train
from tests.support.fake_results import assert_refused, combine, write_result
from tests.support.resuming import assert_resumes_exactly
from tests.training.test_bits import PENDULUM
from utils.experiment.config import EnvironmentConfig
from utils.results.run_diff import first_run_difference, read_comparable
from utils.training.log_lines import summarize_diagnostics
from utils.training.run_record import RunRecord

SMALL = {"hidden_dim": [16], "batch_size": [8]}
PROTOCOL: dict[str, Any] = PENDULUM | {
    "total_timesteps": 50, "steps_per_episode": 20, "eval_interval_timesteps": 30, "diagnostics_interval_timesteps": 20,
}  # fmt: skip


def test_windows_end_at_multiples_and_where_the_run_ends(tmp_path):
    (record,) = train(make_experiment(PROTOCOL, SMALL, tmp_path), [0])
    assert record.timesteps_at_diagnostics == [20, 40, 50]
    assert {len(values) for values in record.diagnostics.values()} == {3}


def test_a_window_without_updates_is_left_out(tmp_path):
    (record,) = train(make_experiment(PROTOCOL, SMALL | {"batch_size": [32]}, tmp_path), [0])
    assert record.timesteps_at_diagnostics == [40, 50]


def test_a_diverged_runs_last_window_ends_where_it_diverged(tmp_path):
    (record,) = train(make_experiment(PROTOCOL, SMALL | {"critic_lr": [1e30]}, tmp_path), [0])
    assert record.status == "diverged"
    assert record.timesteps_at_diagnostics[-1] == record.diverged_at_timestep


@pytest.mark.parametrize("name", ["SAC", "GreedyAC", "linearAC"])
@pytest.mark.parametrize("interval", [0, 1, 7])
def test_no_other_bit_depends_on_the_windows(name, interval, tmp_path):
    parameters = {} if name == "linearAC" else SMALL
    first, second = (
        train(make_experiment(PROTOCOL | {"diagnostics_interval_timesteps": each}, parameters, tmp_path, name), [0, 1])
        for each in (interval, 50)
    )
    for a, b in zip(first, second, strict=True):
        a.diagnostics, a.timesteps_at_diagnostics = b.diagnostics, b.timesteps_at_diagnostics
        assert_same_bits(a, b)


def test_without_windows_there_are_none(tmp_path):
    (record,) = train(make_experiment(PROTOCOL | {"diagnostics_interval_timesteps": 0}, SMALL, tmp_path), [0])
    assert record.diagnostic_arrays() == {}


@pytest.mark.parametrize("name", ["SAC", "VAC", "linearAC"])
def test_windows_go_on_after_an_interruption(name, tmp_path):
    """Alone and in other stacks; `assert_same_bits` compares diagnostics."""
    parameters = {} if name == "linearAC" else SMALL | {"policy_type": ["Gaussian"]}
    protocol = PROTOCOL | {"total_timesteps": 90}
    assert_resumes_exactly(make_experiment(protocol, parameters, tmp_path, name), [0, 1], [31, 40, 77], tmp_path)


@pytest.mark.parametrize(
    ("evaluations", "window"),
    [(5000, 500), (2501, 251), (1, 50), (10**9, 5000)],
)
def test_by_default_windows_follow_evaluations_within_limits(evaluations, window):
    keys = {name: value for name, value in PROTOCOL.items() if name != "diagnostics_interval_timesteps"}
    keys["eval_interval_timesteps"] = evaluations
    assert EnvironmentConfig.model_validate(keys).diagnostics_interval == window


def test_keys_are_as_before_by_default():
    assert EnvironmentConfig.model_validate(PROTOCOL).model_dump(mode="json")["diagnostics_interval_timesteps"] == 20
    keys = {name: value for name, value in PROTOCOL.items() if name != "diagnostics_interval_timesteps"}
    assert "diagnostics_interval_timesteps" not in EnvironmentConfig.model_validate(keys).model_dump(mode="json")


def test_a_value_that_begins_or_is_missing_later_is_nan():
    record = RunRecord(timesteps=5)
    record.add_diagnostics({"q": 1.0})
    record.timesteps = 10
    record.add_diagnostics({"alpha": 2.0})
    record.add_diagnostics({})
    arrays = record.diagnostic_arrays()
    assert arrays["timestep"].tolist() == [5, 10]
    np.testing.assert_array_equal(arrays["q"], [1.0, np.nan])
    np.testing.assert_array_equal(arrays["alpha"], [np.nan, 2.0])


def test_the_log_has_the_last_values():
    text = summarize_diagnostics({"q": [1.0, -2.345678], "alpha": [0.1, 5.7e6], "scale": [1.0, 2.0]})
    assert text == "q -2.346, alpha 5.7e+06, WARNING: alpha has grown from 0.1 to 5.7e+06"
    assert summarize_diagnostics({}) == ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Results of setting 0 with diagnostics, the second of which is shorter, and one of setting 2 without."""
    for number, q in ((0, [1.0, 3.0]), (1, [5.0])):
        write_diagnostics(tmp_path, 0, number, {"q": q, "alpha": [1e-3, 1.0][: len(q)]})
    write_result(tmp_path, 2, 0)
    assert combine(tmp_path, parquet=True).exit_code == 0
    return tmp_path


def write_diagnostics(folder: Path, setting: int, number: int, values: dict[str, list[float]]) -> None:
    """Write an invented run with windows that end at timesteps 20, 40, ..."""
    windows = len(next(iter(values.values())))
    arrays = {"timestep": np.arange(1, windows + 1) * 20} | {name: np.array(one) for name, one in values.items()}
    named = {f"diagnostics/{name}": array for name, array in arrays.items()}
    path = write_result(folder, setting, number)
    np.savez(path.with_suffix(".npz"), **named)
    tree = json.loads(path.read_bytes())
    run = tree["experiment_data"][str(setting)]["runs"][0]
    shapes = {name: list(array.shape) for name, array in named.items()}
    run["diagnostics"] = {"file": path.with_suffix(".npz").name, "arrays": shapes}
    path.write_bytes(orjson.dumps(tree))


def test_the_table_has_a_row_for_each_window(folder):
    table = pd.read_parquet(folder / "diagnostics.parquet")
    assert table[["setting", "run_number", "timestep"]].to_numpy().tolist() == [[0, 0, 20], [0, 0, 40], [0, 1, 20]]
    assert table["q"].tolist() == [1.0, 3.0, 5.0]
    assert table["param_critic_lr"].tolist() == [0.1] * 3
    assert table["status"].tolist() == ["completed"] * 3


def test_the_figure_has_means_and_extremes_over_runs(folder, tmp_path):
    [line] = facts("--data", folder, "--kind", "diagnostics", "--setting", 0, out=tmp_path / "a.svg")["experiments"]
    found = line["diagnostics"]
    assert found["q"] == {"timesteps": [20, 40], "mean": [3.0, 3.0], "low": [1.0, 3.0], "high": [5.0, 3.0]}
    assert list(found) == ["q", "alpha"]


def test_a_setting_without_diagnostics_is_refused(folder, tmp_path):
    result = plot("--data", folder, "--kind", "diagnostics", "--setting", 2, "--out", tmp_path / "a.png")
    assert_refused(result, "found no diagnostics", "diagnostics_interval_timesteps other than 0")


def test_arrays_that_are_gone_are_named(folder, tmp_path):
    for path in folder.glob("*.npz"):
        path.unlink()
    result = plot("--data", folder, "--kind", "diagnostics", "--setting", 0, "--out", tmp_path / "a.png")
    assert_refused(result, "its arrays cannot be read")


def test_a_result_from_before_diagnostics_compares_as_identical(tmp_path):
    """Only where both have them do they count."""
    write_diagnostics(tmp_path, 0, 0, {"q": [1.0]})
    [path] = tmp_path.glob("*.json")
    new = read_comparable(path) | {"diagnostics/q": np.array([1.0])}
    old = {name: value for name, value in new.items() if not name.startswith("diagnostics")}
    assert first_run_difference(old, new) is None
    changed = new | {"diagnostics/q": np.array([2.0])}
    assert "diagnostics/q[0]" in str(first_run_difference(new, changed))
