"""main.py -m: what is shown or recorded; no number of a run depends on it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import imageio
import numpy as np
import pytest
from click.testing import CliRunner, Result
from gymnasium.envs.classic_control import PendulumEnv

import main
from env.drawing import render
from utils.display import video, window
from utils.results.run_diff import first_run_difference, read_comparable

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, caplog):
    """Have no display; restore environment variables and loggers."""
    before = os.environ.copy()
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        os.environ.pop(name, None)
    caplog.set_level("INFO")
    yield
    logging.getLogger("OpenGL").setLevel(logging.NOTSET)
    os.environ.clear()
    os.environ.update(before)


def train(files, folder: Path, *more: str, agent: dict | None = None, **environment) -> Result:
    arguments = ["--env-json", files.environment(**environment), "--agent-json", files.agent(**(agent or {}))]
    return CliRunner().invoke(main.main, [*arguments, "--save-dir", str(folder), *more])


def results(folder: Path, suffix: str = "json") -> list[Path]:
    return sorted(folder.glob(f"*/*.{suffix}"))


def read(path: Path) -> list[np.ndarray]:
    with imageio.get_reader(path, format="FFMPEG") as reader:
        return [np.asarray(frame) for frame in reader]


EVERYTHING = ["train_states", "train_rewards", "train_actions", "eval_states", "update_states"]


def assert_equal_results(a: Path, b: Path) -> None:
    """Check that two folders have the same results, to the bit."""
    assert [path.name for path in results(a)] == [path.name for path in results(b)]
    assert results(a)
    for one, other in zip(results(a), results(b), strict=True):
        assert first_run_difference(read_comparable(one), read_comparable(other)) is None


def test_a_monitored_pendulum_is_the_same_run_to_the_bit(files, tmp_path):
    for folder, more in (("a", ()), ("b", ("-m",))):
        done = train(files, tmp_path / folder, *more, "--runs", "2", record=EVERYTHING)
        assert done.exit_code == 0, done.output
    assert_equal_results(tmp_path / "a", tmp_path / "b")
    (recorded,) = results(tmp_path / "b", "mp4")
    assert read_comparable(recorded.with_suffix(".json"))["run_number"] == 0
    frames = read(recorded)
    assert [frame.shape for frame in frames] == [(500, 500, 3)] * 120
    assert (frames[0] != frames[10]).any()


def can_draw() -> bool:
    try:
        render.find_gl_backend()
    except render.CannotRender:
        return False
    return True


def test_a_monitored_mujoco_environment_is_the_same_run_to_the_bit(files, tmp_path, caplog):
    """There is a video if this machine can render, otherwise the reason is logged."""
    small: dict[str, Any] = {"env_name": "InvertedPendulum-v5", "total_timesteps": 40, "eval_interval_timesteps": 40}
    for folder, more in (("a", ()), ("b", ("-m",))):
        done = train(files, tmp_path / folder, *more, record=EVERYTHING, **small)
        assert done.exit_code == 0, done.output
    assert_equal_results(tmp_path / "a", tmp_path / "b")
    if can_draw():
        assert [frame.shape for frame in read(*results(tmp_path / "b", "mp4"))] == [(480, 480, 3)] * 40
    else:
        assert "MuJoCo cannot draw here" in caplog.text


def test_if_mujoco_cannot_render_training_continues_and_the_reason_is_logged(files, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(render, "_probe_backend", lambda way: "not installed")
    done = train(files, tmp_path, "-m", env_name="InvertedPendulum-v5", total_timesteps=40)
    assert done.exit_code == 0
    assert len(results(tmp_path)) == 1
    assert results(tmp_path, "mp4") == []
    assert "monitoring: MuJoCo cannot draw here (egl: not installed; osmesa: not installed" in caplog.text


def test_monitoring_starts_after_the_given_timesteps(files, tmp_path, caplog):
    assert train(files, tmp_path, "-m", "-a", "100").exit_code == 0
    (recorded,) = results(tmp_path, "mp4")
    assert len(read(recorded)) == 20
    assert f"20 frames: {recorded}" in caplog.text


def test_the_video_is_limited_and_training_is_not(files, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("utils.training.monitor.MAX_VIDEO_FRAMES", 7)
    assert train(files, tmp_path, "-m").exit_code == 0
    assert len(read(*results(tmp_path, "mp4"))) == 7
    assert "monitoring ended at timestep 7: the video has its 7 frames" in caplog.text
    assert read_comparable(*results(tmp_path))["timesteps_done"] == 120


def test_a_video_that_cannot_be_written_harms_nothing_and_is_reported(files, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(video, "_count_frames", lambda path: 0)
    train(files, tmp_path / "a")
    assert train(files, tmp_path / "b", "-m").exit_code == 0
    assert_equal_results(tmp_path / "a", tmp_path / "b")
    assert sorted(path.suffix for path in (tmp_path / "b").glob("*/*")) == [".json", ".npz"]
    assert ".mp4: cannot be written: 0 of 120 frames were written" in caplog.text


def test_only_the_first_run_of_the_first_stack_is_monitored(files, tmp_path):
    """hidden_dim is structural, so two settings make two stacks. Index 0 already has a result."""
    common: dict[str, Any] = {"agent": {"hidden_dim": [16, 32]}, "total_timesteps": 20, "eval_episodes": 0}
    train(files, tmp_path, "--index", "0", **common)
    assert train(files, tmp_path, "-m", "--index", "0-3", **common).exit_code == 0
    (recorded,) = results(tmp_path, "mp4")
    assert read_comparable(recorded.with_suffix(".json"))["agent_params"]["hidden_dim"] == 32
    assert read_comparable(recorded.with_suffix(".json"))["run_number"] == 0


CLOSED_AFTER_FIVE = "import sys; print('open', flush=True); sys.stdin.buffer.read(5 * 500 * 500 * 3)"


@pytest.mark.parametrize(("end", "why"), [("", "was closed"), ("; sys.exit(1)", "was lost (exit code 1)")])
def test_closing_the_window_ends_monitoring_and_not_the_run(end, why, files, tmp_path, caplog, monkeypatch):
    """A script stands in for the window's process and takes five frames."""
    os.environ["DISPLAY"] = ":none"
    slept: list[float] = []
    monkeypatch.setattr(window, "COMMAND", (sys.executable, "-c", CLOSED_AFTER_FIVE + end))
    monkeypatch.setattr("utils.display.camera.Pace", lambda fps: window.Pace(fps, lambda: sum(slept), slept.append))
    assert train(files, tmp_path / "b", "-m").exit_code == 0
    train(files, tmp_path / "a")
    assert_equal_results(tmp_path / "a", tmp_path / "b")
    assert f"monitoring ended at timestep 6: the window {why}" in caplog.text
    np.testing.assert_allclose(slept, [1 / 30] * 5)
    assert results(tmp_path, "mp4") == []


