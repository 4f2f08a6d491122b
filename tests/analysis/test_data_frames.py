"""Results as DataFrames: a row per run, a row per evaluation, by value."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from tests.support.fake_results import combine, write_result
from utils.analysis.data_frames import evaluations_frame, runs_frame
from utils.core.errors import BadInput


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three runs; one diverged, with fewer values and a return that was not finite."""
    write_result(tmp_path, 2, 0, returns=[[None, 1.5]], status="diverged", diverged_at_timestep=30)
    write_result(tmp_path, 0, 1, returns=[[1.0], [2.0], [3.0], [5.0]], provenance=None)
    write_result(tmp_path, 0, 0, eval_episode_steps=[[9, 8], [7, 6]])
    return tmp_path


def test_a_row_per_run(folder: Path) -> None:
    runs = runs_frame(folder)
    assert runs[["setting", "run_number"]].to_numpy().tolist() == [[0, 0], [0, 1], [2, 0]]
    assert runs["env_name"].tolist() == ["Pendulum-v1"] * 3
    assert runs["index"].tolist() == [0, 3, 2]
    assert runs["status"].tolist() == ["completed", "completed", "diverged"]
    assert runs["param_critic_lr"].tolist() == [0.1, 0.1, 0.001]
    assert runs["host"].fillna("").tolist() == ["here", "", "here"]
    assert runs["diverged_at_timestep"].fillna(-1).tolist() == [-1, -1, 30]
    assert runs["performance"].fillna(math.inf).tolist() == [-3.0, 4.0, math.inf]


def test_a_row_per_evaluation(folder: Path) -> None:
    rows = evaluations_frame(folder)
    assert rows[["setting", "run_number", "timestep", "episodes"]].to_numpy().tolist() == [
        [0, 0, 0, 2], [0, 0, 10, 2], [0, 1, 0, 1], [0, 1, 10, 1], [0, 1, 20, 1], [0, 1, 30, 1], [2, 0, 0, 2],
    ]  # fmt: skip
    assert rows["mean_return"].fillna(math.inf).tolist() == [-7.0, -3.0, 1.0, 2.0, 3.0, 5.0, math.inf]
    assert rows["mean_steps"].fillna(-1).tolist() == [8.5, 6.5, -1, -1, -1, -1, -1]
    assert rows["param_critic_lr"].tolist() == [0.1] * 6 + [0.001]


@pytest.mark.parametrize("frame", [runs_frame, evaluations_frame])
def test_the_same_rows_from_data_json_and_from_the_archive(folder: Path, frame) -> None:
    rows = frame(folder)
    assert combine(folder, archive=True).exit_code == 0
    for path in (folder, folder / "data.json"):
        pd.testing.assert_frame_equal(frame(path), rows)
    (folder / "archive.tar.zst").unlink()
    pd.testing.assert_frame_equal(frame(str(folder)), rows)


def test_new_results_are_read_though_data_json_is_older(folder: Path) -> None:
    combine(folder)
    write_result(folder, 1, 0)
    assert len(runs_frame(folder)) == 4
    assert len(runs_frame(folder / "data.json")) == 3


def test_several_directories(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write_result(other, 0, 0, experiment={"agent_name": "VAC", "parameters": {"num_samples": [5]}})
    runs = runs_frame(folder, other)
    assert runs["agent_name"].tolist() == ["SAC"] * 3 + ["VAC"]
    assert runs["param_num_samples"].fillna(-1).tolist() == [-1, -1, -1, 5]
    assert runs["param_critic_lr"].fillna(-1).tolist() == [0.1, 0.1, 0.001, -1]


def test_what_is_not_a_result_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "other.json").write_text("{}")
    with pytest.raises(BadInput, match=r"other\.json: not a result"):
        runs_frame(folder)
    with pytest.raises(BadInput, match="nowhere: not found"):
        runs_frame(tmp_path / "nowhere")
