"""main.py stops on a signal, resumes when it is called again, and refuses checkpoints that do not fit."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from click.testing import CliRunner, Result
from gymnasium.envs.registration import EnvSpec

import main
from env import EpisodeBatch
from tests.conftest import Files
from tests.support.awkward_envs import Drift
from tests.support.habits.out_of_reach import SwigLike
from utils.checkpoint import checkpoint
from utils.core.interrupt import Interruption
from utils.files.lock import Lock
from utils.results.run_diff import first_run_difference, read_comparable
from utils.training import run_claims as claims
from utils.training import session
from utils.training import stack_trainer as training
from utils.training.run_claims import claim_runs
from utils.training.session import CheckpointTimer
from utils.wiring import build

ROOT = Path(__file__).resolve().parents[2]
NAME = "Pendulum-v1_SAC_SquashedGaussian"
RECORD = ["train_states", "eval_states"]


@pytest.fixture(autouse=True)
def _surroundings():
    """Handle SIGINT, which a background process ignores; have no display; restore environment variables."""
    before, variables = signal.signal(signal.SIGINT, signal.default_int_handler), os.environ.copy()
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        os.environ.pop(name, None)
    yield
    signal.signal(signal.SIGINT, before)
    os.environ.clear()
    os.environ.update(variables)


def call(files, save_dir: Path, *more: str) -> Result:
    """Run main.py on two settings of the small experiment."""
    arguments = ["--env-json", files.environment(record=RECORD), "--agent-json", files.agent(alpha=[0.1, 0.5])]
    return CliRunner().invoke(main.main, [*arguments, "--save-dir", str(save_dir), *more])


def stop_at(monkeypatch, timestep: int, number: int = signal.SIGTERM) -> None:
    """Send this process a signal after its first evaluation at a timestep."""
    log_evaluation, sent = training.log_evaluation, []

    def and_signal(logged: training.LoggedRuns, at: int, returns: list[float]) -> None:
        log_evaluation(logged, at, returns)
        if at == timestep and not sent:
            sent.append(at)
            signal.raise_signal(number)

    monkeypatch.setattr(training, "log_evaluation", and_signal)


def states(save_dir: Path) -> list[Path]:
    return sorted(save_dir.glob("*/checkpoints/*/state"))


def results(save_dir: Path) -> list[Path]:
    return sorted((save_dir / NAME).glob("*.json"))


def provenance(path: Path) -> dict:
    (cell,) = json.loads(path.read_bytes())["experiment_data"].values()
    return cell["runs"][0]["provenance"]


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> Path:
    """Return a directory with results of both settings, trained without interruption; tests only read it."""
    files = Files(tmp_path_factory.mktemp("straight"))
    assert call(files, files.folder / "out", "--runs", "1").exit_code == 0
    return files.folder / "out"


@pytest.fixture(scope="module")
def stopped(tmp_path_factory) -> Path:
    """Return a directory in which both settings have checkpoints at timestep 60; tests only copy it."""
    files = Files(tmp_path_factory.mktemp("stopped"))
    with pytest.MonkeyPatch.context() as monkeypatch:
        stop_at(monkeypatch, 60)
        assert call(files, files.folder / "out", "--runs", "1").exit_code == 75
    return files.folder / "out"


@pytest.fixture
def interrupted(stopped, tmp_path) -> Path:
    """Return a copy of that directory, `out` in the test's own folder."""
    return shutil.copytree(stopped, tmp_path / "out")


def assert_as_straight(straight: Path, save_dir: Path) -> None:
    """Check that a directory has the same results as another, and no other files."""
    assert [path.name for path in results(save_dir)] == [path.name for path in results(straight)]
    for path in results(save_dir):
        assert first_run_difference(read_comparable(straight / NAME / path.name), read_comparable(path)) is None
    assert {path.name for path in save_dir.rglob("*")} == {path.name for path in straight.rglob("*")}


