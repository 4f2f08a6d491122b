"""Actions as the environment gets them: joint actions, arrays of any shape, integers, and what is refused."""

from __future__ import annotations

import itertools
import re
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, OneOf, Text, Tuple

from env import EpisodeProtocol, Episodes, make_env
from env.episodes.actions import MAX_JOINT_ACTIONS, flatten_actions
from env.episodes.rollout import draw_action
from tests.support.space_envs import Choices, ChoiceTable, Gears, Matrix, Scalar, Switches, Tray, Valves


def episodes_of(kind: type[Tray]) -> Episodes:
    episodes = Episodes(flatten_actions(kind(), kind.__name__), EpisodeProtocol(100), 0)
    episodes.reset()
    return episodes


def received(episodes: Episodes, *action: float) -> np.ndarray:
    """Return what the environment gets, after a check that it is in its space and has its dtype."""
    episodes.step(np.array(action, np.float32))
    raw: Any = episodes.env.unwrapped
    assert isinstance(raw.received, np.ndarray)
    assert raw.received.dtype == raw.action_space.dtype
    assert raw.action_space.contains(raw.received)
    return raw.received


def acting(space: gym.Space[Any]) -> gym.Env[Any, Any]:
    """Return a tray with some space of actions."""
    tray = Tray()
    tray.action_space = space
    return tray


def test_joint_actions_by_hand():
    """2 x 3 choices: the last entry is fastest."""
    episodes = episodes_of(Choices)
    assert episodes.env.action_space == Discrete(6)
    assert [received(episodes, index).tolist() for index in range(6)] == [
        [0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2],
    ]  # fmt: skip


def test_a_table_of_choices_keeps_its_shape_and_starts():
    episodes = episodes_of(ChoiceTable)
    assert episodes.env.action_space == Discrete(6)
    assert received(episodes, 0).tolist() == [[5, 0], [0, -1]]
    assert received(episodes, 2).tolist() == [[5, 0], [0, 1]]
    assert received(episodes, 4).tolist() == [[6, 0], [0, 0]]


def test_switches_count_in_binary():
    episodes = episodes_of(Switches)
    assert episodes.env.action_space == Discrete(16)
    actions = [tuple(received(episodes, index).ravel()) for index in range(16)]
    assert actions == list(itertools.product((0, 1), repeat=4))
    assert received(episodes, 6).shape == (2, 2)


def test_a_matrix_is_filled_row_by_row_and_clipped_by_entry():
    episodes = episodes_of(Matrix)
    assert episodes.env.action_space.shape == (6,)
    np.testing.assert_array_equal(episodes.env.action_space.low, [-1, -2, -3, -4, -5, -6])
    action = received(episodes, -9, -2, 0.25, 9, -4.5, -6.5)
    np.testing.assert_array_equal(action, [[-1, -2, 0.25], [0.5, -4.5, -6]])


def test_a_single_number_has_no_dimension():
    action = received(episodes_of(Scalar), 7.0)
    assert action.shape == ()
    assert action.item() == 1.0


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ([0.4, 0.6], [0, 1]), ([-0.4, 4.4], [0, 4]), ([1.5, 2.5], [2, 2]), ([-1.6, 0.4], [-2, 0]),
        ([-9.0, 9.0], [-2, 5]), ([2.4, -0.4], [2, 0]),
    ],
)  # fmt: skip
def test_integers_are_the_nearest_within_the_bounds(action, expected):
    np.testing.assert_array_equal(received(episodes_of(Gears), *action), expected)


def test_booleans_are_the_nearest():
    assert received(episodes_of(Valves), 0.4, 0.6).tolist() == [False, True]
    assert received(episodes_of(Valves), 9.0, -1.0).tolist() == [True, False]


def test_flat_floats_and_discrete_actions_are_not_wrapped():
    for env in (Tray(), acting(Discrete(3, start=2)), acting(Box(-1.0, 1.0, (2,), np.float64))):
        assert flatten_actions(env, "it") is env


