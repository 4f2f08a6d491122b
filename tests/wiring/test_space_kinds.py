"""Every kind of observations and actions that is converted, trained: alone as in a stack, and resumed exactly."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from tests.support.experiments import assert_same_bits, make_experiment, train
from tests.support.resuming import assert_resumes_exactly
from tests.support.space_envs import ACCEPTED, Both, Counts, Gears, Matrix, Switches, Tray, TwoRewards
from utils.core.errors import BadInput
from utils.wiring.environments import build_env, check_environment

PROTOCOL = {
    "total_timesteps": 70, "steps_per_episode": 19, "eval_interval_timesteps": 30, "eval_episodes": 2, "gamma": 0.9,
    "record": ["train_states", "train_actions", "train_rewards", "eval_states"],
}  # fmt: skip
SMALL = {"hidden_dim": [8], "batch_size": [8], "critic_lr": [1e-3, 1e-2]}


@pytest.fixture(autouse=True)
def _registered():
    made: dict[str, Any] = ACCEPTED | {"TwoRewards": TwoRewards}
    for name, kind in made.items():
        gym.register(f"{name}-v0", kind)
    yield
    for name in made:
        del gym.registry[f"{name}-v0"]


def experiment_on(kind: type[Tray], tmp_path, **protocol):
    discrete = not isinstance(kind.action_space, gym.spaces.Box)
    environment = PROTOCOL | {"env_name": f"{kind.__name__}-v0"} | protocol
    return make_experiment(environment, SMALL, tmp_path, "SACDiscrete" if discrete else "SAC")


@pytest.mark.parametrize("name", ACCEPTED)
def test_it_trains_alone_as_in_a_stack_and_resumes_exactly(name, tmp_path):
    """The check before training finds nothing, and every state lies in the converted space."""
    experiment = experiment_on(ACCEPTED[name], tmp_path)
    check = check_environment(experiment)
    assert (check.notes, check.deterministic, check.exact_resume) == ((), True, True)
    records = assert_resumes_exactly(experiment, [0, 1, 2], [25, 47], tmp_path)
    assert_same_bits(train(experiment, [1])[0], records[1])
    assert [record.timesteps for record in records] == [70] * 3
    states = np.array(records[0].arrays["train_states"])
    space: Any = build_env(experiment, 0).env.observation_space
    assert states.shape[1:] == space.shape == (check.space_sizes[0],)
    assert (space.low <= states).all()
    assert (states <= space.high).all()


@pytest.mark.parametrize(
    ("kind", "sizes"), [(Both, (17, 1)), (Matrix, (1, 6)), (Gears, (1, 2)), (Switches, (1, 1)), (Counts, (5, 1))]
)
def test_the_sizes_that_a_learner_sees(kind, sizes, tmp_path):
    assert check_environment(experiment_on(kind, tmp_path)).space_sizes == sizes


def test_the_recorded_actions_are_the_agents(tmp_path):
    """Indices of joint actions; real numbers where the environment gets integers."""
    (joint,) = train(experiment_on(Switches, tmp_path), [0])
    indices = np.array(joint.arrays["train_actions"])
    assert indices.shape == (70, 1)
    assert set(np.unique(indices)) <= set(range(16))
    (gears,) = train(experiment_on(Gears, tmp_path), [0])
    actions = np.array(gears.arrays["train_actions"])
    assert actions.shape == (70, 2)
    assert (actions != np.rint(actions)).any()


def test_several_rewards_are_refused_before_training(tmp_path):
    message = (
        r"^environment\.json: env_name: 'TwoRewards-v0' fails as configured \(WrongReturn: TwoRewards\.step returned "
        r"as reward an array of shape \(2,\) and dtype float32; allowed: a number; .*LinearReward"
    )
    with pytest.raises(BadInput, match=message):
        check_environment(experiment_on(TwoRewards, tmp_path))


def test_overwritten_rewards_take_their_place(tmp_path):
    rules = {"overwrite_rewards": True, "rewards": {"timestep": -1.0, "goal": 0.0}}
    (record,) = train(experiment_on(TwoRewards, tmp_path, **rules), [0])
    assert set(np.ravel(record.arrays["train_rewards"])) <= {-1.0, 0.0}
