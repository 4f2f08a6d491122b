"""utils/watch.py: it repeats the last evaluation to the bit, or prints one line with the reason why it cannot."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from functools import partial
from pathlib import Path

import imageio
import numpy as np
import pytest
from click.testing import CliRunner, Result

import main
from utils import watch as script
from utils.display.window import Pace
from utils.results.learned_params import read_learned_run
from utils.wiring import rebuild

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def surroundings():
    """Have no display; restore environment variables and loggers."""
    before = os.environ.copy()
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        os.environ.pop(name, None)
    yield
    logging.getLogger("OpenGL").setLevel(logging.NOTSET)
    os.environ.clear()
    os.environ.update(before)


def watch(*arguments: object) -> Result:
    return CliRunner().invoke(script.watch, [str(argument) for argument in arguments])


def train(files, folder: Path, agent_json: str | Path, *more: str, **environment) -> list[Path]:
    """Return results in the order of their indices."""
    arguments = ["--env-json", files.environment(**environment), "--agent-json", str(agent_json)]
    done = CliRunner().invoke(main.main, [*arguments, "--save-dir", str(folder), *more])
    assert done.exit_code == 0, done.output
    return sorted(folder.glob("*/*.json"), key=lambda path: read_learned_run(path).result.run["index"])


def last_evaluation(path: Path) -> list[tuple[float, int]]:
    run = read_learned_run(path).result.run
    return list(zip(run["eval_episode_rewards"][-1], run["eval_episode_steps"][-1], strict=True))


@pytest.mark.parametrize(
    ("agent", "env_name", "eval_policy", "engine"),
    [
        ("SAC_classic_best_pendulum", "Pendulum-v1", "mode", "eager"),
        ("SAC_classic_best_pendulum", "Pendulum-v1", "sample", "eager"),
        ("SAC_classic_best_pendulum", "Pendulum-v1", "mode", "compiled"),
        ("SAC_classic_best_pendulum", "Pendulum-v1", "sample", "compiled"),
        ("linearAC", "Pendulum-v1", "mode", "eager"),
        pytest.param("linearAC", "Pendulum-v1", "sample", "eager", marks=pytest.mark.slow),
        pytest.param("linearAC_softmax", "CartPole-v1", "mode", "eager", marks=pytest.mark.slow),
        ("linearAC_softmax", "CartPole-v1", "sample", "eager"),
        pytest.param("Random", "CartPole-v1", "mode", "eager", marks=pytest.mark.slow),
        ("Random", "CartPole-v1", "sample", "eager"),
    ],
)
def test_the_episodes_of_the_last_evaluation_to_the_bit(agent, env_name, eval_policy, engine, files, tmp_path):
    """The run was trained in a stack of three and is rebuilt alone."""
    grid = json.loads((ROOT / f"config/agent/{agent}.json").read_text())
    grid["parameters"] = {key: values[:1] for key, values in grid["parameters"].items()}
    agent_json = files.write("agent.json", grid)
    protocol = {"env_name": env_name, "eval_policy": eval_policy, "steps_per_episode": 20}
    paths = train(files, tmp_path / "out", agent_json, "--runs", "3", "--engine", engine, **protocol)
    path = paths[1]
    assert read_learned_run(path).result.run["provenance"]["engine"] == engine
    video = tmp_path / "a.mp4"
    assert list(rebuild.show_episodes(read_learned_run(path), 2, None, video, None)) == last_evaluation(path)
    frames = sum(steps + 1 for _, steps in last_evaluation(path))
    assert imageio.get_reader(video, format="FFMPEG").count_frames() == frames


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_a_watched_run_sees_observations_as_it_did(engine, files, tmp_path):
    """Its statistics are among its learned parameters."""
    options = {"normalize_observations": [True], "exploration_correlation": [0.9], "learning_starts": [10]}
    path = train(files, tmp_path / "out", files.agent(**options), "--runs", "2", "--engine", engine)[1]
    assert {"observations/mean", "observations/variance"} <= read_learned_run(path).arrays.keys()
    video = tmp_path / "a.mp4"
    assert list(rebuild.show_episodes(read_learned_run(path), 2, None, video, None)) == last_evaluation(path)


@pytest.mark.parametrize(
    ("agent", "engine"), [("SAC_classic_best_pendulum", "eager"), ("SAC_classic_best_pendulum", "compiled"),
                          ("linearAC", "eager")],
)  # fmt: skip
def test_the_episodes_of_every_evaluation_to_the_bit(agent, engine, files, tmp_path):
    """Of a protocol that records policies, and evaluates with samples of them."""
    grid = json.loads((ROOT / f"config/agent/{agent}.json").read_text())
    grid["parameters"] = {key: values[:1] for key, values in grid["parameters"].items()}
    protocol = {"record": ["policies"], "eval_policy": "sample", "steps_per_episode": 20}
    paths = train(
        files, tmp_path / "out", files.write("agent.json", grid), "--runs", "2", "--engine", engine, **protocol
    )
    run = read_learned_run(paths[1]).result.run
    assert run["timesteps_at_eval"] == [0, 60, 120]
    for timestep, returns in zip(run["timesteps_at_eval"], run["eval_episode_rewards"], strict=True):
        agent_then, episodes = rebuild.load_agent(paths[1], at=timestep)
        act = partial(agent_then.act_eval, greedy=False)
        found = [rebuild.play_episode(episodes, act) for _ in returns]
        assert found == [(each, 20) for each in returns]
    done = watch(paths[1], "--at", 60, "--episodes", 2, "--video", tmp_path / "a.mp4")
    assert done.stdout.splitlines() == [
        f"episode {i}: return {each:.3f}, 20 steps" for i, each in enumerate(run["eval_episode_rewards"][1])
    ]
    refused = watch(paths[1], "--at", 61)
    assert refused.exit_code == 2
    assert refused.stderr.startswith(f"error: {paths[1]}: found no evaluation at timestep 61; allowed: ")


@pytest.fixture
def result(files, tmp_path) -> Path:
    """Return the result of a small SAC run on Pendulum-v1."""
    return train(files, tmp_path / "out", files.agent())[0]


def test_without_a_display_it_is_recorded_next_to_the_result(result):
    done = watch(result, "--episodes", "2")
    assert done.exit_code == 0, done.output
    expected = [f"episode {i}: return {r:.3f}, 50 steps" for i, (r, _) in enumerate(last_evaluation(result))]
    assert done.stdout.splitlines() == expected
    with imageio.get_reader(result.with_name(f"{result.stem}_watch.mp4"), format="FFMPEG") as reader:
        assert [frame.shape for frame in reader] == [(500, 500, 3)] * 2 * 51


def test_without_a_video_only_the_returns_are_printed(result, monkeypatch):
    """Nothing that draws is needed."""
    monkeypatch.setitem(sys.modules, "pygame", None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    os.environ["DISPLAY"] = ":none"
    done = watch(result, "--no-video", "--episodes", "2")
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    expected = [f"episode {i}: return {r:.3f}, 50 steps" for i, (r, _) in enumerate(last_evaluation(result))]
    assert done.stdout.splitlines() == expected
    assert not list(result.parent.glob("*.mp4"))
    sampled = watch(result, "--no-video", "--episodes", "2", "--policy", "sample").stdout
    assert sampled != done.stdout


def test_a_video_and_no_video_is_refused(result):
    done = watch(result, "--no-video", "--video", "a.mp4")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "error: --no-video: found with --video; allowed: one of the two\n"


def test_seed_and_policy_are_as_requested(files, tmp_path):
    (result,) = train(files, tmp_path / "out", files.agent(), steps_per_episode=10)

    def found(*options: object) -> str:
        return watch(result, "--episodes", 1, "--video", tmp_path / "a.mp4", *options).stdout

    default, other_seed = found(), found("--seed", 1)
    assert default == found("--policy", "mode") == found("--seed", 0)
    assert other_seed == found("--seed", 1)
    assert len({default, other_seed, found("--policy", "sample")}) == 3
    assert not list(result.parent.glob("*.mp4"))


def test_closing_the_window_ends_it(result, monkeypatch):
    """A script stands in for the window's process and takes 60 frames, of which 51 are of the first episode."""
    os.environ["DISPLAY"] = ":none"
    script = "import sys; print('open', flush=True); sys.stdin.buffer.read(60 * 500 * 500 * 3)"
    monkeypatch.setattr("utils.display.window.COMMAND", (sys.executable, "-c", script))
    monkeypatch.setattr("utils.display.camera.Pace", lambda fps: Pace(fps, sleep=lambda seconds: None))
    done = watch(result)
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 1
    assert not list(result.parent.glob("*.mp4"))


