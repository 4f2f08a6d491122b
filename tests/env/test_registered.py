"""gymnasium's environments: all of classic control and MuJoCo, and what is said of names that are not there."""

from __future__ import annotations

import re

import gymnasium as gym
import mujoco
import numpy as np
import pytest

from env import EpisodeProtocol, Episodes, UnknownEnvironment, make_env
from env.registered import MUJOCO_CHANGES
from utils.core.errors import suggestion

CLASSIC = [name for name, spec in gym.registry.items() if "envs.classic_control." in str(spec.entry_point)]
RUNNING = [f"{base}-v{version}" for base in MUJOCO_CHANGES for version in (4, 5) if (base, version) != ("Pusher", 4)]
OLD = [name for name in gym.registry if name.rpartition("-")[0] in MUJOCO_CHANGES and name not in RUNNING]


def test_the_lists_are_gymnasiums():
    assert sorted(CLASSIC) == [
        "Acrobot-v1", "CartPole-v0", "CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Pendulum-v1",
    ]  # fmt: skip
    assert set(RUNNING) <= gym.registry.keys()
    assert {name.rpartition("-")[0] for name in OLD} == set(MUJOCO_CHANGES)
    assert {name[-3:] for name in OLD} == {"-v2", "-v3", "-v4"}
    assert mujoco.__version__.startswith("3.")


@pytest.mark.filterwarnings("ignore:.*CartPole-v0 is out of date")
@pytest.mark.parametrize("name", [*CLASSIC, *RUNNING])
def test_it_runs(name):
    episodes = Episodes(make_env(name), EpisodeProtocol(20), seed=0)
    rng, env_ = np.random.default_rng(0), episodes.env
    obs = episodes.reset()
    for _ in range(25):
        assert obs.shape == env_.observation_space.shape
        assert np.isfinite(obs).all()
        if episodes.discrete:
            action = rng.integers(env_.action_space.n, size=1)
        else:
            action = rng.uniform(*episodes.action_bounds)
        obs, _, terminated, truncated = episodes.step(action)
        if terminated or truncated:
            obs = episodes.reset()


@pytest.mark.parametrize("name", [*OLD, "Hopper-v0", "Ant-v1"])
def test_old_mujoco_is_refused_with_what_changed(name):
    base = name.rpartition("-")[0]
    with pytest.raises(ValueError, match=rf"'{name}' cannot be made .* allowed: '{base}-v5' \(new in it: ") as caught:
        make_env(name)
    assert "\n" not in str(caught.value)
    assert MUJOCO_CHANGES[base] in str(caught.value)
    assert (f"or '{base}-v4'" in str(caught.value)) == (base != "Pusher")


def test_what_v5_changed():
    """The changes that the messages name, seen."""
    sizes = {n: make_env(n).observation_space.shape[0] for n in ("Ant-v4", "Ant-v5", "Reacher-v4", "Reacher-v5")}
    assert sizes == {"Ant-v4": 27, "Ant-v5": 105, "Reacher-v4": 11, "Reacher-v5": 10}
    frictions = [make_env(name).model.geom("foot_left_geom").friction[0] for name in ("Walker2d-v4", "Walker2d-v5")]
    assert frictions == [1.9, 1.9]
    assert make_env("Walker2d-v4").model.geom("foot_geom").friction[0] == 0.9
    assert make_env("Walker2d-v5").model.geom("foot_geom").friction[0] == 1.9
    for name, alive in (("InvertedPendulum-v4", 1.0), ("InvertedPendulum-v5", 0.0)):
        fallen = Episodes(make_env(name), EpisodeProtocol(10, start_state=[0.0, 0.5, 0.0, 0.0]), seed=0)
        fallen.reset()
        assert fallen.step(np.zeros(1))[1:3] == (alive, True)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("MinAtarBreakot", "MinAtarBreakout"),
        ("MinAtar/Breakout-v1", "MinAtarBreakout"),
        ("puddleworld", "PuddleWorld-v1"),
        ("Hopper", "Hopper-v5"),
        ("Pendulum-v11", "Pendulum-v1"),
        ("cgw", "CGW"),
        ("MountainCarContinuous-v1", "MountainCarContinuous-v0"),
    ],
)
def test_of_an_unknown_name_the_nearest_is_among_those_allowed(name, near):
    with pytest.raises(UnknownEnvironment, match=rf"'{re.escape(name)}' cannot be made") as caught:
        make_env(name)
    assert suggestion(caught.value.name, caught.value.allowed) == f"; did you mean '{near}'?"


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        ("Ant-v5", {"xml_file": "nothing.xml"}, "nothing.xml does not exist"),
        ("FrozenLake-v1", {"map_name": "9x9"}, "9x9"),
        ("Pendulum-v1", {"gravity": 9.8}, "unexpected keyword argument 'gravity'"),
        ("nowhere:Nothing-v0", {}, "No module named 'nowhere'"),
    ],
)
def test_arguments_that_it_does_not_take(name, kwargs, message):
    with pytest.raises(ValueError, match=f"'{name}' cannot be made with .*{message}"):
        make_env(name, **kwargs)


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        ("Bimodal", {"reward_variance": "no"}, "env_kwargs.reward_variance: found 'no'; allowed: true or false"),
        ("MinAtarAsterix", {"difficulty_ramping": 1}, "env_kwargs.difficulty_ramping: found 1; allowed: true or"),
        ("ContinuousGridWorld", {"noise": True}, "env_kwargs.noise: found True; allowed: neither true nor false"),
    ],
)
def test_true_and_false_are_for_flags(name, kwargs, message):
    with pytest.raises(ValueError, match=message):
        make_env(name, **kwargs)
