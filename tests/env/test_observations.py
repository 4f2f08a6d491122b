"""Observations as one flat float32 vector: one-hot, grids, parts, vectors, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import (
    Box,
    Dict,
    Discrete,
    Graph,
    MultiBinary,
    MultiDiscrete,
    OneOf,
    Sequence,
    Text,
    Tuple,
    flatten,
    flatten_space,
)  # fmt: skip

import env
from env import EnvEntry, EpisodeBatch, EpisodeProtocol, Episodes, make_env
from env.episodes.observations import flatten_observations
from tests.support.space_envs import Bits, Counts, Goal, Grid, Nested, Pair
from utils.core.errors import EnvironmentFault


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


NUMBERS = "allowed: Box, Discrete, MultiBinary or MultiDiscrete, or a Dict or Tuple of these; a wrapper can leave"


@pytest.mark.parametrize(
    ("space", "found"),
    [
        (Text(5), "observation of type Text"),
        (Sequence(Discrete(2)), "observation of type Sequence"),
        (Graph(Discrete(2), None), "observation of type Graph"),
        (OneOf([Discrete(2)]), "observation of type OneOf"),
        (Dict(image=Box(0, 255, (7, 7, 3), np.uint8), mission=Text(9)), "observation['mission'] of type Text"),
        (Tuple([Discrete(2), Dict(a=Tuple([Text(5)]))]), "observation[1]['a'][0] of type Text"),
    ],
)
def test_other_observations_are_refused_with_their_path(space, found, shows):
    with pytest.raises(ValueError, match=re.escape(f"env_name: 'Shows' has {found}; {NUMBERS}")):
        shows(space, [])


@pytest.mark.parametrize("space", [Dict({}), Tuple([]), Dict(a=Tuple([])), Box(0.0, 1.0, (0,))], ids=str)
def test_an_observation_without_any_number_is_refused(space, shows):
    with pytest.raises(ValueError, match="env_name: 'Shows' has observations without any number"):
        shows(space, [])


@pytest.mark.parametrize(
    ("shape", "dtype"), [((210, 160, 3), np.uint8), ((96, 96), np.uint8), ((4, 84, 84), np.float32), ((64, 64), bool)]
)
@pytest.mark.parametrize("path", ["", "['pixels']"])
def test_images_are_refused(shape, dtype, path, shows):
    image = Box(0, 1, shape, dtype)
    message = f"'Shows' has observation{path}, an image of shape {shape}; allowed: fewer than 4096 numbers in an array"
    with pytest.raises(ValueError, match=re.escape(message) + '.*"obs_type": "ram"'):
        shows(Dict(a=Discrete(2), pixels=image) if path else image, [])


@pytest.mark.parametrize("shape", [(10, 10, 40), (63, 65), (4096,), (100800,)])
def test_large_vectors_and_small_grids_are_no_images(shape, shows):
    made = shows(Box(0, 255, shape, np.uint8), [])
    assert made.observation_space.shape == (np.prod(shape),)


def test_the_vector_of_a_goal_by_hand():
    """In Gymnasium's order of keys: achieved goal, desired goal, observation."""
    env_: Any = flatten_observations(Goal(), "Goal")
    np.testing.assert_array_equal(env_.reset(seed=0)[0], [0.0, -1.0, 0.5, 1.5, 0.0, 2.0, 3.0])
    env_.unwrapped.place = 0.25
    np.testing.assert_array_equal(env_.observation(env_.unwrapped.obs()), [0.25, -1, 0.5, 1.5, 0.25, 2, 3])


def test_the_order_of_keys_is_that_of_the_space():
    space = Dict([("b", Discrete(2)), ("a", Box(0.0, 9.0, (1,)))])
    env_ = flatten_observations(Shows(space, [{"a": np.array([7.0]), "b": 1}]), "Shows")
    np.testing.assert_array_equal(env_.reset()[0], [0, 1, 7])


def test_the_vector_of_nested_parts_by_hand():
    """choice (1, 3) of (0 or 1, 1 to 3); flags; tray: 1 of -1 to 1, then grid before place."""
    env_ = flatten_observations(Nested(), "Nested")
    env_.reset(seed=0)
    env_.unwrapped.place = 0.75
    obs = env_.observation(env_.unwrapped.obs())
    expected = [0, 1, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 7, 200, 2, 0.75]
    np.testing.assert_array_equal(obs, expected)
    assert obs.dtype == env_.observation_space.dtype == np.float32
    np.testing.assert_array_equal(env_.observation_space.high[-5:], [255, 255, 255, 255, np.inf])


