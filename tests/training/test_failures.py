"""Runs that fail are recorded apart from results, are trained again by the next call, and harm no other run."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium as gym
import pytest
from click.testing import CliRunner, Result

import main
from tests.support import pool_tasks
from tests.support.awkward_envs import Brittle
from tests.support.experiments import make_experiment
from utils.core.interrupt import Interruption
from utils.core.random_streams import env_seed
from utils.results.run_diff import first_run_difference, read_comparable
from utils.training.sweep import FailureLimit, train_stacks
from utils.wiring import build

NAME = "Brittle-v0_SAC_SquashedGaussian"


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setattr(Brittle, "doomed", {})
    gym.register("Brittle-v0", lambda **options: Brittle(**options))
    yield
    del gym.registry["Brittle-v0"]


def call(files, save_dir: Path, *more: str) -> Result:
    arguments = ["--env-json", files.environment(env_name="Brittle-v0"), "--agent-json", files.agent(), "--runs", "3"]
    return CliRunner().invoke(main.main, [*arguments, "--save-dir", str(save_dir), *more])


def results(save_dir: Path) -> dict[int, Path]:
    """Return the result files by run number."""
    found = {}
    for path in (save_dir / NAME).glob("*.json"):
        (cell,) = json.loads(path.read_bytes())["experiment_data"].values()
        found[cell["runs"][0]["run_number"]] = path
    return found


def failures(save_dir: Path) -> dict[int, dict]:
    """Return the failure files' contents by run number."""
    found = [json.loads(path.read_bytes()) for path in (save_dir / NAME).glob("failures/*.json")]
    return {failure["run_number"]: failure for failure in found}


def assert_same(save_dir: Path, other: Path, runs: list[int]) -> None:
    ours, theirs = results(save_dir), results(other)
    for run in runs:
        assert first_run_difference(read_comparable(theirs[run]), read_comparable(ours[run])) is None


@pytest.mark.parametrize(("stream", "part", "timestep"), [("env", (), 29), ("eval_env", (60,), 60)])
def test_an_environment_that_raises_ends_its_run_only(stream, part, timestep, files, tmp_path, monkeypatch, caplog):
    """The environment of run 1, found by its seed, raises an error in training or in an evaluation."""
    assert call(files, tmp_path / "straight").exit_code == 0
    monkeypatch.setattr(Brittle, "doomed", {env_seed(1, stream, *part): 30 if stream == "env" else 3})
    assert call(files, tmp_path / "out").exit_code == 1
    assert "failed: indices 0-2: 1 of 3 runs have no result" in caplog.text
    assert sorted(results(tmp_path / "out")) == [0, 2]
    assert_same(tmp_path / "out", tmp_path / "straight", [0, 2])
    (failure,) = failures(tmp_path / "out").values()
    assert (failure["run_number"], failure["index"], failure["status"]) == (1, 1, "failed")
    assert failure["reason"] == "its environment raised ArithmeticError: the rope broke"
    assert failure["timesteps_done"] == timestep
    assert failure["traceback"][-1] == "ArithmeticError: the rope broke"

    monkeypatch.setattr(Brittle, "doomed", {})
    assert call(files, tmp_path / "out").exit_code == 0
    assert failures(tmp_path / "out") == {}
    assert_same(tmp_path / "out", tmp_path / "straight", [0, 1, 2])
    names = [{path.name for path in (tmp_path / folder).rglob("*")} for folder in ("out", "straight")]
    assert names[0] == names[1]