def test_a_checkpoint_of_other_sources_makes_the_result_approximate(interrupted, files, monkeypatch, caplog):
    today = session.code_version()["sources"]
    monkeypatch.setattr(session, "code_version", lambda: {"sources": "0123456789ab"})
    with caplog.at_level("INFO"):
        assert call(files, files.folder / "out", "--runs", "1").exit_code == 0
    told = f"index 1: resumes with another version of the code: sources {today} and now 0123456789ab"
    assert told in caplog.text
    assert [provenance(path)["resume"] for path in results(files.folder / "out")] == ["approximate"] * 2


def test_a_checkpoint_of_other_packages_of_its_environment_makes_the_result_approximate(
    interrupted, files, monkeypatch, caplog
):
    today = session.package_versions()["gymnasium"]
    monkeypatch.setattr(session, "package_versions", lambda names: dict.fromkeys(names, "0.1"))
    with caplog.at_level("INFO"):
        assert call(files, files.folder / "out", "--runs", "1").exit_code == 0
    told = (
        rf"index 1: resumes with other versions of its environment's packages: .*'gymnasium': '{today}'.* and now .*0.1"
    )
    assert re.search(told, caplog.text)
    assert [provenance(path)["resume"] for path in results(files.folder / "out")] == ["approximate"] * 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_a_signal_stops_and_the_next_call_resumes(number, files, tmp_path, straight, monkeypatch, caplog):
    stop_at(monkeypatch, 60, number)
    with caplog.at_level("INFO"):
        assert call(files, tmp_path / "out", "--runs", "1").exit_code == 75
    assert f"{signal.Signals(number).name}: stopped at timestep 60" in caplog.text
    assert results(tmp_path / "out") == []
    assert len(states(tmp_path / "out")) == 2
    with caplog.at_level("INFO"):
        assert call(files, tmp_path / "out", "--runs", "1").exit_code == 0
    assert "2 runs resume from timestep 60" in caplog.text
    assert_as_straight(straight, tmp_path / "out")
    origins = [provenance(path) for path in results(tmp_path / "out")]
    assert [(origin["resume"], origin["resumed_at"]) for origin in origins] == [("exact", [60])] * 2
    assert [provenance(path)["resume"] for path in results(straight)] == [None] * 2


@pytest.mark.parametrize("broken", [False, True])
def test_a_signal_stops_runs_whose_environment_cannot_be_saved(broken, files, tmp_path, monkeypatch, caplog):
    """broken: the checkpoint cannot store what was saved; otherwise, saving is refused."""
    name = "Drift-v0" if broken else "SwigLike-v0"
    made: Any = Drift if broken else SwigLike
    monkeypatch.setitem(gym.registry, name, EnvSpec(name, made))
    if broken:
        monkeypatch.setattr(EpisodeBatch, "state", lambda batch, run: {"odd": object()})
    stop_at(monkeypatch, 60)
    command = ["--env-json", files.environment(env_name=name), "--agent-json", files.agent(alpha=[0.1, 0.5])]
    command += ["--save-dir", str(tmp_path / "out"), "--runs", "1"]
    assert CliRunner().invoke(main.main, command).exit_code == 75
    assert len(states(tmp_path / "out")) == 2
    assert CliRunner().invoke(main.main, command).exit_code == 0
    reason = "TypeError: env.odd: a object cannot be stored" if broken else "SwigLike.world.this is a tuple_iterator"
    assert f"index 1: its episode cannot be resumed ({reason}); another one starts" in caplog.text
    found = [provenance(path) for path in (tmp_path / "out").glob("*/*.json")]
    assert [(origin["resume"], origin["resumed_at"]) for origin in found] == [("approximate", [60])] * 2


