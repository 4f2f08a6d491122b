"""Observations as one flat float32 vector: one-hot, images, vectors, and what is refused."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, Tuple

import env
from env import EnvEntry, EpisodeBatch, EpisodeProtocol, Episodes, make_env


class Shows(gym.Env):
    """An environment whose observations are `values` in turn; its state is the position among them."""

    action_space = Discrete(2)

    def __init__(self, space: gym.Space, values: list[Any]) -> None:
        self.observation_space, self.values = space, values

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = np.zeros(1)
        return self._get_obs(), {}

    def step(self, action):
        self.state = self.state + 1
        return self._get_obs(), 0.0, False, False, {}

    def _get_obs(self):
        return self.values[int(self.state[0])]


IMAGES = [np.arange(12, dtype=np.uint8).reshape(2, 2, 3) * scale for scale in (1, 20)]
CASES: dict[str, Any] = {
    "image": (Box(0, 255, (2, 2, 3), np.uint8), IMAGES, [np.arange(12), 20 * np.arange(12)]),
    "matrix": (Box(-1.0, 1.0, (2, 1)), [np.array([[0.5], [-0.5]], np.float32)] * 2, [[0.5, -0.5]] * 2),
    "scalar": (Box(-1.0, 1.0, ()), [np.array(0.25, np.float32), np.array(0.5, np.float32)], [[0.25], [0.5]]),
    "number": (Discrete(3), [0, np.int64(2)], [[1, 0, 0], [0, 0, 1]]),
    "number from 5": (Discrete(3, start=5), [6, 5], [[0, 1, 0], [1, 0, 0]]),
    "vector": (Box(-1.0, 1.0, (2,)), [np.array([0.5, 0.0], np.float32)] * 2, [[0.5, 0.0]] * 2),
}


@pytest.fixture
def shows(monkeypatch):
    """A function that makes a Shows with the given space and values by make_env."""

    def make(space: gym.Space, values: list[Any]) -> gym.Env:
        monkeypatch.setitem(env.ENVS, "Shows", EnvEntry(__name__, "Shows", ("discrete",)))
        return make_env("Shows", space=space, values=values)

    return make


@pytest.mark.parametrize("case", CASES)
def test_observations_are_flat(case, shows):
    space, values, flat = CASES[case]
    made = shows(space, values)
    low, high = made.observation_space.low, made.observation_space.high
    assert made.observation_space.dtype == np.float32
    assert low.shape == high.shape == np.shape(flat[0])
    for obs, expected in zip((made.reset(seed=0)[0], made.step(0)[0]), flat, strict=True):
        assert obs.dtype == np.float32
        np.testing.assert_array_equal(obs, np.float32(expected))
        assert made.observation_space.contains(obs)


@pytest.mark.parametrize("case", CASES)
def test_episodes_and_start_states_are_flattened_too(case, shows):
    space, values, flat = CASES[case]
    envs = EpisodeBatch([Episodes(shows(space, values), EpisodeProtocol(10), seed=0),
                     Episodes(shows(space, values), EpisodeProtocol(10, start_state=[1.0]), seed=0)])  # fmt: skip
    np.testing.assert_array_equal(envs.reset(), np.float32(flat))
    active = np.array([True, False])
    np.testing.assert_array_equal(envs.step(np.zeros((2, 1)), active).next_obs[0], np.float32(flat[1]))


@pytest.mark.parametrize(
    "space", [Dict(a=Box(0, 1)), Tuple([Discrete(2)]), MultiBinary(3)], ids=lambda space: type(space).__name__
)
def test_other_observations_are_refused(space, shows):
    with pytest.raises(ValueError, match=rf"'Shows' has observations {type(space).__name__}; allowed: Box or Discre"):
        shows(space, [])


def test_gymnasiums_discrete_observations_are_one_hot():
    lake = make_env("FrozenLake-v1", is_slippery=False)
    np.testing.assert_array_equal(lake.reset(seed=0)[0], np.eye(16)[0])
    np.testing.assert_array_equal(lake.step(2)[0], np.eye(16)[1])
    taxi = next(name for name in gym.registry if name.startswith("Taxi-v"))
    assert make_env(taxi).observation_space.shape == (500,)
    with pytest.raises(ValueError, match="'Blackjack-v1' has observations Tuple; allowed: Box or Discrete"):
        make_env("Blackjack-v1")
