"""The command line of main.py: what it writes, skips and refuses."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import main
from env import EpisodeProtocol, Episodes, make_env
from env.episodes.rollout import take_fingerprint
from tests.support.processes import start_interruptible, wait_for
from utils.results.progress_file import RUN_ENDING
from utils.results.run_diff import first_run_difference, read_comparable
from utils.wiring import build

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main.main, [str(a) for a in arguments])


def call(files, save_dir: Path, *more: str) -> Result:
    """Run main.py on the small experiment, with an absolute path for results."""
    return run("--env-json", files.environment(), "--agent-json", files.agent(), "--save-dir", str(save_dir), *more)


def results(save_dir: Path) -> list[Path]:
    return sorted(save_dir.glob("*/*.json"))


def only(path: Path) -> dict:
    """Return the run of a result file."""
    (cell,) = json.loads(path.read_bytes())["experiment_data"].values()
    (data,) = cell["runs"]
    return data


def test_one_index_gives_one_result(files, tmp_path):
    done = call(files, tmp_path / "out")
    assert done.exit_code == 0, done.output
    (path,) = results(tmp_path / "out")
    assert path.parent.name == "Pendulum-v1_SAC_SquashedGaussian"
    data = only(path)
    assert path.name == f"Pendulum-v1_SAC_{data['key']}.json"
    assert data["status"] == "completed"
    assert (data["index"], data["run_number"], data["random_seed"]) == (0, 0, 0)
    assert data["timesteps_at_eval"] == [0, 60, 120]
    assert [len(returns) for returns in data["eval_episode_rewards"]] == [2, 2, 2]
    assert data["eval_episode_steps"] == [[50, 50]] * 3
    assert data["train_episode_steps"] == [50, 50, 20]
    assert data["last_episode_complete"] is False
    assert data["total_train_episodes"] == 3
    assert data["total_timesteps"] == data["timesteps_done"] == 120
    assert 0.0 <= data["provenance"]["core_wait_seconds"] < 600.0


def test_learned_parameters_are_next_to_the_result(files, tmp_path):
    call(files, tmp_path / "out")
    (path,) = results(tmp_path / "out")
    learned, diagnostics = (only(path)[key] for key in ("learned_params", "diagnostics"))
    assert learned["file"] == diagnostics["file"]
    with np.load(path.parent / learned["file"], allow_pickle=False) as arrays:
        shapes = {name: list(array.shape) for name, array in arrays.items()}
    assert shapes == learned["arrays"] | diagnostics["arrays"]
    assert shapes["learned_params/actor/weight_0"] == [3, 32]
    assert {tuple(shape) for shape in diagnostics["arrays"].values()} == {tuple(shapes["diagnostics/timestep"])}


def test_the_fingerprint_is_taken_once_and_is_in_every_result(files, tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(
        "env.episodes.rollout.take_fingerprint", lambda make: taken.append(take_fingerprint(make)) or taken[0]
    )
    call(files, tmp_path / "out", "--runs", "2")
    expected = take_fingerprint(lambda: Episodes(make_env("Pendulum-v1"), EpisodeProtocol(50), 0))
    assert taken == [expected]
    origins = [only(path)["provenance"] for path in results(tmp_path / "out")]
    assert [(origin["rollout_hash"], origin["rollout_trace"]) for origin in origins] == [tuple(expected)] * 2


def test_agent_params_are_resolved(files, tmp_path):
    call(files, tmp_path / "out")
    (path,) = results(tmp_path / "out")
    (cell,) = json.loads(path.read_bytes())["experiment_data"].values()
    assert cell["agent_params"]["hidden_dim"] == 32
    assert cell["agent_params"]["betas"] == [0.9, 0.999]
    assert cell["agent_params"]["tau"] == 0.005


def test_runs_means_every_setting_that_many_times(files, tmp_path):
    agent = files.agent(alpha=[0.1, 0.2], num_samples=[1, 2])
    done = run(
        "--env-json", files.environment(total_timesteps=20, eval_episodes=0), "--agent-json", agent,
        "--save-dir", str(tmp_path / "out"), "--runs", "2",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert sorted(only(path)["index"] for path in results(tmp_path / "out")) == list(range(8))


@pytest.mark.parametrize(
    ("agent", "env_name"),
    [
        ("linearAC", "Pendulum-v1"),
        ("linearAC", "MountainCarContinuous-v0"),
        ("linearAC_softmax", "CartPole-v1"),
        ("linearAC_softmax", "MountainCar-v0"),
        ("Random", "Pendulum-v1"),
        ("Random", "CartPole-v1"),
    ],
)
def test_agents_from_their_shipped_grids(agent, env_name, files, tmp_path):
    done = run(
        "--env-json", files.environment(env_name=env_name, record=["train_actions", "update_actions"]),
        "--agent-json", ROOT / f"config/agent/{agent}.json", "--save-dir", tmp_path / "out", "--runs", "1",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    paths = results(tmp_path / "out")
    assert len(paths) == (1 if agent == "Random" else 36)
    for path in paths:
        data = only(path)
        assert (data["status"], data["timesteps_done"]) == ("completed", 120)
        with np.load(path.with_suffix(".npz")) as arrays:
            actions = arrays["train_actions"]
            assert actions.shape == (120, 1)
            if agent != "Random":
                np.testing.assert_array_equal(arrays["update_actions"][:, 0], actions)
                assert "learned_params/critic/value" in arrays
        if env_name == "CartPole-v1":
            assert set(actions.ravel()) == {0.0, 1.0}


def test_raw_observations_for_a_linear_agent(files, tmp_path):
    for name, value in (("use_tile_coding", False), ("use_full_tile_coding", False), ("use_tile_coding", True)):
        run(
            "--env-json", files.environment(**{name: value}), "--save-dir", tmp_path / f"{name}{value}",
            "--agent-json", ROOT / "config/agent/linearAC.json",
        )  # fmt: skip
    a, b, tiled = (
        only(results(tmp_path / folder)[0])
        for folder in ("use_tile_codingFalse", "use_full_tile_codingFalse", "use_tile_codingTrue")
    )
    assert a["learned_params"]["arrays"]["learned_params/critic/value"] == [4]
    assert tiled["learned_params"]["arrays"]["learned_params/critic/value"] == [8 * 9**3]
    assert a["train_episode_rewards"] == b["train_episode_rewards"] != tiled["train_episode_rewards"]


def test_a_result_without_arrays_exists(files, tmp_path, caplog):
    arguments = ("--env-json", files.environment(), "--agent-json", ROOT / "config/agent/Random.json")
    with caplog.at_level("INFO"):
        for _ in range(2):
            run(*arguments, "--save-dir", tmp_path / "out")
    assert "index 0: skipped" in caplog.text


def test_runs_with_results_are_skipped_and_logged(files, tmp_path, caplog):
    call(files, tmp_path / "out")
    (path,) = results(tmp_path / "out")
    before = path.stat().st_mtime_ns
    caplog.clear()
    with caplog.at_level("INFO"):
        assert call(files, tmp_path / "out").exit_code == 0
    assert path.stat().st_mtime_ns == before
    assert "index 0: skipped" in caplog.text
    assert call(files, tmp_path / "out", "--force").exit_code == 0
    assert path.stat().st_mtime_ns != before


def test_a_damaged_result_is_not_a_result(files, tmp_path):
    call(files, tmp_path / "out")
    (path,) = results(tmp_path / "out")
    whole = only(path)
    path.write_bytes(path.read_bytes()[:100])
    assert call(files, tmp_path / "out").exit_code == 0
    assert only(path)["train_episode_rewards"] == whole["train_episode_rewards"]


def test_a_grown_grid_finds_its_old_runs(files, tmp_path, caplog):
    """A run is found by its content: setting 1 of the new grid is setting 0 of the old one."""
    env = files.environment(total_timesteps=20, eval_episodes=0)
    common = ("--env-json", env, "--save-dir", str(tmp_path / "out"))
    run(*common, "--agent-json", files.agent(alpha=[0.3]))
    with caplog.at_level("INFO"):
        run(*common, "--agent-json", files.agent(alpha=[0.1, 0.3]), "--index", "0,1")
    assert "index 1: skipped" in caplog.text
    assert len(results(tmp_path / "out")) == 2


def test_record_keeps_the_arrays_it_names(files, tmp_path):
    names = [
        "train_states", "train_rewards", "train_actions", "eval_states",
        "update_states", "update_actions", "update_rewards", "update_next_states",
    ]  # fmt: skip
    done = run(
        "--env-json", files.environment(record=names), "--agent-json", files.agent(),
        "--save-dir", str(tmp_path / "out"),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (path,) = results(tmp_path / "out")
    data = only(path)
    updates = 120 - 16 + 1
    shapes = {name: data[name]["arrays"][name] for name in names}
    assert shapes == {
        "train_states": [120, 3],
        "train_rewards": [120],
        "train_actions": [120, 1],
        "eval_states": [300, 3],
        "update_states": [updates, 16, 3],
        "update_actions": [updates, 16, 1],
        "update_rewards": [updates, 16],
        "update_next_states": [updates, 16, 3],
    }
    with np.load(path.with_suffix(".npz")) as arrays:
        assert arrays.files[: len(names)] == [
            "eval_states", "train_states", "train_actions", "train_rewards",
            "update_states", "update_actions", "update_rewards", "update_next_states",
        ], "always in the same order, so that a repetition writes the same file"  # fmt: skip
        returns = np.add.reduceat(arrays["train_rewards"], [0, 50, 100])
        np.testing.assert_allclose(returns, data["train_episode_rewards"], rtol=1e-12)


def test_a_relative_save_dir_is_under_results(files, tmp_path, monkeypatch):
    env, agent = files.environment(total_timesteps=5, eval_episodes=0), files.agent()
    monkeypatch.chdir(tmp_path)
    for save_dir in ("mine", "results", "results/yours"):
        assert run("--env-json", env, "--agent-json", agent, "--save-dir", save_dir).exit_code == 0
    name = "Pendulum-v1_SAC_SquashedGaussian"
    for folder in (f"mine/{name}", name, f"yours/{name}"):
        assert len(list((tmp_path / "results" / folder).glob("*.json"))) == 1


BAD_INPUT = [
    (dict(env="nowhere.json"), r"nowhere\.json: cannot be read: No such file or directory"),
    (dict(env_text="{"), r"environment\.json: not valid JSON"),
    (dict(env_text="[1]"), r"environment\.json: found \[1\]; allowed: a JSON object"),
    (dict(env={"gama": 0.9}), r"environment\.json: unknown key 'gama'; did you mean 'gamma'\?"),
    (dict(env={"gamma": "0.9"}), r"environment\.json: key 'gamma': found \"0\.9\"; input should be a valid number"),
    (dict(env={"gamma": 1.5}), r"key 'gamma': found 1\.5; input should be less than or equal to 1"),
    (dict(env={"total_timesteps": 0}), r"key 'total_timesteps': found 0; input should be greater than or equal to 1"),
    (dict(env={"rewards": {"gaol": 1}}), r"unknown key 'rewards\.gaol'; did you mean 'goal'\?"),
    (dict(env={"overwrite_rewards": True}), r"rewards must then give both 'timestep' and 'goal'"),
    (dict(env={"record": ["train_state"]}), r"key 'record\.0': found \"train_state\".*did you mean 'train_states'\?"),
    (dict(env={"env_name": "Pendulum-v11"}), r"'Pendulum-v11' cannot be made.*did you mean 'Pendulum-v1'\?"),
    (dict(env={"env_name": "CartPole-v1"}), r"environment\.json: env_name: 'CartPole-v1' has actions Discrete\(2\); "),
    (dict(env={"env_name": "CartPole-v1"}, agent_file="linearAC"), r"linearAC allows: a Box; linearAC_softmax t"),
    (dict(agent_file="linearAC_softmax"), r"linearAC_softmax allows: discrete actions; linearAC takes a Box"),
    (
        dict(env={"use_tile_coding": True}),
        r"key 'use_tile_coding': found true, but SAC uses observations without tile coding",
    ),
    (
        dict(env={"use_tile_coding": True, "use_full_tile_coding": False}, agent_file="linearAC"),
        r"use_tile_coding is true and use_full_tile_coding is false; allowed: one of the two, or equal values",
    ),
    (dict(env={"use_tile_coding": 1}), r"key 'use_tile_coding': found 1; input should be a valid boolean"),
    (dict(env={"continuous": False}), r"continuous: found false, but 'Pendulum-v1' has actions Box"),
    (dict(env={"env_kwargs": {"gg": 1}}), r"'Pendulum-v1' cannot be made with \{'gg': 1\}"),
    (dict(env={"start_state": [1.0]}), r"start_state: found 1 numbers; allowed for LeanPendulum: 2 or none"),
    (dict(agent="nowhere.json"), r"nowhere\.json: cannot be read"),
    (dict(agent_name="SACK"), r"agent\.json: key 'agent_name': found 'SACK'; allowed: SAC.*did you mean 'SAC'\?"),
    (dict(agent={"critic_rl": [0.1]}), r"agent\.json: parameters: unknown key 'critic_rl'; did you mean 'critic_lr'\?"),
    (dict(agent={"alpha": []}), r"agent\.json: key 'parameters\.alpha': found \[\]; .*at least 1 item"),
    (dict(agent={"alpha": 0.1}), r"agent\.json: key 'parameters\.alpha': found 0\.1; input should be a list, or \{"),
    (dict(agent={"alpha": ["x"]}), r"parameters: key 'alpha': found \"x\"; input should be a valid number"),
    (dict(agent={"tau": [0.0]}), r"key 'tau': found 0\.0; input should be greater than 0"),
    (dict(agent={"policy_type": ["Gausian"]}), r"key 'policy_type': found \"Gausian\".*did you mean 'Gaussian'\?"),
    (dict(agent={"batch_size": [64], "replay_capacity": [8]}), r"found no pair with batch_size <= replay_capacity"),
    (dict(agent={"batch_size": ["64"]}), r"key 'batch_size': found '64'; input should be a valid integer"),
    (dict(agent={"automatic_entropy_tuning": [True]}), r"alpha_lr is 0 with automatic_entropy_tuning"),
    (dict(agent={"cuda": [True]}), r"agent\.json: parameters: key 'cuda': found true, but no GPU is available"),
    (dict(more=("--index", "-1")), r"--index: found '-1'; allowed: integers from 0"),
    (dict(more=("--index", "0", "--runs", "2")), r"--index and --runs: found both"),
    (dict(more=("-a", "10")), r"-a/--after: found 10 without -m/--monitor; allowed: both, -m alone or neither"),
    (dict(more=("-m", "-a", "120")), r"-a/--after: found 120; allowed: less than total_timesteps, 120"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "message"), BAD_INPUT, ids=range(len(BAD_INPUT)))
def test_bad_input_is_one_line_and_writes_nothing(case, message, files, tmp_path):
    env = case.get("env", {})
    agent = case.get("agent", {})
    env_json = env if isinstance(env, str) else files.environment(**env)
    if "env_text" in case:
        env_json = files.write("environment.json", case["env_text"])
    agent_json = agent if isinstance(agent, str) else files.agent(case.get("agent_name", "SAC"), **agent)
    if "agent_file" in case:
        agent_json = ROOT / f"config/agent/{case['agent_file']}.json"
    save_dir = tmp_path / "out"
    arguments = ("--env-json", env_json, "--agent-json", agent_json, "--save-dir", str(save_dir))
    done = run(*arguments, *case.get("more", ()))
    assert done.exit_code == 2, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert re.search(message, lines[0]), lines[0]
    assert not save_dir.exists()


def test_jobs_and_stacks_change_no_bit(files, tmp_path):
    """Seven runs of two structures are trained by two processes, and by this one. The parent imports no torch."""
    common = ["--env-json", files.environment(), "--agent-json", files.agent(hidden_dim=[16, 32]), "--index", "0-6"]
    alone = run(*common, "--save-dir", tmp_path / "alone", "--jobs", "1", "--stack", "1")
    assert alone.exit_code == 0, alone.output
    script = "import sys, main\nmain.main(sys.argv[1:], standalone_mode=False)\nassert 'torch' not in sys.modules"
    command = [sys.executable, "-c", script, *common, "--jobs", "2", "--stack", "3", "--save-dir", tmp_path / "shared"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    paths = results(tmp_path / "alone")
    assert [path.name for path in paths] == [path.name for path in results(tmp_path / "shared")]
    stacks = set()
    for path, other in zip(paths, results(tmp_path / "shared"), strict=True):
        assert first_run_difference(read_comparable(path), read_comparable(other)) is None
        stacks.add(tuple(only(other)["provenance"]["stack"]))
    assert stacks == {(0, 2), (4, 6), (1, 3, 5)}
    assert done.stderr.count("training ") == 3
    assert done.stderr.count(": completed, ") == 7
    assert "7 of 7 runs done" in done.stderr


def test_a_stack_that_fails_ends_no_other(files, tmp_path, monkeypatch, caplog):
    build_stack = build.build_stack

    def build_all_but_one(experiment, runs, shown):
        if runs[0].index == 1:
            raise RuntimeError("three apples")
        return build_stack(experiment, runs, shown)

    monkeypatch.setattr(build, "build_stack", build_all_but_one)
    done = call(files, tmp_path / "out", "--runs", "3", "--stack", "1")
    assert done.exit_code == 1
    assert "failed: index 1: RuntimeError: three apples\nTraceback" in caplog.text
    assert "1 of 3 stacks failed\nfailed: index 1: RuntimeError: three apples" in caplog.text
    assert sorted(only(path)["index"] for path in results(tmp_path / "out")) == [0, 2]


def test_a_result_that_another_process_cannot_write(files, tmp_path):
    """There is a directory where the first run's result belongs."""
    call(files, tmp_path / "out")
    (blocked,) = results(tmp_path / "out")
    blocked.unlink()
    blocked.mkdir()
    command = ["main.py", "--env-json", files.environment(), "--agent-json", files.agent(), "--runs", "3"]
    command += ["--save-dir", str(tmp_path / "out"), "--stack", "1", "--jobs", "2"]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "failed: index 0: 1 of 1 runs have no result" in done.stderr
    assert "Traceback" not in done.stderr
    written = [path for path in results(tmp_path / "out") if path.is_file()]
    assert sorted(only(path)["index"] for path in written) == [1, 2]
    assert not list((tmp_path / "out").rglob("*.tmp"))