def test_runs_at_different_timesteps_resume_in_stacks_of_their_own(files, tmp_path, straight, monkeypatch):
    """Index 0 is at timestep 60 and index 1 at 0 when both are requested: two stacks, one after the other."""
    stop_at(monkeypatch, 60)
    assert call(files, tmp_path / "out", "--index", "0").exit_code == 75
    stop_at(monkeypatch, 0)
    assert call(files, tmp_path / "out", "--index", "1").exit_code == 75
    assert call(files, tmp_path / "out", "--index", "0-1").exit_code == 0
    assert_as_straight(straight, tmp_path / "out")
    stacks = [(provenance(path)["stack"], provenance(path)["resumed_at"]) for path in results(tmp_path / "out")]
    assert sorted(stacks) == [([0], [60]), ([1], [0])]


def test_stopped_between_two_stacks(files, tmp_path, straight, monkeypatch):
    stop_at(monkeypatch, 120)
    assert call(files, tmp_path / "out", "--runs", "1", "--stack", "1").exit_code == 75
    assert len(results(tmp_path / "out")) == 1
    assert call(files, tmp_path / "out", "--runs", "1").exit_code == 0
    assert_as_straight(straight, tmp_path / "out")


def test_a_signal_that_is_ignored_at_the_start_stays_ignored(files, tmp_path, straight, monkeypatch):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop_at(monkeypatch, 60, signal.SIGINT)
    assert call(files, tmp_path / "out", "--runs", "1").exit_code == 0
    assert_as_straight(straight, tmp_path / "out")


def test_handlers_are_restored(files, tmp_path):
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)]
    call(files, tmp_path / "out")
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)] == before


