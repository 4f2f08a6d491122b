"""A stack's state taken apart and put together, by value."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agent.linear.traces import SparseTraces
from agent.run_state import put_together, take_apart

STATE = {
    "critic": {"params": torch.arange(12.0).view(2, 3, 2), "optimizer": {"mean": torch.ones(2, 3, 2), "count": 7}},
    "alpha": torch.arange(3.0).view(3, 1, 1),
    "weights": np.arange(12.0).reshape(2, 3, 2),
    "avg_reward": np.arange(3.0),
    "act": {"generators": ["a", "b", "c"], "block": np.arange(6).reshape(3, 2), "next": 1, "request": ("normal", (2,))},
    "updates": 5,
}
"""Of three runs."""


def test_a_run_has_its_own_part():
    _, run, _ = take_apart(STATE, 3)
    assert run["critic"]["params"].tolist() == [[2.0, 3.0], [8.0, 9.0]]
    assert run["critic"]["optimizer"]["count"] == 7
    assert run["alpha"].tolist() == [[1.0]]
    assert run["weights"].tolist() == [[2.0, 3.0], [8.0, 9.0]]
    assert run["act"] == {"generators": "b", "block": pytest.approx([2, 3]), "next": 1, "request": ("normal", (2,))}
    assert run["avg_reward"] == 1.0


def test_what_was_taken_apart_is_put_together_in_any_order():
    runs = take_apart(STATE, 3)
    same, turned = put_together(runs), put_together([runs[2], runs[0]])
    assert torch.equal(same["critic"]["params"], STATE["critic"]["params"])
    assert torch.equal(turned["critic"]["params"], STATE["critic"]["params"][:, [2, 0]])
    assert torch.equal(turned["alpha"], STATE["alpha"][[2, 0]])
    np.testing.assert_array_equal(same["weights"], STATE["weights"])
    np.testing.assert_array_equal(turned["avg_reward"], [2.0, 0.0])
    assert turned["act"]["generators"] == ["c", "a"]
    np.testing.assert_array_equal(turned["act"]["block"], [[4, 5], [0, 1]])
    assert turned["updates"] == 5


def test_runs_at_different_timesteps_are_refused():
    first, second, _ = take_apart(STATE, 3)
    with pytest.raises(ValueError, match="updates differ"):
        put_together([first, second | {"updates": 6}])


def test_a_part_whose_run_axis_is_not_known_is_refused():
    with pytest.raises(KeyError, match="novelty"):
        take_apart({"novelty": torch.zeros(3)}, 3)


def test_sparse_traces_move_to_other_slots():
    decay, places = np.full(3, 0.5), np.array([[0, 4], [11, 12], [25, 29]])
    traces, other = SparseTraces(2, 3, 10), SparseTraces(2, 2, 10)
    traces.accumulate(decay, places, np.arange(12.0).reshape(2, 3, 2) + 1)
    runs = take_apart(traces.state_dict(), 3)
    other.load_state_dict(put_together([runs[2], runs[1]]))
    np.testing.assert_array_equal(other.to_dense(), traces.to_dense()[:, [2, 1]])