def test_an_agent_trained_on_a_gpu_acts_without_one(result, tmp_path):
    tree = json.loads(result.read_text())
    tree["experiment_data"]["0"]["agent_params"]["cuda"] = True
    result.write_text(json.dumps(tree))
    (found,) = rebuild.show_episodes(read_learned_run(result), 1, None, tmp_path / "a.mp4", None)
    assert found == last_evaluation(result)[0]


def change(**changes):
    """Return a function that changes keys of the run; a value of ... removes the key."""

    def damage(path: Path) -> None:
        tree = json.loads(path.read_text())
        run = tree["experiment_data"]["0"]["runs"][0] | changes
        tree["experiment_data"]["0"]["runs"][0] = {key: value for key, value in run.items() if value is not ...}
        path.write_text(json.dumps(tree))

    return damage


def arrays(**changes):
    """Return a function that changes arrays; a value of ... removes the array."""

    def damage(path: Path) -> None:
        with np.load(path.with_suffix(".npz")) as found:
            kept = {name: array for name, array in ({**found} | changes).items() if array is not ...}
        np.savez(path.with_suffix(".npz"), **kept)

    return damage


def twice(path: Path) -> None:
    tree = json.loads(path.read_text())
    (run,) = runs = tree["experiment_data"]["0"]["runs"]
    runs.append(run | {"run_number": run["run_number"] + 1})
    path.write_text(json.dumps(tree))