def test_a_stack_that_fails_is_recorded_for_each_of_its_runs(files, tmp_path, monkeypatch):
    """Building the stack of runs 0 and 1 runs out of memory; run 2 is trained."""
    build_stack = build.build_stack

    def short_of_memory(experiment, runs, shown):
        if len(runs) == 2:
            raise MemoryError("Unable to allocate 9.31 GiB")
        return build_stack(experiment, runs, shown)

    monkeypatch.setattr(build, "build_stack", short_of_memory)
    assert call(files, tmp_path / "out", "--stack", "2").exit_code == 1
    assert len(results(tmp_path / "out")) == 1
    found = failures(tmp_path / "out")
    reason = "memory ran out (MemoryError: Unable to allocate 9.31 GiB); fewer --jobs, a smaller --stack or smaller "
    assert [found[run]["reason"] for run in sorted(found)] == [f"{reason}hyperparameters need less"] * 2
    assert all(failure["traceback"][0] == "Traceback (most recent call last):" for failure in found.values())


def test_a_killed_process_is_recorded_by_its_parent(tmp_path):
    experiment = make_experiment({"env_name": "Pendulum-v1", "total_timesteps": 100, "steps_per_episode": 10,
        "eval_interval_timesteps": 50, "eval_episodes": 1, "gamma": 0.9}, {}, tmp_path)  # fmt: skip
    stacks = [[experiment.run(0), experiment.run(1)], [experiment.run(2)]]
    assert train_stacks(pool_tasks.kill_itself_at_index_0, stacks, 100, 2, Interruption()) == 1
    found = [json.loads(path.read_bytes()) for path in tmp_path.rglob("failures/*.json")]
    assert sorted(failure["index"] for failure in found) == [0, 1]
    assert all(failure["reason"].startswith("its process was killed, as the system does") for failure in found)


def test_a_failure_file_that_cannot_be_written_is_logged(files, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(Brittle, "doomed", {env_seed(1, "env"): 30})
    folder = tmp_path / "out" / NAME
    folder.mkdir(parents=True)
    (folder / "failures").write_text("a file where a folder is to be")
    assert call(files, tmp_path / "out").exit_code == 1
    assert "index 1: failed, and" in caplog.text
    assert sorted(results(tmp_path / "out")) == [0, 2]


@pytest.mark.parametrize(
    ("fail_fast", "ends", "found"),
    [
        (False, [("2 of 8 runs", 0)] * 2, ["", ""]),
        (False, [("8 of 8 runs", 0), ("7 of 7 runs", 0), ("8 of 8 runs", 0)], ["", "", "alike"]),
        (False, [("8 of 8 runs", 0), ("no memory", 0), ("8 of 8 runs", 0), ("no memory", 0)], [""] * 4),
        (False, [("1 of 8 runs", 7)] + [("8 of 8 runs", 0)] * 4, [""] * 5),
        (False, [(None, 8)] + [("8 of 8 runs", 0)] * 4, [""] * 5),
        (True, [(None, 8), ("1 of 8 runs", 7)], ["", "--fail-fast"]),
    ],
    ids=["too few", "alike", "different", "some results", "a success before", "fail fast"],
)
def test_when_a_sweep_ends_early(fail_fast, ends, found):
    limit = FailureLimit(fail_fast, 9)
    reached = [limit.reached(reason, done) for reason, done in ends]
    assert [bool(text) for text in reached] == [bool(text) for text in found]
    assert all(part in text for part, text in zip(found, reached, strict=True))


def test_the_last_stack_ends_no_sweep():
    limit = FailureLimit(True, 1)
    assert limit.reached("a reason", 0) == ""


@pytest.mark.parametrize(
    ("options", "trained", "message"),
    [
        (("--fail-fast",), 1, "--fail-fast: a stack has failed; 4 of 5 stacks were not trained"),
        ((), 3, "the first 3 stacks have all failed alike; 2 of 5 stacks were not trained"),
    ],
)
def test_a_sweep_ends_early(options, trained, message, files, tmp_path, monkeypatch, caplog):
    """Five runs, one in each stack, all of which fail; the exit code is not that of an interruption."""
    monkeypatch.setattr(Brittle, "doomed", {env_seed(run, "env"): 30 for run in range(5)})
    assert call(files, tmp_path / "out", "--runs", "5", "--stack", "1", *options).exit_code == 1
    assert len(failures(tmp_path / "out")) == trained
    assert message in caplog.text
