"""Order of settings, checked against a case worked out by hand and an independent enumeration."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.core.errors import BadInput
from utils.core.grid import Grid

LINEAR_AC: dict[str, list[Any]] = {
    "decay": [0.0, 0.9],
    "critic_lr": [0.1, 0.2, 0.3],
    "actor_lr_scale": [1.0, 2.0],
    "avg_reward_lr": [0.01, 0.02, 0.03],
    "scaled": [True],
}


def test_the_first_key_varies_fastest():
    grid = Grid(LINEAR_AC)
    assert len(grid) == 36
    assert grid.setting(0) == {
        "decay": 0.0,
        "critic_lr": 0.1,
        "actor_lr_scale": 1.0,
        "avg_reward_lr": 0.01,
        "scaled": True,
    }
    assert grid.setting(1)["decay"] == 0.9
    assert grid.setting(2)["critic_lr"] == 0.2
    assert grid.setting(6)["actor_lr_scale"] == 2.0
    assert grid.setting(12)["avg_reward_lr"] == 0.02
    assert grid.setting(35) == {
        "decay": 0.9,
        "critic_lr": 0.3,
        "actor_lr_scale": 2.0,
        "avg_reward_lr": 0.03,
        "scaled": True,
    }


def test_an_index_is_a_setting_and_a_run():
    grid = Grid(LINEAR_AC)
    assert grid.locate(0) == (0, 0)
    assert grid.locate(35) == (35, 0)
    assert grid.locate(36) == (0, 1)
    assert grid.locate(36 * 7 + 5) == (5, 7)


def test_batch_size_and_replay_capacity_become_the_slowest_digit():
    """The legal pairs are (8, 10), (8, 100), (32, 100), in this order; (32, 10) is illegal."""
    grid = Grid({"replay_capacity": [10, 100], "tau": [1, 2], "batch_size": [8, 32], "alpha": [3, 4]})
    assert len(grid) == 2 * 2 * 3
    pairs = [(s["batch_size"], s["replay_capacity"]) for s in map(grid.setting, range(12))]
    assert pairs == [(8, 10)] * 4 + [(8, 100)] * 4 + [(32, 100)] * 4
    assert [s["tau"] for s in map(grid.setting, range(4))] == [1, 2, 1, 2]
    assert [s["alpha"] for s in map(grid.setting, range(4))] == [3, 3, 4, 4]


def test_one_key_of_the_pair_alone_keeps_its_position():
    grid = Grid({"batch_size": [8, 16], "tau": [1, 2]})
    assert [grid.setting(i) for i in range(3)] == [
        {"batch_size": 8, "tau": 1},
        {"batch_size": 16, "tau": 1},
        {"batch_size": 8, "tau": 2},
    ]


def test_a_value_may_be_a_list():
    assert Grid({"betas": [[0.9, 0.999]]}).setting(0) == {"betas": [0.9, 0.999]}


def test_no_legal_pair_is_refused():
    with pytest.raises(BadInput, match="found no pair with batch_size <= replay_capacity"):
        Grid({"batch_size": [32], "replay_capacity": [10]})


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_settings_are_ordered_by_mixed_radix_counting(sizes):
    grid = Grid({f"key{i}": list(range(size)) for i, size in enumerate(sizes)})
    counter = [0] * len(sizes)
    for number in range(len(grid)):
        assert list(grid.setting(number).values()) == counter
        for place, size in enumerate(sizes):
            counter[place] = (counter[place] + 1) % size
            if counter[place]:
                break


def test_variants_differ_in_the_given_keys_only():
    grid = Grid({"a": [1, 2], "b": [1, 2, 3], "c": [5], "d": [1, 2]})
    assert grid.variants(3, {"b"}) == [1, 3, 5]
    assert grid.variants(3, {"b", "d"}) == [1, 3, 5, 7, 9, 11]
    assert grid.variants(3, {"c", "e"}) == [3]
    assert [grid.setting(number)["b"] for number in grid.variants(3, {"b"})] == [1, 2, 3]


def test_a_setting_is_described_by_the_hyperparameters_that_vary():
    grid = Grid({"a": [0.001, 2], "c": [5], "kind": ["x", "y"], "batch_size": [8], "replay_capacity": [10, 100]})
    assert grid.varied == ["a", "kind", "replay_capacity"]
    assert grid.describe_varied(0) == "a 0.001, kind x, replay_capacity 10"
    assert grid.describe_varied(7, without={"a"}) == "kind y, replay_capacity 100"
