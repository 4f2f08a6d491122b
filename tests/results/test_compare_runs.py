"""utils/compare_runs.py: identical means every bit, and the first difference is printed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.support.result_trees import result_tree
from utils import compare_runs
from utils.results.result_file import ResultFile


def write(folder: Path, returns: list[float], weight: list[Any]) -> Path:
    """Write a result with one array and return its path."""
    tree = result_tree(
        {"alpha": 0.1}, index=3, train_time=1.0, train_episode_rewards=returns, train_episode_steps=[1] * len(returns),
        learned_params={"file": "a.npz"}, provenance={"host": str(folder)},
    )  # fmt: skip
    folder.mkdir()
    file = ResultFile(folder, "a")
    file.write(tree, {"learned_params/w": np.array(weight, np.float32)})
    return file.json


def compare(*paths: Path) -> Result:
    return CliRunner().invoke(compare_runs.main, [str(path) for path in paths])


def test_identical_but_for_provenance_time_and_index(tmp_path: Path) -> None:
    a = write(tmp_path / "a", [1.0, 2.0], [0.5])
    b = write(tmp_path / "b", [1.0, 2.0], [0.5])
    tree = json.loads(b.read_text())
    tree["experiment_data"]["0"]["runs"][0] |= {"index": 9, "train_time": 7.0}
    b.write_text(json.dumps(tree))
    done = compare(a, b)
    assert (done.exit_code, done.output) == (0, "identical\n")


@pytest.mark.parametrize(
    ("returns", "weight", "words"),
    [
        ([1.0, 2.5], [0.5], "train_episode_rewards[1]: 2.0 and 2.5"),
        ([1.0], [0.5], "train_episode_rewards: [1.0, 2.0] and [1.0]"),
        ([1.0, 2.0], [np.nextafter(np.float32(0.5), np.float32(1))], "learned_params/w[0]: "),
        ([1.0, 2.0], [0.5, 0.5], "learned_params/w: float32[1] and float32[2]"),
    ],
)
def test_the_first_difference_is_printed(returns: list[float], weight: list[Any], words: str, tmp_path: Path) -> None:
    done = compare(write(tmp_path / "a", [1.0, 2.0], [0.5]), write(tmp_path / "b", returns, weight))
    assert done.exit_code == 1
    assert done.output.startswith(f"different: {words}")


def test_equal_nans_are_identical_and_signed_zeros_are_not(tmp_path: Path) -> None:
    a = write(tmp_path / "a", [1.0], [np.nan])
    assert compare(a, a).exit_code == 0
    b, c = write(tmp_path / "b", [1.0], [0.0]), write(tmp_path / "c", [1.0], [-0.0])
    assert compare(b, c).exit_code == 1


def test_bad_input(tmp_path: Path) -> None:
    a = write(tmp_path / "a", [1.0], [0.5])
    for damage in ("missing", "json", "npz"):
        folder = shutil.copytree(a.parent, tmp_path / damage)
        if damage == "npz":
            (folder / "a.npz").write_bytes(b"PK")
        elif damage == "json":
            (folder / "a.json").write_bytes(b"{}")
        else:
            (folder / "a.json").unlink()
        done = compare(a, folder / "a.json")
        assert done.exit_code == 2
        assert done.stderr.startswith("error: ")
        assert len(done.stderr.splitlines()) == 1


def test_a_difference_between_environments_is_printed_too(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a", [1.0], [0.5]), write(tmp_path / "b", [2.0], [0.5])
    for path, digits in ((a, "11"), (b, "22")):
        tree = json.loads(path.read_text())
        origin = {"rollout_hash": digits, "versions": {"mujoco": f"3.3.{digits[0]}"}, "cpu": {"flags": []}}
        tree["experiment_data"]["0"]["runs"][0]["provenance"] = origin
        path.write_text(json.dumps(tree))
    done = compare(a, b)
    first, second = done.output.splitlines()
    assert first == "different: train_episode_rewards[0]: 1.0 and 2.0"
    assert "rollout_hash 11 and 22; mujoco 3.3.1 and 3.3.2" in second
    assert compare(a, a).output == "identical\n"
