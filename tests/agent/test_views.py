"""Views of buffers against torch's views of a tensor whose elements are their own positions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from agent.engine.views import Buffer, Distance, View, row_major

SHAPE = (2, 3, 1, 8)

Change = Callable[[Any], Any]

VIEWS: dict[str, tuple[Change, Change]] = {
    "transpose": (lambda v: v.transpose(0, -1), lambda t: t.transpose(0, -1)),
    "permute": (lambda v: v.permute([3, 0, 2, 1]), lambda t: t.permute(3, 0, 2, 1)),
    "unsqueeze": (lambda v: v.unsqueeze(-1).unsqueeze(1), lambda t: t.unsqueeze(-1).unsqueeze(1)),
    "squeeze": (lambda v: v.squeeze([1, 2]), lambda t: t.squeeze((1, 2))),
    "slice": (lambda v: v.slice(3, 1, 7, 2), lambda t: t[..., 1:7:2]),
    "slice to the end": (lambda v: v.slice(-1, -3, 2**63 - 1), lambda t: t[..., -3:]),
    "select": (lambda v: v.select(1, -1), lambda t: t.select(1, -1)),
    "expand": (lambda v: v.expand([5, -1, -1, 4, -1]), lambda t: t.expand(5, -1, -1, 4, -1)),
    "merge": (lambda v: v.reshape([6, 8]), lambda t: t.view(6, 8)),
    "split": (lambda v: v.reshape([2, 3, 2, -1]), lambda t: t.view(2, 3, 2, 4)),
    "of a slice": (lambda v: v.slice(3, 0, 4).reshape([6, 2, 2]), lambda t: t[..., :4].reshape(6, 2, 2)),
    "of a repetition": (
        lambda v: v.expand([3, -1, -1, -1, -1]).reshape([3, 2, 24]),
        lambda t: t.expand(3, -1, -1, -1, -1).reshape(3, 2, 24),
    ),
}  # fmt: skip


def positions(view: View) -> torch.Tensor:
    """Return the position in the buffer of each element."""
    strides = [stride.fixed for stride in view.strides]
    return torch.arange(view.buffer.size).as_strided(view.shape, strides, view.offset.fixed)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_torchs(name):
    ours, torchs = VIEWS[name]
    whole = row_major(Buffer("x", torch.float32, 48), SHAPE)
    expected = torchs(torch.arange(48).view(SHAPE))
    found = ours(whole)
    assert found.shape == tuple(expected.shape)
    torch.testing.assert_close(positions(found), expected, rtol=0, atol=0)
    flat = positions(found).reshape(-1)
    assert found.contiguous == bool((flat == flat[0] + torch.arange(len(flat))).all())


def test_a_shape_that_no_view_has():
    whole = row_major(Buffer("x", torch.float32, 48), SHAPE)
    assert whole.transpose(0, 3).reshape([48]) is None


def test_a_distance_that_depends_on_the_number_of_runs():
    view = View(Buffer("x", torch.float32, 20), (2, 1, 10), (Distance(0, 10), Distance(10), Distance(1)))
    assert str(view.select(0, 1).offset) == "10 * runs"
    assert str(view.slice(2, 3, 5).select(0, 1).offset) == "10 * runs + 3"
    assert view.reshape([2, 10]) is not None
    assert view.reshape([20]) is None