@pytest.mark.filterwarnings("ignore:.*not in the possible render_modes")
def test_an_environment_without_pictures_is_bad_input(files, tmp_path, monkeypatch):
    monkeypatch.setitem(PendulumEnv.metadata, "render_modes", ["human"])
    done = train(files, tmp_path / "out", "-m")
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert "environment.json: env_name: 'Pendulum-v1' cannot be rendered; found render modes: human" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("env_name", "unwanted"),
    [
        ("Pendulum-v1", {"pygame", "OpenGL", "moviepy", "imageio", "imageio_ffmpeg", "mujoco", "PIL"}),
        # gymnasium's own MuJoCo environments import imageio.
        ("InvertedPendulum-v5", {"pygame", "OpenGL", "moviepy", "imageio_ffmpeg"}),
    ],
)
def test_training_without_monitoring_imports_no_drawing_library(env_name, unwanted, files, tmp_path):
    arguments = ["main.py", "--env-json", files.environment(env_name=env_name, total_timesteps=40)]
    arguments += ["--agent-json", files.agent(), "--save-dir", str(tmp_path / "out")]
    probe = (
        f"import runpy, sys; sys.argv = {arguments}\n"
        "try: runpy.run_path('main.py', run_name='__main__')\n"
        "except SystemExit as done: assert not done.code\n"
        f"print(sorted({unwanted} & sys.modules.keys()))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "MUJOCO_GL"}
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert len(results(tmp_path / "out")) == 1


def test_monitoring_needs_a_single_process(files, tmp_path):
    """Worker processes start no other processes, so no window."""
    done = train(files, tmp_path / "out", "-m", "--runs", "2", "--jobs", "2")
    assert done.exit_code == 2
    assert done.stderr == "error: -m/--monitor: found --jobs 2; allowed with it: --jobs 1\n"
    assert not (tmp_path / "out").exists()


def test_the_first_run_is_shown_in_whatever_stack_it_trains(files, tmp_path):
    """Its stack is the second one, because larger networks are trained first."""
    done = train(files, tmp_path, "-m", "--index", "0,1", agent={"hidden_dim": [16, 300]})
    assert done.exit_code == 0, done.output
    (recorded,) = results(tmp_path, "mp4")
    assert read_comparable(recorded.with_suffix(".json"))["agent_params"]["hidden_dim"] == 16
