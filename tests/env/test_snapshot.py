"""Snapshots: the attributes that are saved, and those that make an environment unsavable."""

from __future__ import annotations

import threading
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from env import make_env
from env.episodes.snapshot import Unsavable, restore, save
from env.episodes.snapshot.reader import Reader
from tests.support.awkward_envs import Drift, HiddenClock, make_lagging
from tests.support.habits.libraries import BodyMoved


def run_steps(env: gym.Env[Any, Any], seed: int = 3, steps: int = 7) -> gym.Env[Any, Any]:
    """Return the environment some steps into an episode."""
    env.reset(seed=seed)
    rng = np.random.Generator(np.random.PCG64(seed))
    for _ in range(steps):
        env.step(draw_action(env, rng))
    return env


def draw_action(env: gym.Env[Any, Any], rng: np.random.Generator) -> Any:
    space: Any = env.action_space
    if isinstance(space, gym.spaces.Discrete):
        return int(rng.integers(space.n))
    return rng.uniform(space.low, space.high).astype(np.float32)


def next_steps(env: gym.Env[Any, Any], steps: int = 60) -> list[np.ndarray]:
    """Return the observations and rewards of the next steps, across episodes."""
    rng = np.random.Generator(np.random.PCG64(9))
    seen: list[Any] = []
    for _ in range(steps):
        obs, reward, terminated, _, _ = env.step(draw_action(env, rng))
        seen += [np.asarray(obs), np.float64(reward)]
        if terminated:
            seen.append(np.asarray(env.reset()[0]))
    return seen


@pytest.mark.parametrize("name", ["Ant-v5", "Humanoid-v5", "HalfCheetah-v5", "Pendulum-v1", "MinAtarFreeway", "Bandit"])
def test_the_saved_state_is_a_copy_and_complete(name):
    env, other = run_steps(make_env(name)), run_steps(make_env(name), seed=4, steps=2)
    state = save(env)
    expected = next_steps(env)
    restore(other, state)
    for a, b in zip(expected, next_steps(other), strict=True):
        assert a.tobytes() == b.tobytes()


def test_types_are_kept():
    env = run_steps(Drift())
    env.mixed = [(1, 2.5), {"a": None, 3: np.float32(0.1)}, np.arange(3, dtype=np.int8), True]
    other = run_steps(Drift(), seed=1)
    restore(other, save(env))
    assert repr(other.mixed) == repr(env.mixed)
    assert other.mixed[2] is not env.mixed[2]


def test_restoring_removes_later_attributes():
    env, other = run_steps(Drift()), run_steps(Drift())
    state = save(env)
    other.late = 1
    restore(other, state)
    assert not hasattr(other, "late")


def test_the_render_mode_is_not_restored():
    env, other = run_steps(make_env("Pendulum-v1")), run_steps(make_env("Pendulum-v1", render_mode="rgb_array"))
    restore(other, save(env))
    assert other.render_mode == "rgb_array"


def test_wrappers_are_saved_by_their_attributes():
    state = save(run_steps(make_lagging()))
    outer, inner, innermost = [node[1][1] for node in state["nodes"] if node[0] == "environment"]
    assert outer["steps"] == 7
    assert (outer["limit"], inner["limit"]) == (13, 11)
    assert innermost.keys() == {"_np_random", "_np_random_seed", "place", "path"}


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"nested": {"a": [{1: iter(())}]}}, r"Drift\.nested\['a'\]\[0\]\[1\] is a tuple_iterator"),
        ({"objects": np.array([None, 1])[1:]}, "Drift.objects is an array of objects"),
        ({"lent": np.frombuffer(bytearray(8))}, "Drift.lent is an array of objects, or of memory that it does not own"),
        ({"grown": np.lib.stride_tricks.as_strided(np.zeros(9), (3,), (16,)).view(np.recarray)}, "is a recarray"),
        ({"thread": threading.Thread()}, "Drift.thread is a Thread"),
        ({"error": ValueError("no")}, "Drift.error is a ValueError"),
    ],
)
def test_the_error_names_the_unsavable_attribute(attributes, reason):
    env = run_steps(Drift())
    vars(env).update(attributes)
    with pytest.raises(Unsavable, match=reason):
        save(env)


def test_an_iterator_cannot_be_saved():
    with pytest.raises(Unsavable, match=r"HiddenClock\.clock is a count"):
        save(run_steps(HiddenClock()))


def make_bodies() -> tuple[Any, Any]:
    env: Any = run_steps(BodyMoved())
    return env.model, env.data


def test_the_state_of_another_environment_is_refused():
    with pytest.raises(Unsavable, match=r"is a .*\.HalfCheetahEnv; the saved one was .*\.HopperEnv"):
        restore(make_env("HalfCheetah-v5"), save(run_steps(make_env("Hopper-v5"))))
    hopper, other = run_steps(make_env("Hopper-v5")), make_env("Hopper-v5")
    other.unwrapped.model = None
    with pytest.raises(Unsavable, match=r"HopperEnv\.model is a builtins\.NoneType; the saved one was MuJoCo's model"):
        Reader(other, save(hopper)).restore()
    other.unwrapped.model, other.unwrapped.data = make_bodies()
    with pytest.raises(Unsavable, match=r"HopperEnv\.model: the saved model has other bodies, joints or geometries"):
        Reader(other, save(hopper)).restore()
    state = save(run_steps(make_env("Hopper-v5")))
    (model,) = [node[1] for node in state["nodes"] if node[0] == "model"]
    model["large"] = dict.fromkeys(model["large"], "0")
    with pytest.raises(Unsavable, match=r"HopperEnv\.model: the saved model has other values of tex_data"):
        restore(make_env("Hopper-v5"), state)
