"""env/episodes/space_flaws.py: the first part of an observation that is not as its space, by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple, flatten

from env.episodes.space_flaws import Flaw, WrongObservation, describe_value, find_flaw

TABLE = MultiDiscrete(np.array([[2, 3], [4, 5]]), start=np.array([[0, 0], [-2, 7]]))
BYTES = Dict({"grid": Box(0, 255, (2, 2), np.uint8), "on": Box(0, 1, (), bool)})
GRID = np.array([[0, 255], [7, 1]])


@pytest.mark.parametrize(
    ("space", "obs", "found", "allowed"),
    [
        (Discrete(3), 3, "observation = 3", "an integer from 0 to 2"),
        (Discrete(3), np.int8(-1), "observation = -1", "an integer from 0 to 2"),
        (Discrete(3), np.array([3]), "observation = 3", "an integer from 0 to 2"),
        (Discrete(3), 1.0, "as observation a float, 1.0", "an integer from 0 to 2"),
        (Discrete(3), np.float32("nan"), "as observation a float32, np.float32(nan)", "an integer from 0 to 2"),
        (Discrete(3), np.array([0, 1]), "as observation an array of shape (2,) and dtype int64", "an integer from 0 "
         "to 2"),
        (Discrete(3), None, "as observation None", "an integer from 0 to 2"),
        (Discrete(3), "1", "as observation a str, '1'", "an integer from 0 to 2"),
        (TABLE, np.array([[0, 2], [-2, 12]]), "observation[1, 1] = 12", "an integer from 7 to 11"),
        (TABLE, np.array([[0, 2], [-3, 12]]), "observation[1, 0] = -3", "an integer from -2 to 1"),
        (TABLE, np.array([0, 2, -2, 7]), "as observation an array of shape (4,) and dtype int64", "an array of numbers "
         "of shape (2, 2), as its space"),
        (MultiDiscrete([2, 2]), np.array([1.0, 1.0]), "as observation an array of shape (2,) and dtype float64",
         "integers, as its space, MultiDiscrete([2 2])"),
        (MultiDiscrete([2, 2]), [0, 1], "as observation a list of length 2", "an array of numbers of shape (2,), as "
         "its space"),
        (MultiBinary(3), np.array([0, 1, -1], np.int8), "observation[2] = -1", "an integer from 0 to 1"),
        (Tuple([Discrete(2)] * 2), (0, 2), "observation[1] = 2", "an integer from 0 to 1"),
        (Tuple([Discrete(2)] * 2), (0,), "as observation a tuple of length 1", "a tuple of length 2"),
        (BYTES, {"grid": GRID + 1, "on": True}, "observation['grid'][0, 1] = 256", "an integer from 0 to 255"),
        (BYTES, {"grid": GRID / 2, "on": True}, "as observation['grid'] an array of shape (2, 2) and dtype float64",
         "integers, as its space, Box(0, 255, (2, 2), uint8)"),
        (BYTES, {"grid": GRID, "on": 2}, "observation['on'] = 2", "an integer from 0 to 1"),
        (BYTES, {"grid": GRID}, "as observation a dict of length 1", "a dict with the keys 'grid', 'on'"),
        (Dict({"a": Tuple([Dict({"b": Discrete(2)})])}), {"a": [{"b": 5}]}, "observation['a'][0]['b'] = 5",
         "an integer from 0 to 1"),
    ],
)  # fmt: skip
def test_the_first_flaw_is_named_by_its_path_with_what_is_allowed(space: Any, obs: Any, found: str, allowed: str):
    assert find_flaw(space, obs) == Flaw(found, allowed)


@pytest.mark.parametrize(
    ("space", "obs"),
    [
        (Discrete(3, start=-1), -1), (Discrete(2), True), (Discrete(2), np.bool_(True)), (Discrete(2), np.array([[1]])),
        (Discrete(3), np.uint8(2)), (TABLE, np.array([[1, 0], [1, 11]])), (TABLE, np.array([[1, 0], [1, 11]], np.int8)),
        (MultiBinary([1, 2]), np.array([[False, True]])), (BYTES, {"grid": GRID, "on": np.False_}),
        (Tuple([Box(-1.0, 1.0, (2,))]), (np.array([5, np.nan]),)),
        (Dict(a=Discrete(1), b=Box(0.0, 1.0, ())), {"b": 0.5, "a": 0}),
    ],
)  # fmt: skip
def test_what_is_allowed_is_flattened(space: Any, obs: Any):
    assert find_flaw(space, obs) is None
    flatten(space, obs)


def test_samples_of_spaces_have_no_flaw():
    space = Dict({"a": Tuple([TABLE, MultiBinary([2, 2]), Discrete(4, start=9)]), "b": BYTES, "c": Box(-1, 1, (3,))})
    space.seed(4)
    for _ in range(50):
        assert find_flaw(space, space.sample()) is None


def test_the_numbers_of_a_box_alone_may_be_of_another_type():
    """It is converted to float32, not cast to the type of its space."""
    assert find_flaw(Box(0, 255, (2,), np.uint8), np.array([0.5, 300.0])) is None


def test_the_step_is_added_where_it_is_known():
    error = WrongObservation(Flaw("observation[1] = 4", "an integer from 0 to 2"))
    assert str(error) == "returned observation[1] = 4; allowed: an integer from 0 to 2"
    assert (
        str(error.at_step(3)) == "returned observation[1] = 4 at step 3 of an episode; allowed: an integer from 0 to 2"
    )


def test_a_long_value_is_cut():
    assert describe_value("x" * 99) == f"a str, '{'x' * 36}..."