WEIGHT = "learned_params/actor/weight_0"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (Path.unlink, "cannot be read: No such file"),
        (lambda path: path.write_text("{"), "not valid JSON"),
        (lambda path: path.write_text("{}"), "not a result"),
        (twice, "found 2 runs; allowed: one"),
        (change(status="diverged"), "key 'status': found 'diverged'; allowed: 'completed'"),
        (change(learned_params=None), "key 'learned_params': found none"),
        (change(learned_params=...), "key 'learned_params': found none"),
        (change(learned_params={}), "key 'learned_params' does not fit SAC: 'weight_0'"),
        (change(learned_params={"file": "a.npz"}), "key 'learned_params': found neither {} nor 'file' and 'arrays'"),
        (lambda path: path.with_suffix(".npz").unlink(), "its arrays cannot be read"),
        (lambda path: path.with_suffix(".npz").write_bytes(b"PK"), "its arrays cannot be read"),
        (arrays(**{WEIGHT: ...}), "its arrays cannot be read"),
        (arrays(**{WEIGHT: np.full((3, 32), np.nan, np.float32)}), f"array '{WEIGHT}': found numbers that are not fin"),
        (arrays(**{WEIGHT: np.zeros((4, 32), np.float32)}), "does not fit SAC: found an array of shape [4, 32]; allow"),
    ],
)  # fmt: skip
def test_a_result_without_a_policy_is_refused_in_one_line(damage, message, result):
    damage(result)
    done = watch(result)
    assert done.exit_code == 2, done.output
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert done.stdout == ""


def test_a_video_that_cannot_be_written_is_reported_in_one_line(result, tmp_path):
    done = watch(result, "--video", tmp_path / "nowhere" / "a.mp4")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "nowhere" in done.stderr


def test_a_copy_in_another_directory_can_be_watched(result, tmp_path):
    folder = shutil.copytree(result.parent, tmp_path / "copy")
    assert watch(folder / result.name, "--episodes", 1).exit_code == 0


RANDOM = {"agent_name": "Random", "parameters": {}}


@pytest.mark.parametrize(
    ("env_name", "package", "message"),
    [
        ("Pendulum-v1", "pygame", "error: nothing can be drawn: pygame is not installed"),
        ("Bandit", "imageio_ffmpeg", "a video needs imageio-ffmpeg with its encoder"),
    ],
)
def test_a_missing_package_is_named(env_name, package, message, files, tmp_path, monkeypatch):
    (path,) = train(files, tmp_path / "out", files.write("agent.json", RANDOM), env_name=env_name)
    monkeypatch.setitem(sys.modules, package, None)
    done = watch(path)
    assert done.exit_code == 1
    assert message in done.stderr.splitlines()[-1]
    assert done.stderr.endswith("; --no-video prints the returns without drawing\n")
