"""The three gridworlds: the same walk with three kinds of observation."""

from __future__ import annotations

import numpy as np
import pytest

from env import EpisodeProtocol, Episodes, make_env

LEFT, RIGHT, UP, DOWN = range(4)
SIZE = {"rows": 2, "cols": 3}


def one_hot(index: int) -> list[float]:
    return [float(i == index) for i in range(6)]


def walk(name: str, actions: list[int]):
    """Return obs, reward and terminated of each step of a walk over the 2 by 3 grid."""
    env = make_env(name, **SIZE)
    env.reset(seed=0)
    return [env.step(action)[:3] for action in actions]


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("Gridworld", [one_hot(0), one_hot(0), one_hot(1), one_hot(4), one_hot(4), one_hot(1), one_hot(2)]),
        ("XYGridworld", [[0, 0], [0, 0], [1, 0], [1, 1], [1, 1], [1, 0], [2, 0]]),
        ("IndexGridworld", [[0], [0], [1], [4], [4], [1], [2]]),
    ],
)
def test_a_walk(name, places):
    steps = walk(name, [LEFT, UP, RIGHT, DOWN, DOWN, UP, RIGHT])
    for (obs, reward, terminated), place in zip(steps, places, strict=True):
        np.testing.assert_array_equal(obs, place)
        assert obs.dtype == np.float32
        assert (reward, terminated) == (-1.0, False)


@pytest.mark.parametrize("name", ["Gridworld", "XYGridworld", "IndexGridworld"])
def test_the_goal(name):
    *before, (obs, reward, terminated) = walk(name, [RIGHT, RIGHT, RIGHT, DOWN])
    assert [(reward, terminated) for _, reward, terminated in before] == [(-1.0, False)] * 3
    assert (reward, terminated) == (0.0, True)
    np.testing.assert_array_equal(obs, {"G": one_hot(5), "X": [2, 1], "I": [5]}[name[0]])


@pytest.mark.parametrize(
    ("name", "high"),
    [("Gridworld", [1.0] * 6), ("XYGridworld", [2.0, 1.0]), ("IndexGridworld", [5.0])],
)
def test_observation_bounds(name, high):
    space = make_env(name, **SIZE).observation_space
    np.testing.assert_array_equal(space.high, high)
    np.testing.assert_array_equal(space.low, np.zeros(len(high)))
    assert len(make_env("Gridworld").observation_space.high) == 100


def test_a_start_state():
    episodes = Episodes(make_env("IndexGridworld", **SIZE), EpisodeProtocol(10, start_state=[2.0, 0.0]), seed=0)
    for _ in range(2):
        np.testing.assert_array_equal(episodes.reset(), [2])
        obs, reward, terminated, truncated = episodes.step(np.array([DOWN], np.float32))
        np.testing.assert_array_equal(obs, [5])
        assert (reward, terminated, truncated) == (0.0, True, False)


@pytest.mark.parametrize("size", [{"rows": 0}, {"rows": 1, "cols": 1}, {"rows": 2.5}])
def test_invalid_sizes_are_refused(size):
    with pytest.raises(ValueError, match="'Gridworld' cannot be made with"):
        make_env("Gridworld", **size)