@pytest.mark.parametrize("option", ["--jobs", "--stack"])
@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", ""])
def test_neither_a_number_nor_auto(option, value, files, tmp_path):
    done = call(files, tmp_path / "out", option, value)
    assert done.exit_code == 2
    assert f"found '{value}'; allowed: an integer from 1, or auto" in done.stderr
    assert not (tmp_path / "out").exists()


def test_automatic_jobs_are_the_cores(files, tmp_path, monkeypatch):
    """With one core, this process trains."""
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    monkeypatch.setattr("utils.workers.pool.Pool", None)
    done = call(files, tmp_path / "out", "--runs", "2", "--jobs", "auto", "--stack", "1")
    assert done.exit_code == 0, done.output
    assert len(results(tmp_path / "out")) == 2


def test_an_unwritable_save_directory(files, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    done = call(files, blocked / "out")
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr
    assert "--save-dir" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert blocked.read_text() == "in the way"


def test_a_result_that_cannot_be_written_fails_its_run_only(files, tmp_path, monkeypatch, caplog):
    """The disk is full for the two files of the first result, and has space again for the second's."""
    (tmp_path / "out/Pendulum-v1_SAC_SquashedGaussian").mkdir(parents=True)
    fsync, calls = os.fsync, iter(range(100))

    def full_at_first(descriptor):
        if next(calls) == 0:
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full_at_first)
    done = call(files, tmp_path / "out", "--runs", "2")
    assert done.exit_code == 1
    assert "index 0: completed, but" in caplog.text
    assert "No space left on device" in caplog.text
    (path,) = results(tmp_path / "out")
    assert only(path)["index"] == 1
    assert not list((tmp_path / "out").rglob("*.tmp"))


@pytest.mark.parametrize("jobs", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_an_interrupted_call_leaves_checkpoints_and_no_process(jobs, files, tmp_path):
    env = files.environment(total_timesteps=10**6, eval_episodes=0)
    command = [sys.executable, "main.py", "--env-json", env, "--agent-json", files.agent(), "--runs", str(jobs)]
    command += ["--save-dir", str(tmp_path / "out"), "--stack", "1", "--jobs", str(jobs)]
    process = start_interruptible([*command, "--checkpoint-minutes", "0.01", "--engine", "eager"], cwd=ROOT)
    wait_for(lambda: len(list((tmp_path / "out").glob("*/checkpoints/*/state"))) == jobs)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 75
    assert "Traceback" not in errors
    left = {path for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {path.name for path in left if path.suffix not in (".rows", RUN_ENDING)} == {"state"}
    assert len([path for path in left if path.suffix == RUN_ENDING]) == jobs
    assert len([path for path in left if path.name == "state"]) == jobs
    wait_for(lambda: not group_exists(process.pid))


def group_exists(group: int) -> bool:
    """Return whether a process of a process group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_missing_options_are_bad_input():
    assert run().exit_code == 2
    assert run("--runs", "0").exit_code == 2
