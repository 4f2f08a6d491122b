"""Progress files of whole sweeps: when they exist, and that no result depends on them."""

from __future__ import annotations

import errno
from pathlib import Path

from tests.support.sweep import Sweep
from tests.training.test_interruption import stop_at
from utils.results.progress_file import CALL_ENDING, RUN_ENDING, list_progress, progress_path, read_progress
from utils.results.run_diff import first_run_difference, read_comparable
from utils.training import progress_writer


def test_a_sweep_without_space_has_the_same_results(files, tmp_path, monkeypatch, caplog):
    with_files, without = Sweep(files, tmp_path / "a"), Sweep(files, tmp_path / "b")
    assert with_files.run("--runs", "2").exit_code == 0

    def full(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(progress_writer, "append_lines", full)
    assert without.run("--runs", "2").exit_code == 0
    assert caplog.text.count("Read-only file system") == 1
    assert with_files.results().keys() == without.results().keys() == {0, 1}
    for index, path in with_files.results().items():
        assert first_run_difference(read_comparable(path), read_comparable(without.results()[index])) is None


def test_files_are_gone_when_the_results_are_there(files, tmp_path, monkeypatch):
    sweep, seen = Sweep(files, tmp_path / "out"), []
    write_result = progress_writer.remove_progress

    def note(path: Path) -> None:
        seen.append(path.name)
        write_result(path)

    monkeypatch.setattr(progress_writer, "remove_progress", note)
    assert sweep.run("--runs", "2").exit_code == 0
    assert len([name for name in seen if name.endswith(RUN_ENDING)]) == 2
    assert not list((tmp_path / "out").rglob("progress"))


def test_a_stopped_sweep_keeps_them_and_a_resumed_one_removes_them(files, tmp_path, monkeypatch):
    sweep = Sweep(files, tmp_path / "out")
    sweep.protocol = {"total_timesteps": 40, "eval_interval_timesteps": 20, "eval_episodes": 1}
    with monkeypatch.context() as patch:
        stop_at(patch, 20)
        assert sweep.run("--runs", "2").exit_code == 75
    [directory] = (tmp_path / "out").iterdir()
    found = [read_progress(path) for path in list_progress(directory, RUN_ENDING)]
    assert [(one.timestep, one.stopped, sorted(one.evaluations)) for one in found] == [(20, "stopped", [0, 20])] * 2
    assert list_progress(directory, CALL_ENDING) == []
    assert sweep.run("--runs", "2").exit_code == 0
    assert not list((tmp_path / "out").rglob("progress"))


def test_what_a_kill_left_is_removed_by_the_next_call(files, tmp_path):
    sweep = Sweep(files, tmp_path / "out")
    assert sweep.run("--index", "0").exit_code == 0
    run = sweep.read(sweep.results()[0])
    left = progress_path(sweep.results()[0].parent, run["key"])
    left.parent.mkdir()
    left.touch()
    assert sweep.run("--index", "0").exit_code == 0
    assert not left.parent.exists()
