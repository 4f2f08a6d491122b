"""Progress files as readers see them: by value, cut off at any byte, damaged, or gone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.fake_results import ENVIRONMENT, PARAMETERS
from utils.core.errors import BadInput
from utils.results.progress_file import (
    CALL_ENDING,
    RUN_ENDING,
    list_progress,
    progress_path,
    read_call,
    read_progress,
    remove_progress,
)

WRITER = {"host": "here", "process": 7, "slurm": {}, "time": 100.0}
EXPERIMENT = {"environment": ENVIRONMENT, "agent": {"agent_name": "SAC", "parameters": PARAMETERS}}
HEADER: dict[str, Any] = {
    "experiment": EXPERIMENT, "setting": 2, "agent_params": {"critic_lr": 0.001}, "index": 5, "key": "aa",
    "run_number": 1, "timestep": 0, "engine": "eager", "writer": WRITER,
}  # fmt: skip
LINES: list[dict[str, Any]] = [
    {"timestep": 0, "time": 101.0, "evaluation": [-8.0, None]},
    {"timestep": 10, "time": 102.5, "window": {"q": 1.5, "alpha": None}, "train_episodes": 2, "train_return": -3.0},
    {"timestep": 10, "time": 103.0, "evaluation": [-4.0, -2.0]},
    {"timestep": 20, "time": 104.0, "window": {"q": 2.5, "entropy": 0.5}},
]


def write(path: Path, *trees: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(tree)}\n" for tree in trees))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(progress_path(tmp_path, "aa"), HEADER, *LINES)


def test_values(path):
    found = read_progress(path)
    assert found.header == HEADER
    assert (found.timestep, found.time, found.stopped) == (20, 104.0, "")
    assert found.evaluations == {0: [-8.0, None], 10: [-4.0, -2.0]}
    assert found.training == {10: (2, -3.0)}
    assert found.diagnostics.timesteps.tolist() == [10, 20]
    np.testing.assert_array_equal(found.diagnostics.values["q"], [1.5, 2.5])
    np.testing.assert_array_equal(found.diagnostics.values["alpha"], [np.nan, np.nan])
    np.testing.assert_array_equal(found.diagnostics.values["entropy"], [np.nan, 0.5])


def test_before_the_first_line_it_is_where_its_process_began(path):
    write(path, HEADER | {"timestep": 30})
    found = read_progress(path)
    assert (found.timestep, found.time, found.evaluations) == (30, 100.0, {})
    assert len(found.diagnostics.timesteps) == 0


def test_cut_off_at_any_byte_the_complete_lines_are_read(path):
    content = path.read_bytes()
    header = content.index(b"\n") + 1
    for size in range(len(content)):
        path.write_bytes(content[:size])
        found = read_progress(path)
        complete = content[:size].count(b"\n")
        assert (found is None) == (size < header)
        if found:
            assert len(found.evaluations) == sum("evaluation" in line for line in LINES[: complete - 1])
            assert len(found.windows) == sum("window" in line for line in LINES[: complete - 1])


def test_a_damaged_line_is_left_out_and_a_repeated_one_counts_once(path):
    with open(path, "a") as file:
        file.write(
            '{"timestep": 30, "ti\n\n{"timestep": 40}\n[]\n{"timestep": 20, "time": 105.0, "window": {"q": 9.0}}\n'
        )
    found = read_progress(path)
    assert (found.timestep, found.time) == (20, 105.0)
    assert found.diagnostics.values["q"].tolist() == [1.5, 9.0]


def test_a_stopped_run_says_so_until_another_line_follows(path):
    stop = {"timestep": 21, "time": 106.0, "stopped": "SIGTERM"}
    assert read_progress(write(path, HEADER, *LINES, stop)).stopped == "SIGTERM"
    assert read_progress(write(path, HEADER, *LINES, stop, LINES[-1])).stopped == ""


@pytest.mark.parametrize(
    "change",
    [{"setting": 3}, {"setting": -1}, {"timestep": "0"}, {"writer": {}}, {"experiment": {}}, {"key": 3}],
)
def test_another_header_is_refused(path, change):
    with pytest.raises(BadInput, match="not a progress file"):
        read_progress(write(path, HEADER | change))


def test_a_file_that_is_gone_or_unreadable(tmp_path):
    assert read_progress(tmp_path / "none.jsonl") is None
    assert read_call(tmp_path / "none.call") is None
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadInput, match="cannot be read"):
        read_progress(tmp_path / "folder")


def test_removing_the_last_file_removes_the_directory(path):
    other = write(path.with_name("bb.jsonl"), HEADER)
    remove_progress(path)
    assert other.exists()
    remove_progress(other)
    assert not path.parent.exists()
    remove_progress(path)


def test_calls(path):
    call = {"experiment": EXPERIMENT, "writer": WRITER, "index": [2, 5], "setting": [2, 2], "run_number": [0, 1]}
    file = path.with_name("here.7.call")
    write(file, call | {"key": ["aa", "bb"]})
    assert read_call(file) == call | {"key": ["aa", "bb"]}
    assert list_progress(path.parents[1], RUN_ENDING) == [path]
    assert list_progress(path.parents[1], CALL_ENDING) == [file]
    for wrong in ({"key": ["aa"]}, {"key": ["aa", "bb"], "setting": [2, 3]}, {"key": 1}):
        with pytest.raises(BadInput, match="not a progress file"):
            read_call(write(file, call | wrong))


def test_nothing_to_list(tmp_path):
    assert list_progress(tmp_path, RUN_ENDING) == []
