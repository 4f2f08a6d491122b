"""A run that was interrupted and resumed has the same bits as an uninterrupted run."""

from __future__ import annotations

from typing import Any

import pytest

from agent.replay.chained_buffer import ChainedReplay
from tests.support.experiments import assert_same_bits, make_experiment, train
from tests.support.resuming import (
    assert_resumes_exactly,
    make_loop,
    restore_loop,
    run_to,
    save_checkpoints,
    train_in_parts,
)
from tests.training.test_bits import CARTPOLE, CHEETAH, MIXED, PENDULUM

SHORT = {"hidden_dim": [16], "batch_size": [8]}
FEW_UPDATES = SHORT | {"batch_size": [64]}
ALL_ARRAYS = [
    "train_states", "train_actions", "train_rewards", "eval_states",
    "update_states", "update_actions", "update_rewards", "update_next_states",
]  # fmt: skip

PROTOCOL = PENDULUM | {"total_timesteps": 90, "steps_per_episode": 23, "eval_interval_timesteps": 40}

BOX_ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "Pendulum-v0": {}, "PendulumPenalty-v0": {}, "MountainCarShaped": {}, "ContinuousCartpole-v0": {},
    "Acrobot-v1": {"continuous": True}, "PuddleWorld-v1": {}, "ContinuousGridWorld": {"env_kwargs": {"noise": 0.1}},
    "Bimodal": {}, "Pendulum-v1": {}, "MountainCarContinuous-v0": {},
    "HalfCheetah-v5": {}, "Hopper-v5": {}, "Ant-v5": {}, "Humanoid-v5": {}, "Reacher-v5": {}, "Swimmer-v5": {},
    "Walker2d-v5": {}, "InvertedPendulum-v5": {}, "HalfCheetah-v4": {}, "Hopper-v4": {}, "Ant-v4": {},
    "Humanoid-v4": {},
}  # fmt: skip

DISCRETE_ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "Pendulum-v0": {"continuous": False}, "CartPole-v1": {}, "Acrobot-v1": {}, "MountainCar-v0": {},
    "Bandit": {}, "Gridworld": {}, "XYGridworld": {}, "PuddleWorld-v1": {"continuous": False},
    "MinAtarAsterix": {}, "MinAtarBreakout": {}, "MinAtarFreeway": {}, "MinAtarSeaquest": {},
    "MinAtarSpaceInvaders": {}, "FrozenLake-v1": {},
}  # fmt: skip


SLOW = {"Ant-v5", "Humanoid-v5", "Reacher-v5", "Swimmer-v5", "Walker2d-v5", "HalfCheetah-v4", "Ant-v4", "Humanoid-v4"}
"""MuJoCo environments that are tested with --slow only; others of their kind are always tested."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in BOX_ENVIRONMENTS]
)
def test_every_environment_with_a_box(name, tmp_path):
    """Interrupt within episodes, at an evaluation's timestep, and twice."""
    protocol = PROTOCOL | {"env_name": name} | BOX_ENVIRONMENTS[name]
    assert_resumes_exactly(make_experiment(protocol, FEW_UPDATES, tmp_path), [0, 1], [31, 40, 77], tmp_path)


@pytest.mark.parametrize("name", DISCRETE_ENVIRONMENTS)
def test_every_environment_with_discrete_actions(name, tmp_path):
    protocol = PROTOCOL | {"env_name": name} | DISCRETE_ENVIRONMENTS[name]
    experiment = make_experiment(protocol, FEW_UPDATES, tmp_path, "SACDiscrete")
    assert_resumes_exactly(experiment, [0, 1], [31, 40, 77], tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"env_name": "Pendulum-v0", "start_state": [0.5, 0.0], "bootstrap_on_truncation": False},
        {"env_name": "Hopper-v5", "start_state": [0.0, 1.25] + [0.0] * 10, "env_kwargs": {"frame_skip": 2}},
        {"env_name": "Pendulum-v1", "overwrite_rewards": True, "rewards": {"timestep": -1.0, "goal": 0.0}},
        {"env_name": "Bimodal", "steps_per_episode": 1, "max_episodes": 60},
    ],
    ids=["start", "physics", "rewards", "one step"],
)
def test_protocols(changes, tmp_path):
    assert_resumes_exactly(make_experiment(PROTOCOL | changes, SHORT, tmp_path), [0, 1], [31, 40, 59], tmp_path)


AGENTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "SAC": (PENDULUM, {"automatic_entropy_tuning": [True], "alpha_lr": [1e-2], "target_update_interval": [3]}),
    "SAC likelihood ratio": (CHEETAH, {"reparameterized": [False], "num_samples": [3], "baseline_actions": [2]}),
    "SAC gamma noise": (PENDULUM, {"policy_type": ["Beta"]}),
    "SAC one critic": (PENDULUM, {"double_q": [False], "policy_type": ["GaussianMixture"], "reparameterized": [False]}),
    "SAC Student": (PENDULUM, {"policy_type": ["Student"]}),
    "SAC n-step": (PENDULUM, {"n_step": [3]}),
    "SAC layer normalization": (PENDULUM, {"layer_norm": [True]}),
    "SAC exploring": (
        PENDULUM,
        {"learning_starts": [20], "normalize_observations": [True], "exploration_correlation": [0.0, 0.5, 0.9]},
    ),
    "GreedyAC": (PENDULUM, {}),
    "VAC": (PENDULUM, {}),
    "SACDiscrete": (CARTPOLE, {}),
    "GreedyACDiscrete": (CARTPOLE, {}),
    "VACDiscrete": (CARTPOLE, {}),
}


@pytest.mark.parametrize("case", AGENTS)
def test_every_actor_critic(case, tmp_path):
    """Interrupt before the first update, at it, when the replay buffer is full, and after it has been filled twice."""
    protocol, hyperparameters = AGENTS[case]
    protocol = protocol | {"record": ALL_ARRAYS, "total_timesteps": 100}
    ring = {"batch_size": [8], "replay_capacity": [30], "hidden_dim": [16]}
    experiment = make_experiment(protocol, ring | hyperparameters, tmp_path, case.split(maxsplit=1)[0])
    assert_resumes_exactly(experiment, [0, 1, 2], [5, 8, 30, 47, 91], tmp_path)


@pytest.mark.parametrize("agent", ["SAC", "SACDiscrete"])
def test_chained_rows(agent, tmp_path, monkeypatch):
    """Chained rows give the same bits as whole rows, interrupted anywhere, also at ends of episodes."""
    protocol = (PENDULUM | {"steps_per_episode": 10} if agent == "SAC" else CARTPOLE) | {"record": ALL_ARRAYS}
    ring = {"batch_size": [8], "replay_capacity": [30], "hidden_dim": [16]}
    experiment = make_experiment(protocol, ring, tmp_path, agent)
    whole = train(experiment, [0, 1, 2])
    monkeypatch.setattr("agent.replay.layout.MAX_WHOLE_ROWS_BYTES", 0)
    parts = assert_resumes_exactly(experiment, [0, 1, 2], [5, 29, 30, 31, 47, 60], tmp_path)
    for one, other in zip(whole, parts, strict=True):
        assert_same_bits(one, other)


def test_a_checkpoint_of_one_layout_in_the_other(tmp_path, monkeypatch):
    experiment = make_experiment(PROTOCOL, SHORT | {"replay_capacity": [20]}, tmp_path)
    for stop, large in ((27, 0), (38, 2**26)):
        monkeypatch.setattr("agent.replay.layout.MAX_WHOLE_ROWS_BYTES", large)
        loop = make_loop(experiment, [0, 1]) if stop == 27 else restore_loop(experiment, [0, 1], tmp_path)
        assert isinstance(loop.stack.agent.replay, ChainedReplay) is (large == 0)
        run_to(loop, stop)
        save_checkpoints(loop, [0, 1], tmp_path)
    monkeypatch.setattr("agent.replay.layout.MAX_WHOLE_ROWS_BYTES", 0)
    for straight, record in zip(
        train(experiment, [0, 1]), restore_loop(experiment, [0, 1], tmp_path).run(), strict=True
    ):
        assert_same_bits(straight, record)


LINEAR_AGENTS = {
    "dense": ("linearAC", PENDULUM, {}),
    "sparse": ("linearAC_softmax", CARTPOLE, {}),
    "hashed": ("linearAC", CHEETAH, {"decay": [0.5, 0.9]}),
    "random": ("Random", CARTPOLE, None),
}


@pytest.mark.parametrize("case", LINEAR_AGENTS)
def test_every_other_agent(case, tmp_path):
    agent, protocol, hyperparameters = LINEAR_AGENTS[case]
    grid = {} if hyperparameters is None else {"decay": [0.9, 0.0], "critic_lr": [0.1, 0.01]} | hyperparameters
    experiment = make_experiment(protocol, grid, tmp_path, agent)
    assert_resumes_exactly(experiment, [0, 1, 2], [1, 63, 64, 110], tmp_path)


def test_at_the_very_beginning_and_before_the_last_evaluation(tmp_path):
    """At timestep 0, the first evaluation has been made; at the last timestep, training is over."""
    experiment = make_experiment(PROTOCOL, SHORT, tmp_path)
    assert_resumes_exactly(experiment, [0, 1], [0, 89], tmp_path)