@pytest.mark.parametrize("kind", [Goal, Nested, Counts, Bits, Pair, Grid])
def test_the_vectors_are_gymnasiums(kind):
    raw, flat = kind(), flatten_observations(kind(), "it")
    first, shown = raw.reset(seed=3)[0], flat.reset(seed=3)[0]
    for step in range(20):
        np.testing.assert_array_equal(shown, np.asarray(flatten(raw.observation_space, first), np.float32))
        assert flat.observation_space.contains(shown)
        action = np.array([np.sin(step)])
        first, shown = raw.step(action)[0], flat.step(action)[0]
    for side in ("low", "high"):
        bounds = getattr(flatten_space(raw.observation_space), side)
        np.testing.assert_array_equal(getattr(flat.observation_space, side), np.float32(bounds))


def test_small_parts_by_hand():
    for kind, place, expected in (
        (Counts, 0.25, [0, 1, 0, 0, 1]), (Counts, -0.75, [1, 0, 0, 1, 0]),
        (Bits, -1.0, [1, 0, 0]), (Pair, 1.5, [0, 0, 1, 1.5]),
    ):  # fmt: skip
        raw = kind()
        raw.place = place
        np.testing.assert_array_equal(flatten_observations(raw, "it").observation(raw.obs()), expected)


def test_the_largest_float64_becomes_infinite():
    large = np.finfo(np.float64).max
    env_ = flatten_observations(Shows(Tuple([Box(-large, large, (1,), np.float64)]), []), "Shows")
    np.testing.assert_array_equal(env_.observation_space.high, [np.inf])


def test_gymnasiums_discrete_observations_are_one_hot():
    lake = make_env("FrozenLake-v1", is_slippery=False)
    np.testing.assert_array_equal(lake.reset(seed=0)[0], np.eye(16)[0])
    np.testing.assert_array_equal(lake.step(2)[0], np.eye(16)[1])
    taxi = next(name for name in gym.registry if name.startswith("Taxi-v"))
    assert make_env(taxi).observation_space.shape == (500,)


def test_gymnasiums_blackjack_is_one_hot_in_three_parts():
    """The player's sum out of 32, the dealer's card out of 11, a usable ace out of 2."""
    table = make_env("Blackjack-v1")
    table.reset(seed=0)
    player, dealer, ace = table.unwrapped._get_obs()
    expected = np.concatenate([np.eye(32)[player], np.eye(11)[dealer], np.eye(2)[int(ace)]])
    np.testing.assert_array_equal(table.observation(table.unwrapped._get_obs()), expected)


CHOICES = MultiDiscrete([2, 3], start=[0, 1])
GOAL = Dict({"a": Tuple((Box(-1, 1), Discrete(2))), "b": CHOICES})


@pytest.mark.parametrize(
    ("space", "good", "bad", "found", "allowed"),
    [
        (Discrete(3, start=5), 7, 4, "observation = 4", "an integer from 5 to 7"),
        (CHOICES, np.array([1, 3]), np.array([1, 0]), "observation[1] = 0", "an integer from 1 to 3"),
        (MultiBinary(2), np.array([0, 1]), np.array([0, 2]), "observation[1] = 2", "an integer from 0 to 1"),
        (GOAL, {"a": (np.zeros(1), 1), "b": np.array([0, 1])}, {"a": (np.zeros(1), -1), "b": np.array([0, 1])},
         "observation['a'][1] = -1", "an integer from 0 to 1"),
        (GOAL, {"a": (np.zeros(1), 1), "b": np.array([0, 1])}, {"a": (np.zeros(1), 1), "b": np.array([2, 1])},
         "observation['b'][0] = 2", "an integer from 0 to 1"),
        (Box(0, 9, (2, 3)), np.zeros((2, 3)), np.zeros((3, 2)), "an observation of shape (3, 2)", "(2, 3)"),
    ],
    ids=["number", "entry", "bit", "part", "entry of a part", "shape"],
)  # fmt: skip
class TestAnObservationOutsideItsSpace:
    """Flattening would take some of them for other ones, without a word."""

    def test_ends_its_slot_alone_and_names_step_and_entry(self, space, good, bad, found, allowed):
        envs = EpisodeBatch(
            [
                Episodes(flatten_observations(Shows(space, values), "Shows-v0"), EpisodeProtocol(10), seed=0)
                for values in ([good, good, bad], [good] * 4)
            ]
        )
        envs.reset()
        for errors in ({}, {0: f"returned {found} at step 2 of an episode; allowed: {allowed}"}):
            envs.step(np.zeros((2, 1)), np.ones(2, bool))
            assert {slot: str(error) for slot, error in envs.errors.items()} == errors
        assert isinstance(envs.errors[0], EnvironmentFault)

    def test_is_noticed_at_a_reset(self, space, good, bad, found, allowed):
        episodes = Episodes(flatten_observations(Shows(space, [bad]), "Shows-v0"), EpisodeProtocol(10), seed=0)
        with pytest.raises(EnvironmentFault, match=re.escape(f"returned {found} at step 0 of an episode; allowed: ")):
            episodes.reset()
