"""A run's bits do not depend on the other runs of its stack, on its slot, or on when it is evaluated."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.support.experiments import assert_same_bits, make_experiment, train

PENDULUM = {
    "env_name": "Pendulum-v1",
    "total_timesteps": 150,
    "steps_per_episode": 40,
    "eval_interval_timesteps": 70,
    "eval_episodes": 2,
    "gamma": 0.99,
    "record": ["train_states", "train_actions", "train_rewards", "eval_states", "update_actions"],
}
CHEETAH = PENDULUM | {"env_name": "HalfCheetah-v5"}
CARTPOLE = PENDULUM | {"env_name": "CartPole-v1", "eval_policy": "sample"}

MIXED = {
    "critic_lr": [1e-3, 1e-2],
    "alpha": [0.01, 0.5],
    "tau": [0.01, 1.0],
    "actor_lr_scale": [1.0, 0.1],
    "clip_stddev": [1000, 0, 2],
}
"""48 settings that can share a stack."""

NEIGHBOURS = {
    2: [49, 0],
    7: [5, 12, 31, 200, 0, 77, 148],
    16: [3, 9, 60, 11, 47, 90, 130, 0, 21, 33, 500, 61, 96, 144, 48, 1],
}
"""Indices of stacks of several sizes, with mixed settings and seeds and with index 0 in various slots."""

VARIANTS = [
    {"policy_type": ["SquashedGaussian"], "double_q": [True], "automatic_entropy_tuning": [False]},
    {"policy_type": ["SquashedGaussian"], "double_q": [False], "automatic_entropy_tuning": [True], "alpha_lr": [1e-2]},
    {"policy_type": ["Gaussian"], "double_q": [True], "automatic_entropy_tuning": [True], "alpha_lr": [1e-2]},
    {"policy_type": ["Gaussian"], "double_q": [False], "automatic_entropy_tuning": [False]},
    {"reparameterized": [False], "num_samples": [3], "baseline_actions": [2], "activation": ["tanh"]},
]

SHORT = {"total_timesteps": 80, "steps_per_episode": 25, "eval_interval_timesteps": 35}
"""Protocol of the tests with many stacks: the largest batch still makes 48 updates."""

ENVIRONMENTS = {"pendulum": PENDULUM, "cheetah": CHEETAH}

SHAPES = {"aligned": (64, 32), "odd": (30, 10)}
"""Hidden units and batch size: one pair of multiples of a cache line, one pair of other numbers."""


def is_slow(environment: str, shape: str, variant: int) -> bool:
    """Return whether a combination is tested with --slow only; the default run has two variants of the cheetah."""
    return environment == "cheetah" and (shape == "aligned" or variant not in (0, len(VARIANTS) - 1))


@pytest.mark.parametrize(
    ("environment", "shape", "variant"),
    [
        pytest.param(*case, id="-".join(map(str, case)), marks=pytest.mark.slow if is_slow(*case) else ())
        for case in itertools.product(ENVIRONMENTS, SHAPES, range(len(VARIANTS)))
    ],
)
def test_a_stack_keeps_every_bit(environment, shape, variant, tmp_path):
    hidden, batch = SHAPES[shape]
    grid = MIXED | VARIANTS[variant] | {"hidden_dim": [hidden], "batch_size": [batch]}
    experiment = make_experiment(ENVIRONMENTS[environment] | SHORT, grid, tmp_path)
    (alone,) = train(experiment, [0])
    for neighbours in NEIGHBOURS.values():
        assert_same_bits(alone, train(experiment, neighbours)[neighbours.index(0)])


def test_the_same_index_twice(tmp_path):
    experiment = make_experiment(PENDULUM, MIXED, tmp_path)
    (first,), (second,) = train(experiment, [7]), train(experiment, [7])
    assert_same_bits(first, second)


def test_different_runs_and_settings_differ(tmp_path):
    """Otherwise, the tests above could pass on constants."""
    experiment = make_experiment(PENDULUM, MIXED, tmp_path)
    records = train(experiment, [0, 1, 48])
    returns = {tuple(record.train_episode_rewards) for record in records}
    assert len(returns) == 3


@pytest.mark.parametrize("eval_policy", ["mode", "sample"])
def test_evaluation_leaves_training_untouched(eval_policy, tmp_path):
    often = PENDULUM | {"eval_policy": eval_policy, "record": ["train_actions"], "diagnostics_interval_timesteps": 50}
    rarely = often | {"eval_interval_timesteps": 1000, "eval_episodes": 0}
    (a,) = train(make_experiment(often, MIXED, tmp_path), [0])
    (b,) = train(make_experiment(rarely, MIXED, tmp_path), [0])
    a.eval_episode_rewards = b.eval_episode_rewards
    a.eval_episode_steps, a.timesteps_at_eval = b.eval_episode_steps, b.timesteps_at_eval
    assert_same_bits(a, b)


def test_an_evaluation_depends_on_its_timestep_only(tmp_path):
    """The evaluation at step 120 is the same whether or not there was one at step 60."""
    base = PENDULUM | {"eval_policy": "sample", "record": []}
    (a,) = train(make_experiment(base | {"eval_interval_timesteps": 60}, MIXED, tmp_path), [0])
    (b,) = train(make_experiment(base | {"eval_interval_timesteps": 120}, MIXED, tmp_path), [0])
    assert a.timesteps_at_eval == [0, 60, 120, 150]
    assert b.timesteps_at_eval == [0, 120, 150]
    assert a.eval_episode_rewards[2:] == b.eval_episode_rewards[1:]


def test_neighbours_that_end_early_leave_no_trace(tmp_path):
    """InvertedPendulum's episodes end at different times, so max_episodes ends runs at different steps."""
    environment = PENDULUM | {"env_name": "InvertedPendulum-v5", "total_timesteps": 80, "max_episodes": 6}
    experiment = make_experiment(environment | {"eval_policy": "sample"}, MIXED, tmp_path)
    indices = [48 * run for run in range(6)]
    together = train(experiment, indices)
    assert len({record.timesteps for record in together}) > 1
    for index, record in zip(indices, together, strict=True):
        assert_same_bits(train(experiment, [index])[0], record)


