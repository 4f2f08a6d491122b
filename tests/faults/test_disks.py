"""Full, read-only or missing disks: a clear error, no loss of data, and correct results once the disk works again."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import main
from utils.results.run_diff import first_run_difference, read_comparable
from utils.training.session import CheckpointTimer

ROOT = Path(__file__).resolve().parents[2]
NAME = "Pendulum-v1_SAC_SquashedGaussian"


def mount(*arguments: object) -> bool:
    """Call mount(8) and return whether it succeeded; it needs root and fails in some containers."""
    if shutil.which("mount") is None:
        return False
    return subprocess.run(["mount", *map(str, arguments)], capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """Mount a file system of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", folder):
        pytest.skip("mounting a small file system takes root and a container that allows it")
    yield folder
    while folder.is_mount():
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> None:
    """Fill the disk completely."""
    with open(folder / "ballast", "wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        file.writelines(itertools.repeat(b"x" * 512))


def empty(folder: Path) -> None:
    (folder / "ballast").unlink()


def make_read_only(folder: Path) -> None:
    """Make the folder read-only for files opened from now on; a remount would be refused while files are open."""
    assert mount("--bind", folder, folder)
    assert mount("-o", "remount,ro,bind", folder)


def make_writable(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", folder], check=True)


def arguments(files, save_dir: Path) -> list[str]:
    """Return arguments of a sweep of two settings with a few kB of arrays each."""
    environment = files.environment(total_timesteps=40, eval_interval_timesteps=20, record=["train_states"])
    agent = files.agent(alpha=[0.1, 0.5], hidden_dim=[16])
    return ["--env-json", environment, "--agent-json", agent, "--save-dir", str(save_dir), "--stack", "1"]


def train(files, save_dir: Path) -> Result:
    """Train one run of each setting, one after the other."""
    done = CliRunner().invoke(main.main, [*arguments(files, save_dir), "--runs", "1"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture
def straight(files, tmp_path) -> Path:
    """Train an undisturbed sweep and return its directory."""
    assert train(files, tmp_path / "straight").exit_code == 0
    return tmp_path / "straight"


def assert_as_straight(straight: Path, save_dir: Path) -> None:
    """Check that a directory contains the same results and nothing else."""
    assert {path.name for path in save_dir.rglob("*")} == {path.name for path in straight.rglob("*")}
    for path in (straight / NAME).glob("*.json"):
        assert first_run_difference(read_comparable(path), read_comparable(save_dir / NAME / path.name)) is None


def act_during_training(monkeypatch, act: Callable[[], object]) -> None:
    """Act in the second run at timestep 12, after its checkpoint at timestep 10; checkpoints are due later too."""
    calls = iter(range(10**6))

    def due(_timer: CheckpointTimer) -> bool:
        number = next(calls) - 40  # The first run makes 40 calls, one per step.
        if number == 13:
            act()
        return number == 10 or (number >= 13 and number % 4 == 0)

    monkeypatch.setattr(CheckpointTimer, "due", due)


@pytest.mark.parametrize(
    ("act", "undo", "reason"),
    [(fill, empty, "No space left on device"), (make_read_only, make_writable, "Read-only file system")],
)
def test_a_disk_that_fails_during_training(act, undo, reason, files, disk, straight, monkeypatch, caplog):
    """The first run has its result; the second keeps its checkpoint and resumes when the disk works again."""
    with monkeypatch.context() as patch:
        act_during_training(patch, lambda: act(disk))
        assert train(files, disk).exit_code == 1
    assert "Traceback" not in caplog.text
    assert f"index 1: no checkpoint at timestep 15: [Errno {28 if act is fill else 30}] {reason}" in caplog.text
    assert "index 1: completed, but" in caplog.text
    undo(disk)
    (state,) = disk.glob("*/checkpoints/*/state")
    assert b'"timestep":10,' in state.read_bytes().splitlines()[0]
    (first,) = disk.glob("*/*.json")
    before = first.stat().st_mtime_ns
    with caplog.at_level("INFO"):
        assert train(files, disk).exit_code == 0
    assert "1 runs resume from timestep 10" in caplog.text
    assert first.stat().st_mtime_ns == before
    assert_as_straight(straight, disk)


def test_a_read_only_disk_is_refused(files, disk):
    make_read_only(disk)
    done = train(files, disk)
    assert done.exit_code == 2
    assert done.stderr.endswith("cannot be written (Read-only file system); allowed: a writable directory\n")


def test_a_disk_that_is_full_from_the_start(files, disk, straight, caplog):
    fill(disk)
    assert train(files, disk).exit_code in (1, 2)
    assert "Traceback" not in caplog.text
    empty(disk)
    assert train(files, disk).exit_code == 0
    assert_as_straight(straight, disk)


@pytest.mark.parametrize("whole", [True, False])
def test_a_folder_removed_during_training_is_created_again(whole, files, tmp_path, straight, monkeypatch):
    """The whole folder or only its checkpoints is removed; the runs in training are not affected."""
    removed = tmp_path / "out" / NAME if whole else tmp_path / "out" / NAME / "checkpoints"
    with monkeypatch.context() as patch:
        act_during_training(patch, lambda: shutil.rmtree(removed))
        assert train(files, tmp_path / "out").exit_code == 0
    assert len(list((tmp_path / "out" / NAME).glob("*.json"))) == 1 + (not whole)
    assert train(files, tmp_path / "out").exit_code == 0
    assert_as_straight(straight, tmp_path / "out")


@pytest.mark.slow
def test_two_sweeps_at_once(files, tmp_path):
    """Each run is trained by one of the two, and the results equal those of a single sweep."""
    command = [sys.executable, "main.py", *arguments(files, tmp_path / "out"), "--runs", "3"]
    both = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    logs = [process.communicate(timeout=300)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], logs
    assert sum(text.count(": completed, ") for text in logs) == 6
    alone = CliRunner().invoke(main.main, [*arguments(files, tmp_path / "alone"), "--runs", "3"])
    assert alone.exit_code == 0
    assert_as_straight(tmp_path / "alone", tmp_path / "out")
