"""Files of Stable-Baselines3 are read with all their numbers; what is damaged is one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.sb3_files import write_evaluations, write_monitor, write_runs
from utils.combining.sb3_files import Episode, read_evaluations, read_monitor, read_sb3_runs
from utils.core.errors import BadInput


def test_evaluations(tmp_path):
    found = read_evaluations(write_evaluations(tmp_path / "evaluations.npz", results=[[1 / 3, 2], [3, 4], [5, 6]]))
    assert found.timesteps.tolist() == [10, 20, 30]
    assert found.returns.tolist() == [[1 / 3, 2.0], [3.0, 4.0], [5.0, 6.0]]
    assert found.steps is not None
    assert found.steps.tolist() == [[10, 10]] * 3


def test_evaluations_without_lengths(tmp_path):
    assert read_evaluations(write_evaluations(tmp_path / "evaluations.npz", ep_lengths=None)).steps is None


def test_a_monitor_file(tmp_path):
    path = write_monitor(tmp_path / "monitor.csv", [(-1.5, 3), (2.25, 4)])
    assert read_monitor(path, 1) == ("Pendulum-v1", [Episode(3, 1, 3, -1.5), Episode(7, 1, 4, 2.25)])
    assert read_monitor(write_monitor(path, env_id="None"), 0)[0] is None


def test_a_line_that_is_being_written_is_left_out(tmp_path):
    path = write_monitor(tmp_path / "monitor.csv", [(-1.5, 3), (2.25, 4)])
    path.write_text(path.read_text() + "-7.1")
    assert len(read_monitor(path, 0)[1]) == 2


def test_more_columns(tmp_path):
    path = tmp_path / "monitor.csv"
    path.write_text('#{"t_start": 0}\nr,l,t,is_success\n1.0,5,0.1,True\n')
    assert read_monitor(path, 0) == (None, [Episode(5, 0, 5, 1.0)])


def test_runs_are_in_natural_order(tmp_path):
    for name in ("run_10", "run_2", "run_1"):
        write_evaluations(tmp_path / "logs" / name / "evaluations.npz")
    assert [run.path.name for run in read_sb3_runs(tmp_path)] == ["run_1", "run_2", "run_10"]


def test_files_of_evaluations_in_one_directory_are_runs(tmp_path):
    for seed in (0, 1):
        write_evaluations(tmp_path / f"evaluations_{seed}.npz")
    assert [run.path.name for run in read_sb3_runs(tmp_path)] == ["evaluations_0.npz", "evaluations_1.npz"]


def test_environments_of_one_run(tmp_path):
    """Episodes are in the order in which they ended, in steps of their environments, which go in lock-step."""
    write_evaluations(tmp_path / "evaluations.npz")
    write_monitor(tmp_path / "0.monitor.csv", [(1.0, 3), (2.0, 9)])
    write_monitor(tmp_path / "1.monitor.csv", [(3.0, 4), (4.0, 3), (5.0, 4)])
    [run] = read_sb3_runs(tmp_path)
    assert [episode.episode_return for episode in run.episodes] == [1.0, 3.0, 4.0, 5.0, 2.0]
    assert (run.environments, run.timesteps) == (2, 30)
    assert run.lengths == {3, 4, 9, 10}


def test_a_run_of_episodes_only(tmp_path):
    write_monitor(tmp_path / "monitor.csv", [(1.0, 3), (2.0, 9)])
    [run] = read_sb3_runs(tmp_path)
    assert (run.evaluations, run.timesteps) == (None, 12)


def assert_refused(path: Path, *words: str) -> None:
    with pytest.raises(BadInput) as error:
        read_sb3_runs(path)
    message = str(error.value)
    assert "\n" not in message
    assert "allowed" in message or "cannot be read" in message
    for word in words:
        assert word in message


def test_directories_without_runs(tmp_path):
    assert_refused(tmp_path / "none", "No such file or directory")
    (tmp_path / "file").write_text("")
    assert_refused(tmp_path / "file", "Not a directory")
    (tmp_path / "empty").mkdir()
    assert_refused(tmp_path / "empty", "found no run of Stable-Baselines3", "evaluations.npz", "monitor.csv")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"timesteps": None}, "no array 'timesteps'"),
        ({"results": None}, "no array 'results'"),
        ({"timesteps": [10, 20]}, "timesteps: found int64 of shape (2,)"),
        ({"timesteps": [10.0, 20.0, 30.0]}, "timesteps: found float64"),
        ({"timesteps": [10, 30, 20]}, "do not increase"),
        ({"timesteps": [-10, 20, 30]}, "do not increase"),
        ({"results": [1.0, 2.0, 3.0]}, "results: found float64 of shape (3,)"),
        ({"results": np.array(1.0)}, "timesteps: found int64"),
        ({"results": np.zeros((3, 0))}, "results: found float64 of shape (3, 0)"),
        ({"results": [["a", "b"]] * 3}, "results: found <U1"),
        ({"ep_lengths": [[10, 10]]}, "ep_lengths: found int64 of shape (1, 2)"),
        ({"ep_lengths": [[10, 10], [0, 10], [10, 10]]}, "ep_lengths: found 0"),
        ({"results": np.array([[1.0], [2.0, 3.0], [4.0]], object)}, "cannot be read as a .npz"),
    ],
)
def test_other_arrays(changes, words, tmp_path):
    assert_refused(write_evaluations(tmp_path / "evaluations.npz", **changes).parent, "evaluations.npz", words)


def test_a_damaged_file(tmp_path):
    path = write_evaluations(tmp_path / "evaluations.npz")
    path.write_bytes(path.read_bytes()[:-40])
    assert_refused(tmp_path, "evaluations.npz", "cannot be read as a .npz")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1"),
        ("r,l,t\n1,2,3\n", "line 1: found 'r,l,t'"),
        ("#{not json}\nr,l,t\n", "line 1"),
        ('#{"t_start": 0}\na,b\n1,2\n', "line 2: found columns a, b"),
        ('#{"t_start": 0}\nr,l,t\n1.0,2,3\n1.0,x,3\n', "line 4: found r 1.0 and l x"),
        ('#{"t_start": 0}\nr,l,t\n1.0,0,3\n', "line 3: found r 1.0 and l 0"),
        ('#{"t_start": 0}\nr,l,t\n1.0\n', "line 3: found r 1.0 and l None"),
    ],
)
def test_a_damaged_monitor_file(text, words, tmp_path):
    (tmp_path / "monitor.csv").write_text(text)
    assert_refused(tmp_path, "monitor.csv", words)


def test_a_monitor_file_that_is_not_text(tmp_path):
    (tmp_path / "monitor.csv").write_bytes(b"\xff\xfe")
    assert_refused(tmp_path, "monitor.csv", "not text")


def test_what_is_one_run_is_not_clear(tmp_path):
    write_runs(tmp_path / "a")
    write_monitor(tmp_path / "a/run_2/monitor.csv")
    assert_refused(tmp_path / "a", "run_0 has evaluations", "run_2 has none", "in one directory")
    write_evaluations(tmp_path / "b/evaluations_0.npz")
    write_evaluations(tmp_path / "b/evaluations_1.npz")
    write_monitor(tmp_path / "b/monitor.csv")
    assert_refused(tmp_path / "b", "2 files of evaluations beside monitor.csv")
    write_monitor(tmp_path / "c/0.monitor.csv")
    write_monitor(tmp_path / "c/1.monitor.csv", env_id="Acrobot-v1")
    assert_refused(tmp_path / "c", "Acrobot-v1 and Pendulum-v1")