def test_neighbours_of_a_diverged_run_keep_their_bits(tmp_path):
    grid = {"critic_lr": [1e-3, 1e30], "hidden_dim": [32]}
    experiment = make_experiment(PENDULUM, grid, tmp_path)
    good, bad, other = train(experiment, [0, 1, 2])
    assert (good.status, bad.status, other.status) == ("completed", "diverged", "completed")
    assert bad.nonfinite is not None
    assert bad.diverged_at_timestep == bad.timesteps < 150
    assert_same_bits(train(experiment, [0])[0], good)
    assert_same_bits(train(experiment, [1])[0], bad)
    assert_same_bits(train(experiment, [2])[0], other)


OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "SAC": (
        PENDULUM,
        {"exploration_correlation": [0.0, 0.9], "learning_starts": [20], "normalize_observations": [True]},
    ),
    "GreedyAC": (PENDULUM, {"alpha": [0.01, 0.5]}),
    "VAC": (CHEETAH, {"alpha": [0.01, 0.5], "policy_type": ["Beta"], "num_samples": [8]}),
    "SACDiscrete": (CARTPOLE, {"alpha": [0.01, 0.5]}),
    "GreedyACDiscrete": (CARTPOLE, {"rho": [0.7], "weight_init": ["xavier_uniform", "normal"]}),
    "VACDiscrete": (PENDULUM | {"env_name": "MountainCar-v0", "eval_policy": "sample"}, {"alpha": [0.01, 0.5]}),
}

SLOW = {("VAC", "aligned")}
"""Agents and shapes that take longest: gamma variates for many draws in many states."""


@pytest.mark.parametrize(
    ("agent", "shape"),
    [
        pytest.param(*case, id="-".join(case), marks=pytest.mark.slow if case in SLOW else ())
        for case in itertools.product(OTHERS, SHAPES)
    ],
)
def test_a_stack_of_other_actor_critics_keeps_every_bit(agent, shape, tmp_path):
    environment, own = OTHERS[agent]
    hidden, batch = SHAPES[shape]
    common = {name: values for name, values in MIXED.items() if name not in ("alpha", "clip_stddev")}
    grid = common | own | {"hidden_dim": [hidden], "batch_size": [batch]}
    experiment = make_experiment(environment | SHORT, grid, tmp_path, agent)
    (alone,) = train(experiment, [0])
    for neighbours in NEIGHBOURS.values():
        assert_same_bits(alone, train(experiment, neighbours)[neighbours.index(0)])


LINEAR = {
    "decay": [0.9, 0.0, 0.5],
    "critic_lr": [0.1, 0.01],
    "actor_lr": [0.01, 0.001],
    "avg_reward_lr": [0.01, 0.0],
    "scaled": [True, False],
    "clip_stddev": [1000, 1.5],
}
"""96 settings that can share a stack."""

LINEAR_CASES = {
    "dense": ("linearAC", PENDULUM, {}),
    "odd": ("linearAC", PENDULUM | {"env_name": "MountainCarContinuous-v0"}, {"tilings": [7], "tiles": [5]}),
    "one tiling": ("linearAC", PENDULUM | {"eval_policy": "sample"}, {"tilings": [1], "tiles": [3]}),
    "raw": ("linearAC", PENDULUM | {"use_tile_coding": False}, {}),
    "hashed": ("linearAC", CHEETAH, {}),
    "softmax": ("linearAC_softmax", PENDULUM | {"env_name": "MountainCar-v0"}, {}),
    "sparse": ("linearAC_softmax", PENDULUM | {"env_name": "CartPole-v1", "eval_policy": "sample"}, {}),
}


@pytest.mark.parametrize("case", LINEAR_CASES)
def test_a_stack_of_linear_learners_keeps_every_bit(case, tmp_path):
    agent, environment, changes = LINEAR_CASES[case]
    experiment = make_experiment(environment | SHORT, LINEAR | changes, tmp_path, agent)
    (alone,) = train(experiment, [0])
    assert alone.learned_params["critic/value"].any()
    for neighbours in NEIGHBOURS.values():
        assert_same_bits(alone, train(experiment, neighbours)[neighbours.index(0)])


@pytest.mark.parametrize(("agent", "env_name"), [("linearAC", "Pendulum-v1"), ("linearAC_softmax", "CartPole-v1")])
def test_a_diverged_linear_learner_leaves_its_neighbours_alone(agent, env_name, tmp_path):
    grid = {"critic_lr": [0.1, 1e200], "actor_lr": [0.01]}
    experiment = make_experiment(PENDULUM | {"env_name": env_name}, grid, tmp_path, agent)
    good, bad, other = train(experiment, [0, 1, 2])
    assert (good.status, bad.status, other.status) == ("completed", "diverged", "completed")
    for index, record in enumerate((good, bad, other)):
        assert_same_bits(train(experiment, [index])[0], record)