@pytest.mark.parametrize("at", [0, 40, 90], ids=["first", "amid", "last"])
@pytest.mark.parametrize("polls", [1, 25])
def test_an_abandoned_evaluation_is_repeated(at, polls, tmp_path):
    experiment = make_experiment(PROTOCOL | {"eval_policy": "sample"}, SHORT, tmp_path)
    loop = make_loop(experiment, [0, 1])
    left = iter(range(polls))
    loop.interrupted = lambda: loop.timestep == at and next(left, None) is None
    run_to(loop, 91)
    assert loop.timestep == at
    assert all(at not in record.timesteps_at_eval for record in loop.records)
    save_checkpoints(loop, [0, 1], tmp_path)
    for straight, record in zip(
        train(experiment, [0, 1]), restore_loop(experiment, [0, 1], tmp_path).run(), strict=True
    ):
        assert_same_bits(straight, record)


def test_with_other_neighbours_and_in_other_slots(tmp_path):
    """Runs of two stacks at the same timestep are resumed in two other stacks."""
    grid = MIXED | {"hidden_dim": [16], "batch_size": [8], "replay_capacity": [50]}
    experiment = make_experiment(PENDULUM, grid, tmp_path)
    for indices in ([0, 5, 60], [7, 49, 100]):
        loop = make_loop(experiment, indices)
        run_to(loop, 83)
        save_checkpoints(loop, indices, tmp_path)
    for indices in ([49, 60, 0, 7], [100, 5]):
        for index, record in zip(indices, restore_loop(experiment, indices, tmp_path).run(), strict=True):
            assert_same_bits(train(experiment, [index])[0], record)


@pytest.mark.parametrize("agent", ["linearAC", "linearAC_softmax"])
def test_linear_learners_with_other_neighbours(agent, tmp_path):
    protocol = (PENDULUM if agent == "linearAC" else CARTPOLE) | {"total_timesteps": 100}
    experiment = make_experiment(protocol, {"decay": [0.9, 0.5], "actor_lr": [0.01, 0.001]}, tmp_path, agent)
    loop = make_loop(experiment, [0, 1, 2, 3])
    run_to(loop, 55)
    save_checkpoints(loop, [0, 1, 2, 3], tmp_path)
    for indices in ([3, 0], [1, 2]):
        for index, record in zip(indices, restore_loop(experiment, indices, tmp_path).run(), strict=True):
            assert_same_bits(train(experiment, [index])[0], record)


def test_runs_at_different_timesteps_share_no_stack(tmp_path):
    experiment = make_experiment(PROTOCOL, SHORT, tmp_path)
    for index, stop in ((0, 20), (1, 21)):
        loop = make_loop(experiment, [index])
        run_to(loop, stop)
        save_checkpoints(loop, [index], tmp_path)
    with pytest.raises(ValueError, match=r"runs at timesteps \[20, 21\]; allowed in one stack: one timestep"):
        restore_loop(experiment, [0, 1], tmp_path)


def test_after_a_neighbour_diverged(tmp_path):
    experiment = make_experiment(PENDULUM, SHORT | {"critic_lr": [1e-3, 1e30]}, tmp_path)
    _, bad, _ = assert_resumes_exactly(experiment, [0, 1, 2], [20, 70], tmp_path)
    assert bad.status == "diverged"
    assert bad.diverged_at_timestep is not None
    assert not (tmp_path / "1").exists() or bad.diverged_at_timestep > 20


def test_after_a_neighbour_finished(tmp_path):
    protocol = PENDULUM | {"env_name": "InvertedPendulum-v5", "total_timesteps": 80, "max_episodes": 6}
    experiment = make_experiment(protocol | {"eval_policy": "sample"}, SHORT, tmp_path)
    ends = sorted({record.timesteps for record in train(experiment, list(range(6)))})
    assert len(ends) > 2
    assert_resumes_exactly(experiment, list(range(6)), [ends[0], ends[1] + 1], tmp_path)


def test_long_lists_of_episodes_are_written_once(tmp_path, monkeypatch):
    """Lists are long from ten episodes. Every step is an episode here, so three checkpoints add 20, 9 and 31."""
    monkeypatch.setattr("utils.training.run_record.MANY_EPISODES", 10)
    experiment = make_experiment(PROTOCOL | {"env_name": "Bimodal"}, SHORT, tmp_path)
    assert_resumes_exactly(experiment, [0, 1], [5, 20, 29, 60], tmp_path)
    for name in ("rewards", "steps"):
        assert (tmp_path / f"0/record.train_episode_{name}.0.rows").stat().st_size == 8 * 60


def test_a_record_states_where_it_was_resumed(tmp_path):
    experiment = make_experiment(PROTOCOL, SHORT, tmp_path)
    (record,) = train_in_parts(experiment, [0], [31, 77], tmp_path)
    assert record.resume_provenance() == {"resume": "exact", "resumed_at": [31, 77]}
    (straight,) = train(experiment, [0])
    assert straight.resume_provenance() == {"resume": None, "resumed_at": []}