@pytest.mark.parametrize(
    ("second", "seconds", "end"),
    [("SIGTERM", 5, "SIGTERM"), ("SIGUSR1", 5, "SIGUSR1"), ("SIGINT", 0, "SIGINT"), ("SIGTERM", 0, None)],
)
def test_a_second_signal_ends_the_process_unless_it_is_an_echo(second, seconds, end):
    """A scheduler may signal a process directly and through its batch script, at nearly the same time."""
    script = (
        "import signal; from utils.core import interrupt\n"
        "with interrupt.interruptible() as i:\n"
        "    signal.raise_signal(signal.SIGTERM); print(i.signal, flush=True)\n"
        f"    i._since -= {seconds}\n"
        f"    signal.raise_signal(signal.{second}); print('alive', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    expected = (0, "SIGTERM\nalive\n") if end is None else (-signal.Signals[end], "SIGTERM\n")
    assert (done.returncode, done.stdout) == expected


def test_a_process_stops_on_a_signal_from_outside(files, tmp_path):
    """The signal arrives before the first evaluation is over; the next call resumes."""
    arguments = ("--env-json", files.environment(), "--agent-json", files.agent(), "--save-dir")
    CliRunner().invoke(main.main, [*arguments, str(tmp_path / "straight")])
    command = [sys.executable, "main.py", *arguments, str(tmp_path / "out")]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "training 1 in a stack" in line:
            break
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 75, errors
    assert "Traceback" not in errors
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert_as_straight(tmp_path / "straight", tmp_path / "out")


def test_checkpoints_come_on_the_timer(files, tmp_path, straight, monkeypatch, caplog):
    """There is one every 7 steps. They change no result, and are removed when the results are written."""
    asked = iter(range(10**6))
    monkeypatch.setattr(CheckpointTimer, "due", lambda timer: next(asked) % 8 == 7)
    with caplog.at_level("INFO"):
        assert call(files, tmp_path / "out", "--runs", "1").exit_code == 0
    assert re.findall(r"timestep (\d+): checkpoints of 2 runs", caplog.text) == [str(7 * k) for k in range(1, 18)]
    assert_as_straight(straight, tmp_path / "out")
    assert [provenance(path)["resume"] for path in results(tmp_path / "out")] == [None] * 2


@pytest.mark.parametrize(("minutes", "due"), [(10.0, [False, False, True]), (0.0, [False, False, False])])
def test_the_timer(minutes, due):
    seconds = iter([100.0, 100.0, 699.9, 700.0, 700.0, 1299.9])
    timer = CheckpointTimer(minutes, Interruption(), lambda: next(seconds))
    assert [timer.due() for _ in range(3)] == due
    if minutes:
        timer.restart()
        assert not timer.due()
    timer.interruption.handle_signal(signal.SIGUSR1)
    assert timer.due()


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def header_flipped(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"timestep":60', b'"timestep":61', 1))


def empty(path: Path) -> None:
    path.write_bytes(b"")


REPLAY, KEPT = "agent.replay.data.0.rows", "record.arrays.train_states.0.rows"


@pytest.mark.parametrize("damage", [truncated, flipped, empty, Path.unlink])
@pytest.mark.parametrize("name", ["state", REPLAY, KEPT])
def test_a_damaged_file_is_refused_and_its_run_starts_again(
    damage, name, files, tmp_path, interrupted, straight, caplog
):
    broken, _ = (path.parent for path in states(tmp_path / "out"))
    damage(broken / name)
    assert call(files, tmp_path / "out", "--runs", "1").exit_code == 0
    if (damage, name) != (Path.unlink, "state"):  # Without its state file, there is no checkpoint to refuse.
        assert re.search(rf"index \d: starts again: \S*{broken.name}", caplog.text)
    assert caplog.text.count("starts again") <= 1
    assert sorted(provenance(path)["resumed_at"] for path in results(tmp_path / "out")) == [[], [60]]
    assert_as_straight(straight, tmp_path / "out")


def test_a_damaged_header_is_refused(files, tmp_path, interrupted, straight, caplog):
    header_flipped(states(tmp_path / "out")[0])
    assert call(files, tmp_path / "out", "--runs", "1").exit_code == 0
    assert "state is damaged: found timesteps 61 and 60" in caplog.text
    assert_as_straight(straight, tmp_path / "out")


def test_another_version_is_refused(files, tmp_path, interrupted, straight, monkeypatch, caplog):
    here = claims.package_versions()["mujoco"]
    versions = claims.package_versions() | {"mujoco": "9.9.9"}
    monkeypatch.setattr(claims, "package_versions", lambda: versions)
    assert call(files, tmp_path / "out", "--runs", "1").exit_code == 0
    assert caplog.text.count(f"state is of another mujoco version: found {here}; allowed here: 9.9.9") == 2
    assert_as_straight(straight, tmp_path / "out")


def test_another_format_is_refused(files, tmp_path, interrupted, straight, monkeypatch, caplog):
    monkeypatch.setattr(checkpoint, "FORMAT", 99)
    assert call(files, tmp_path / "out", "--runs", "1").exit_code == 0
    assert "state has format 4; allowed here: 99" in caplog.text
    assert_as_straight(straight, tmp_path / "out")


def test_another_runs_checkpoint_is_refused(files, tmp_path, interrupted, straight, caplog):
    one, other = (path.parent for path in states(tmp_path / "out"))
    for path in one.iterdir():
        path.write_bytes((other / path.name).read_bytes())
    assert call(files, tmp_path / "out", "--runs", "1").exit_code == 0
    assert f"state is of another run: found {other.name}; allowed here: {one.name}" in caplog.text
    assert_as_straight(straight, tmp_path / "out")


def test_a_refused_checkpoint_is_kept_until_there_is_a_result(files, tmp_path, interrupted, monkeypatch):
    path = states(tmp_path / "out")[0]
    flipped(path)
    damaged = path.read_bytes()
    stop_at(monkeypatch, 0)
    assert call(files, tmp_path / "out", "--runs", "1").exit_code == 75
    assert (path.parent.with_name(f"{path.parent.name}.refused") / "state").read_bytes() == damaged


def test_a_run_that_another_process_trains_is_skipped(files, tmp_path, caplog):
    call(files, tmp_path / "straight", "--runs", "1")
    first, second = results(tmp_path / "straight")
    lock = Lock(tmp_path / "out" / NAME / "checkpoints" / f"{first.stem[-12:]}.lock")
    assert lock.acquire()
    with caplog.at_level("INFO"):
        assert call(files, tmp_path / "out", "--runs", "1").exit_code == 0
    assert f"skipped, process {os.getpid()} on" in caplog.text
    assert [path.name for path in results(tmp_path / "out")] == [second.name]
    lock.release()
    assert call(files, tmp_path / "out", "--runs", "1").exit_code == 0
    assert_as_straight(tmp_path / "straight", tmp_path / "out")


def test_a_result_that_another_process_has_written_is_not_written_again(files, tmp_path, monkeypatch, caplog):
    call(files, tmp_path / "out", "--runs", "1")
    before = [path.stat().st_mtime_ns for path in results(tmp_path / "out")]
    runs = [build.read_experiment(files.environment(record=RECORD), files.agent(alpha=[0.1, 0.5]), tmp_path / "out")
            .run(index) for index in (0, 1)]  # fmt: skip
    with caplog.at_level("INFO"), claim_runs(runs, force=False) as mine:
        assert mine == []
    assert caplog.text.count("has been written meanwhile") == 2
    assert [path.stat().st_mtime_ns for path in results(tmp_path / "out")] == before
    with claim_runs(runs, force=True) as mine:
        assert [claim.run for claim in mine] == runs


def test_checkpoints_left_by_a_kill_after_the_result_are_removed(files, tmp_path, interrupted, straight):
    for path in (*results(straight), *(straight / NAME).glob("*.npz")):
        (tmp_path / "out" / NAME / path.name).write_bytes(path.read_bytes())
    first, second = (path.parent for path in states(tmp_path / "out"))
    first.with_suffix(".lock").touch()
    second.with_suffix(".lock").touch()
    shutil.rmtree(second)  # As if that process had been killed later.
    assert call(files, tmp_path / "out", "--runs", "1").exit_code == 0
    assert_as_straight(straight, tmp_path / "out")


def test_a_kill_just_before_the_end_leaves_an_empty_folder_at_most(files, tmp_path, straight):
    shutil.copytree(straight, tmp_path / "out")
    (tmp_path / "out" / NAME / "checkpoints").mkdir()
    assert call(files, tmp_path / "out", "--runs", "1").exit_code == 0
    assert_as_straight(straight, tmp_path / "out")


def test_a_checkpoint_that_cannot_be_removed_is_no_failure(files, tmp_path, interrupted, monkeypatch, caplog):
    with monkeypatch.context() as busy:
        busy.setattr("shutil.rmtree", lambda path: (_ for _ in ()).throw(OSError(16, "Device or resource busy")))
        assert call(files, tmp_path / "out", "--runs", "1").exit_code == 0
    assert caplog.text.count("is no longer needed but cannot be removed: [Errno 16]") == 2
    assert len(results(tmp_path / "out")) == 2


def test_a_forced_run_resumes_from_its_checkpoint_too(files, tmp_path, straight, monkeypatch):
    call(files, tmp_path / "out", "--runs", "1")
    stop_at(monkeypatch, 60)
    assert call(files, tmp_path / "out", "--runs", "1", "--force").exit_code == 75
    assert call(files, tmp_path / "out", "--runs", "1", "--force").exit_code == 0
    assert [provenance(path)["resumed_at"] for path in results(tmp_path / "out")] == [[60]] * 2
    assert_as_straight(straight, tmp_path / "out")


def test_a_full_disk_does_not_end_training(files, tmp_path, interrupted, straight, monkeypatch, caplog):
    fsync, asked, full = os.fsync, iter(range(10**6)), []

    def due(_timer) -> bool:
        """Return true once, after 31 steps; from then on the disk is full."""
        full[:] = [True] if next(asked) == 31 else []
        return bool(full)

    def sync(descriptor: int) -> None:
        if full:
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(CheckpointTimer, "due", due)
    monkeypatch.setattr(os, "fsync", sync)
    assert call(files, tmp_path / "out", "--runs", "1").exit_code == 0
    assert caplog.text.count("no checkpoint at timestep 91: [Errno 28]") == 2
    assert_as_straight(straight, tmp_path / "out")


def test_stopped_without_a_checkpoint_is_a_failure(files, tmp_path, straight, monkeypatch, caplog):
    stop_at(monkeypatch, 60)
    with monkeypatch.context() as disk:
        disk.setattr(claims.Checkpoint, "save", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
        assert call(files, tmp_path / "out", "--runs", "1").exit_code == 1
    assert "no checkpoint at timestep 60" in caplog.text
    assert states(tmp_path / "out") == []
    assert call(files, tmp_path / "out", "--runs", "1").exit_code == 0
    assert_as_straight(straight, tmp_path / "out")


def test_a_diverged_runs_result_is_written_when_the_other_runs_are_stopped(files, tmp_path, monkeypatch):
    def call_diverging() -> Result:
        arguments = ["--env-json", files.environment(), "--agent-json", files.agent(critic_lr=[1e-3, 1e30])]
        return CliRunner().invoke(main.main, [*arguments, "--save-dir", str(tmp_path / "out"), "--runs", "1"])

    stop_at(monkeypatch, 60)
    assert call_diverging().exit_code == 75
    (diverged,) = results(tmp_path / "out")
    before = diverged.read_bytes()
    assert len(states(tmp_path / "out")) == 1
    assert call_diverging().exit_code == 0
    assert len(results(tmp_path / "out")) == 2
    assert diverged.read_bytes() == before
    assert not (tmp_path / "out" / NAME / "checkpoints").exists()


def test_nothing_is_unpickled(files, tmp_path, interrupted, caplog):
    """A checkpoint with a valid header, whose arrays are pickled objects, is refused."""
    import hashlib
    import io

    path = states(tmp_path / "out")[0]
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {".index": np.array([{}], object), ".tree": np.array([{}], object)}
    np.savez(buffer, **arrays)
    header = {"format": checkpoint.FORMAT, "timestep": 60, "sha256": hashlib.sha256(buffer.getvalue()).hexdigest()}
    path.write_bytes(json.dumps(header).encode() + b"\n" + buffer.getvalue())
    assert call(files, tmp_path / "out", "--runs", "1").exit_code == 0
    assert "Object arrays cannot be loaded when allow_pickle=False" in caplog.text


@pytest.mark.parametrize("env_name", ["Pendulum-v1", "Pendulum-v0", pytest.param("Hopper-v5", marks=pytest.mark.slow)])
@pytest.mark.parametrize("watched", [0, 1], ids=["before", "after"])
def test_a_monitored_run_resumes_exactly(env_name, watched, files, tmp_path, monkeypatch):
    """It is monitored before or after the interruption: its environment has a renderer, or has none."""
    arguments = ["--env-json", files.environment(env_name=env_name), "--agent-json", files.agent(), "--save-dir"]
    assert CliRunner().invoke(main.main, [*arguments, str(tmp_path / "straight")]).exit_code == 0
    stop_at(monkeypatch, 60)
    for part, code in enumerate((75, 0)):
        options = ["-m", "-a", "50"] if part == watched else []
        assert CliRunner().invoke(main.main, [*arguments, str(tmp_path / "out"), *options]).exit_code == code
    (path,) = (tmp_path / "out").glob("*/*.json")
    assert provenance(path)["resume"] == "exact"
    assert (
        first_run_difference(
            read_comparable(tmp_path / "straight" / path.parent.name / path.name), read_comparable(path)
        )
        is None
    )
    if env_name != "Hopper-v5":  # Not every machine can render MuJoCo's environments.
        assert len(list(path.parent.glob("*.mp4"))) == 1
