"""Wrapped environments resume exactly; those that cannot be saved start another episode, and the record states that."""

from __future__ import annotations

import itertools
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from tests.support.awkward_envs import Drift, HiddenClock, make_lagging
from tests.support.experiments import assert_same_bits, make_experiment, train
from tests.support.habits.containers import make_counted
from tests.support.habits.objects import Particles
from tests.support.habits.shared import Curriculum
from tests.support.resuming import CONDITIONS, assert_resumes_exactly, make_loop, restore_loop, run_to, save_checkpoints
from tests.training.test_bits import PENDULUM
from utils.checkpoint.checkpoint import Checkpoint
from utils.training.resume import resume_loop

PROTOCOL = PENDULUM | {"total_timesteps": 90, "steps_per_episode": 23, "eval_interval_timesteps": 40}
SHORT = {"hidden_dim": [16], "batch_size": [8]}


@pytest.fixture(autouse=True)
def _registered():
    made: dict[str, Any] = {
        "Drift-v0": Drift, "Lagging-v0": make_lagging, "HiddenClock-v0": HiddenClock, "Counted-v0": make_counted,
        "Particles-v0": Particles, "Curriculum-v0": Curriculum,
    }  # fmt: skip
    for name, entry_point in made.items():
        gym.register(name, entry_point)
    yield
    for name in made:
        del gym.registry[name]


@pytest.mark.parametrize("name", ["Drift-v0", "Lagging-v0", "Counted-v0", "Particles-v0"])
def test_environments_of_others_and_wrappers_resume_exactly(name, tmp_path):
    experiment = make_experiment(PROTOCOL | {"env_name": name}, SHORT, tmp_path)
    assert_resumes_exactly(experiment, [0, 1], [31, 40, 77], tmp_path)


@pytest.mark.parametrize("agent", ["SAC", "linearAC"])
def test_an_environment_that_cannot_be_saved_starts_another_episode(agent, tmp_path):
    grid = SHORT if agent == "SAC" else {}
    experiment = make_experiment(PROTOCOL | {"env_name": "HiddenClock-v0"}, grid, tmp_path, agent)
    loop = make_loop(experiment, [0, 1])
    run_to(loop, 45)
    save_checkpoints(loop, [0, 1], tmp_path)
    before = [list(record.train_episode_steps) for record in loop.records]
    gone_on = []
    for _ in range(2):
        resumed = make_loop(experiment, [0, 1])
        reasons = resume_loop(resumed, [Checkpoint(tmp_path / str(i), CONDITIONS).load() for i in (0, 1)])
        assert reasons == dict.fromkeys((0, 1), "HiddenClock.clock is a count")
        np.testing.assert_array_equal(resumed.stack.envs.obs, [[0, 0], [0, 0]])
        for steps, record in zip(before, resumed.records, strict=True):
            assert record.train_episode_steps[: len(steps)] == steps
            assert sum(record.train_episode_steps) == 45
        if agent == "linearAC":
            assert not resumed.stack.agent.traces.to_dense().any()
        gone_on.append(resumed.run())
    for first, second, straight in zip(*gone_on, train(experiment, [0, 1]), strict=True):
        assert_same_bits(first, second)
        assert first.resume_provenance() == {"resume": "approximate", "resumed_at": [45]}
        assert sum(first.train_episode_steps) == 90
        assert first.timesteps_at_eval == [0, 40, 80, 90]
        assert first.eval_episode_rewards[:2] == straight.eval_episode_rewards[:2]


def test_an_abandoned_evaluation_leaves_no_trace_in_its_environments(tmp_path):
    experiment = make_experiment(PROTOCOL | {"env_name": "Counted-v0"}, SHORT, tmp_path)
    straight = train(experiment, [0, 1])
    loop, left = make_loop(experiment, [0, 1]), iter(range(30))
    run_to(loop, 60)
    loop.interrupted = lambda: next(left, None) is None
    loop.run()
    assert loop.timestep == 80
    assert loop.records[0].timesteps_at_eval == [0, 40]
    save_checkpoints(loop, [0, 1], tmp_path)
    resumed = restore_loop(experiment, [0, 1], tmp_path).run()
    loop.interrupted = bool
    for records in (resumed, loop.run()):  # The latter repeats the evaluation in the same process.
        for record, expected in zip(records, straight, strict=True):
            assert_same_bits(expected, record)


def test_an_evaluation_environment_that_cannot_be_restored_makes_the_run_inexact(tmp_path, caplog):
    experiment = make_experiment(PROTOCOL | {"env_name": "Drift-v0"}, SHORT, tmp_path)
    loop = make_loop(experiment, [0])
    run_to(loop, 45)
    loop.stack.eval_envs.envs[0].env.unwrapped.clock = itertools.count()
    save_checkpoints(loop, [0], tmp_path)
    resumed = restore_loop(experiment, [0], tmp_path)
    assert "slot 0: its evaluation environment cannot be restored (Drift.clock is a count)" in caplog.text
    assert resumed.run()[0].resume_provenance() == {"resume": "approximate", "resumed_at": [45]}


def test_state_of_a_class_makes_the_run_inexact(tmp_path):
    experiment = make_experiment(PROTOCOL | {"env_name": "Curriculum-v0"}, SHORT, tmp_path)
    loop = make_loop(experiment, [0])
    run_to(loop, 45)
    save_checkpoints(loop, [0], tmp_path)
    resumed = make_loop(experiment, [0])
    reasons = resume_loop(resumed, [Checkpoint(tmp_path / "0", CONDITIONS).load()])
    name = "tests.support.habits.shared.Curriculum.begun"
    assert reasons == {0: f"{name}, which environments share, has changed"}
    assert resumed.run()[0].resume_provenance() == {"resume": "approximate", "resumed_at": [45]}
