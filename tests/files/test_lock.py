"""Locks have one holder at a time and leave no files behind."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys

import pytest

from utils.files.lock import Lock


def test_one_at_a_time(tmp_path):
    first, second = Lock(tmp_path / "locks/a.lock"), Lock(tmp_path / "locks/a.lock")
    assert first.acquire()
    assert not second.acquire()
    assert second.holder().startswith(f"process {os.getpid()} on ")
    first.release()
    assert second.acquire()
    second.release()
    assert list(tmp_path.iterdir()) == []


def test_a_dead_process_holds_nothing(tmp_path):
    script = (
        "import os, sys; from pathlib import Path; from utils.files.lock import Lock\n"
        "assert Lock(Path(sys.argv[1])).acquire(); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.lock")], check=False).returncode == 9
    assert (tmp_path / "a.lock").exists()
    lock = Lock(tmp_path / "a.lock")
    assert lock.acquire()
    assert lock.holder().startswith(f"process {os.getpid()} ")


def test_a_file_removed_between_opening_and_locking_is_not_the_lock(tmp_path, monkeypatch):
    """The holder releases the lock just after another process has opened the file."""
    flock, holder, late = fcntl.flock, Lock(tmp_path / "a.lock"), Lock(tmp_path / "a.lock")
    assert holder.acquire()

    def release_first(descriptor: int, operation: int) -> None:
        holder.release()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", release_first)
    assert late.acquire()
    monkeypatch.setattr(fcntl, "flock", flock)
    assert not Lock(tmp_path / "a.lock").acquire()


def test_a_directory_with_other_locks_is_kept(tmp_path):
    first, second = Lock(tmp_path / "locks/a.lock"), Lock(tmp_path / "locks/b.lock")
    assert first.acquire()
    assert second.acquire()
    first.release()
    first.release()
    assert [path.name for path in (tmp_path / "locks").iterdir()] == ["b.lock"]
    second.release()


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK])
def test_a_file_system_without_locks_is_reported(number, tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise OSError(number, "not here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert Lock(tmp_path / "a.lock").acquire()
    assert "this file system has no locks (not here); train each run in one process only" in caplog.text


def test_other_errors_are_raised(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(OSError, match="broken"):
        Lock(tmp_path / "a.lock").acquire()
