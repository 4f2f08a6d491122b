"""simple_combine.py --parquet: the tables, as pandas reads them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.support.fake_results import combine, write_result
from utils.combining import parquet
from utils.combining.parquet import param_types


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with the tables of three runs; one diverged, with fewer values."""
    write_result(tmp_path, 0, 0, eval_episode_steps=[[9, 8], [7, 6]], provenance={"host": "here", "peak_memory_mib": 5})
    write_result(tmp_path, 0, 1, last_episode_complete=False, random_seed=1, provenance=None)
    write_result(tmp_path, 2, 0, returns=[[None, 1.5]], status="diverged", diverged_at_timestep=30, key=7)
    assert combine(tmp_path, parquet=True).exit_code == 0
    return tmp_path


def test_runs(folder):
    runs = pd.read_parquet(folder / "runs.parquet")
    assert runs[["setting", "run_number"]].to_numpy().tolist() == [[0, 0], [0, 1], [2, 0]]
    assert runs["env_name"].tolist() == ["Pendulum-v1"] * 3
    assert runs["index"].tolist() == [0, 3, 2]
    assert runs["key"].tolist() == ["000000000000", "000000000001", "7"]
    assert runs["status"].tolist() == ["completed", "completed", "diverged"]
    assert runs["param_critic_lr"].tolist() == [0.1, 0.1, 0.001]
    assert runs["param_policy_type"].tolist() == ["Beta"] * 3
    assert runs["diverged_at_timestep"].fillna(-1).tolist() == [-1, -1, 30]
    assert runs["random_seed"].fillna(-1).tolist() == [-1, 1, -1]
    assert runs["peak_memory_mib"].fillna(-1).tolist() == [5, -1, -1]


def test_episodes(folder):
    episodes = pd.read_parquet(folder / "episodes.parquet")
    assert len(episodes) == 3 * 4 + 4 + 4 + 2
    first = episodes.query("setting == 0 and run_number == 0")
    train, evaluated = first[first.phase == "train"], first[first.phase == "eval"]
    assert train.timestep.tolist() == [10, 20, 30, 40]
    assert train.episode_return.tolist() == [-9.0, -7.0, -5.0, -3.0]
    assert train.episode.tolist() == [0, 1, 2, 3]
    assert evaluated.timestep.tolist() == [0, 0, 10, 10]
    assert evaluated.episode.tolist() == [0, 1, 0, 1]
    assert evaluated.episode_return.tolist() == [-8.0, -6.0, -4.0, -2.0]
    assert evaluated.episode_steps.tolist() == [9, 8, 7, 6]
    second = episodes.query("run_number == 1")
    assert second.complete.tolist() == [True, True, True, False] + [True] * 4
    assert second[second.phase == "eval"].episode_steps.isna().all()
    assert first.key.unique().tolist() == ["000000000000"]
    assert episodes.query("setting == 2").status.unique().tolist() == ["diverged"]
    assert episodes.groupby("setting").param_critic_lr.unique().map(list).tolist() == [[0.1], [0.001]]
    assert "param_policy_type" not in episodes
    diverged = episodes.query("setting == 2 and phase == 'eval'").episode_return.tolist()
    assert math.isnan(diverged[0])
    assert diverged[1] == 1.5


def test_row_groups_make_no_difference(folder, monkeypatch):
    before = [pd.read_parquet(folder / name) for name in parquet.TABLES]
    monkeypatch.setattr(parquet, "ROW_GROUP_VALUES", 1)
    combine(folder, parquet=True)
    for frame, name in zip(before, parquet.TABLES, strict=True):
        pd.testing.assert_frame_equal(pd.read_parquet(folder / name), frame)


def test_kinds_of_hyperparameters():
    settings: list[dict[str, Any]] = [
        {"a": 1, "b": 1, "c": True, "d": "x", "e": [0.9, 0.999], "f": None},
        {"a": 2, "b": 0.5, "c": False, "d": None, "e": [0.5, 0.9]},
    ]
    kinds = param_types(settings)
    assert {name: kinds[f"param_{name}"] for name in "abcde"} == {
        "a": "int64", "b": "float64", "c": "bool", "d": "string", "e": "string",
    }  # fmt: skip


def test_without_pyarrow(tmp_path, monkeypatch):
    import sys

    write_result(tmp_path, 0, 0)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = combine(tmp_path, parquet=True)
    assert done.exit_code == 2
    assert "--parquet: needs the package pyarrow" in done.stderr
    assert (tmp_path / "data.json").exists()