def test_bounds_keep_their_precision():
    low = np.array([[0.1], [0.2]])
    flat: Any = flatten_actions(acting(Box(low, low + 1, dtype=np.float64)), "it").action_space
    np.testing.assert_array_equal(flat.low, [0.1, 0.2])


@pytest.mark.parametrize("kind", [Choices, Switches, Matrix, Gears, Valves])
def test_random_actions_reach_all_values(kind):
    episodes, rng = episodes_of(kind), np.random.default_rng(0)
    seen = np.array([received(episodes, *draw_action(episodes, rng)).ravel() for _ in range(600)], np.float64)
    values = [len(np.unique(column)) for column in seen.T]
    assert values == {"Choices": [2, 3], "Switches": [2] * 4, "Gears": [5, 6], "Valves": [2, 2]}.get(
        kind.__name__, [600] * 6
    )


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (Tuple([Discrete(2), Box(0, 1)]), "actions Tuple(Discrete(2), Box(0.0, 1.0, (1,), float32)); allowed: Box, "
         "Discrete, MultiBinary or MultiDiscrete; a wrapper can turn one of these into them"),
        (Dict(a=Discrete(2)), "actions Dict('a': Discrete(2)); allowed: Box, "),
        (Text(3), "; allowed: Box, Discrete,"),
        (OneOf([Discrete(2)]), "; allowed: Box, Discrete,"),
        (MultiDiscrete([5] * 5), "actions MultiDiscrete([5 5 5 5 5]) with 3125 joint actions; allowed: 1 to 1024; "
         "a wrapper can offer fewer"),
        (MultiDiscrete([2] * 100), f"with {2**100} joint actions"),
        (MultiBinary(11), "actions MultiBinary(11) with 2048 joint actions; allowed: 1 to 1024"),
        (Box(-1.0, 1.0, (0,)), "actions without any number"),
        (Box(-np.inf, 1.0, (2, 2)), "unbounded actions"),
        (Box(0, 2**24 + 1, (1,), np.int64), "allowed: bounds from -16777216 to 16777216"),
        (Box(np.iinfo(np.int64).min, 0, (1,), np.int64), "allowed: bounds from -16777216 to 16777216"),
        (Box(np.zeros((2, 2)), np.array([[1.0, 1.0], [0.0, 1.0]]), dtype=np.float64),
         "whose dimension (1, 0) is fixed: its bounds are "),
        (Box(np.array([0, 3]), np.array([1, 3]), dtype=np.int8), "whose dimension 1 is fixed: its bounds are 3 to 3"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_refused(space, message):
    with pytest.raises(ValueError, match="env_name: 'it' has .*" + re.escape(message)) as caught:
        flatten_actions(acting(space), "it")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("space", [MultiBinary(10), MultiDiscrete([4, 256]), Box(-(2**24), 2**24, (1,), np.int64)])
def test_the_limits_are_allowed(space):
    flat: Any = flatten_actions(acting(space), "it").action_space
    assert flat.n == MAX_JOINT_ACTIONS if isinstance(flat, Discrete) else flat.high.tolist() == [2**24]


def test_the_kind_of_actions_decides_which_agents_take_them():
    """A refused kind is named; `continuous` is checked against it."""
    kinds: dict[str, Any] = {"Choices-v0": Choices, "Valves-v0": Valves}
    for name, kind in kinds.items():
        gym.register(name, kind)
    try:
        with pytest.raises(ValueError, match=r"'Choices-v0' has actions MultiDiscrete\(\[2 3\]\); not those"):
            make_env("Choices-v0", None, {"discrete": "not those"})
        with pytest.raises(ValueError, match="continuous: found true, but 'Choices-v0' has actions Multi"):
            make_env("Choices-v0", True)
        with pytest.raises(ValueError, match="continuous: found false, but 'Valves-v0' has actions Box"):
            make_env("Valves-v0", False)
        assert make_env("Choices-v0", False, {"continuous": "not those"}).action_space == Discrete(6)
        assert make_env("Valves-v0", True, {"discrete": "not those"}).action_space.shape == (2,)
    finally:
        for name in kinds:
            del gym.registry[name]
