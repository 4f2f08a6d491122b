"""What of an environment is saved, and what makes it one that cannot be."""

from __future__ import annotations

from collections import deque
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from env import make_env
from env.episodes.snapshot import Unsavable, restore, save
from tests.support.awkward_envs import Drift, lagging
from tests.support.awkward_envs import Unsavable as Clocked


def begun(env: gym.Env[Any, Any], seed: int = 3, steps: int = 7) -> gym.Env[Any, Any]:
    """The environment, some steps into an episode."""
    env.reset(seed=seed)
    rng = np.random.Generator(np.random.PCG64(seed))
    for _ in range(steps):
        env.step(action(env, rng))
    return env


def action(env: gym.Env[Any, Any], rng: np.random.Generator) -> Any:
    space: Any = env.action_space
    if isinstance(space, gym.spaces.Discrete):
        return int(rng.integers(space.n))
    return rng.uniform(space.low, space.high).astype(np.float32)


def future(env: gym.Env[Any, Any], steps: int = 60) -> list[np.ndarray]:
    """What it shows and pays from here on, over the ends of episodes."""
    rng, seen = np.random.Generator(np.random.PCG64(9)), []
    for _ in range(steps):
        obs, reward, terminated, _, _ = env.step(action(env, rng))
        seen += [np.asarray(obs), np.float64(reward)]
        if terminated:
            seen.append(np.asarray(env.reset()[0]))
    return seen


@pytest.mark.parametrize("name", ["Ant-v5", "Humanoid-v5", "HalfCheetah-v5", "Pendulum-v1", "MinAtarFreeway", "Bandit"])
def test_the_state_is_a_copy_and_all_there_is(name):
    env, other = begun(make_env(name)), begun(make_env(name), seed=4, steps=2)
    state = save(env)
    expected = future(env)
    restore(other, state)
    for a, b in zip(expected, future(other), strict=True):
        assert a.tobytes() == b.tobytes()


def test_types_are_kept():
    env = begun(Drift())
    env.mixed = [(1, 2.5), {"a": None, 3: np.float32(0.1)}, np.arange(3, dtype=np.int8), True]
    other = begun(Drift(), seed=1)
    restore(other, save(env))
    assert repr(other.mixed) == repr(env.mixed)
    assert other.mixed[2] is not env.mixed[2]


def test_attributes_that_came_later_are_gone():
    env, other = begun(Drift()), begun(Drift())
    state = save(env)
    other.late = 1
    restore(other, state)
    assert not hasattr(other, "late")


def test_who_looks_on_is_left_alone():
    env, other = begun(make_env("Pendulum-v1")), begun(make_env("Pendulum-v1", render_mode="rgb_array"))
    restore(other, save(env))
    assert other.render_mode == "rgb_array"


def test_wrappers_are_told_by_their_attributes():
    state = save(begun(lagging()))
    assert state["steps"] == {"value": 7}
    assert state["env"]["object"]["limit"] == {"value": 11}
    assert state["env"]["object"]["env"]["object"].keys() == {"_np_random", "_np_random_seed", "place", "path"}


SHARED = np.zeros(3)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"queue": deque([1])}, "Drift.queue is a deque"),
        ({"nested": {"a": [{1, 2}]}}, "Drift.nested contains a set"),
        ({"objects": np.array([None])}, "Drift.objects is an array of objects"),
        ({"lent": np.frombuffer(bytearray(8))}, "Drift.lent is an array of objects, or of memory that it does not own"),
        ({"a": SHARED, "b": SHARED}, "Drift.b occurs in a second place too"),
        ({"a": SHARED[:2], "b": SHARED[1:]}, "Drift.b occurs in a second place too"),
    ],
)
def test_what_cannot_be_saved_is_named(attributes, reason):
    env = begun(Drift())
    vars(env).update(attributes)
    with pytest.raises(Unsavable, match=reason):
        save(env)


def test_an_iterator_cannot_be_saved():
    with pytest.raises(Unsavable, match=r"Unsavable\.clock is a count"):
        save(begun(Clocked()))


def test_the_state_of_another_environment_is_refused():
    with pytest.raises(Unsavable, match="allowed"):
        restore(make_env("HalfCheetah-v5"), save(begun(make_env("Hopper-v5"))))
    with pytest.raises(Unsavable, match="is not MuJoCo's data, as the saved one was"):
        restore(make_env("Pendulum-v1"), save(begun(make_env("Hopper-v5"))))
    with pytest.raises(Unsavable, match="is not an object like the saved one"):
        restore(make_env("Pendulum-v1"), save(begun(make_env("MinAtarBreakout"))))
