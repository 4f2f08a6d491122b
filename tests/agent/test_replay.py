"""The ring buffer, in either layout, against a plain list of rows."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch

from agent.base import Batch
from agent.replay.buffer import Replay
from agent.replay.chained_buffer import ChainedReplay
from tests.support.reference import rng
from utils.core.transition import Step

OBS, ACT = 3, 2
CAPACITY = 7

each_layout = pytest.mark.parametrize("layout", [Replay, ChainedReplay])


def step_of(runs: tuple[int, ...], t: int) -> Step:
    """Transition t of some runs: every number tells where it belongs. Two of three go on from the one before."""

    def values(column: int, width: int) -> np.ndarray:
        rows = [[1000 * run + 10 * t + column + k / 8 for k in range(width)] for run in runs]
        return np.array(rows, np.float32)

    flags = np.array([[(run + t) % 3 == 0, (run + t) % 6 == 0] for run in runs], np.float32)
    next_obs = np.where((flags[:, :1] == 1.0), values(3, OBS), values(10, OBS))
    return Step(values(0, OBS), values(1, ACT), values(2, 1)[:, 0], next_obs, flags[:, 0], flags[:, 1])


def filled(layout: type[Replay], runs: tuple[int, ...], pushes: int) -> tuple[Replay, list[Step]]:
    """A buffer after some pushes, and the list that a ring of CAPACITY is."""
    replay, ring = layout(len(runs), CAPACITY, OBS, ACT), []
    for t in range(pushes):
        step = step_of(runs, t)
        replay.push(step)
        if t < CAPACITY:
            ring.append(step)
        else:
            ring[t % CAPACITY] = step
    return replay, ring


def assert_row(batch: Batch, run: int, b: int, step: Step) -> None:
    """Row (run, b) of a batch is the run's part of a transition."""
    np.testing.assert_array_equal(batch.obs[run, b], step.obs[run])
    np.testing.assert_array_equal(batch.action[run, b], step.action[run])
    np.testing.assert_array_equal(batch.obs_action[run, b], np.concatenate((step.obs[run], step.action[run])))
    np.testing.assert_array_equal(batch.reward[run, b], step.reward[run])
    np.testing.assert_array_equal(batch.terminated[run, b], step.terminated[run])
    np.testing.assert_array_equal(batch.next_obs[run, b], step.next_obs[run])


@each_layout
@pytest.mark.parametrize("pushes", [1, 5, 7, 8, 13, 14, 23])
def test_samples_against_a_list_of_rows(pushes, layout):
    replay, ring = filled(layout, (0, 1, 2), pushes)
    assert len(replay) == len(ring) == min(pushes, CAPACITY)
    uniforms = rng(pushes).random((3, 40))
    batch = replay.sample(torch.from_numpy(uniforms))
    assert batch.obs.shape == (3, 40, OBS)
    assert batch.obs_action.shape == (3, 40, OBS + ACT)
    assert batch.reward.shape == batch.terminated.shape == (3, 40)
    for run in range(3):
        for b in range(40):
            assert_row(batch, run, b, ring[math.floor(uniforms[run, b] * len(ring))])


@each_layout
@pytest.mark.parametrize("pushes", [5, 9])
def test_every_row_can_be_drawn_and_none_beyond(pushes, layout):
    """Row i from u = i / n, and from the largest double below (i + 1) / n (n = 7: rounding moves no index)."""
    replay, ring = filled(layout, (4,), pushes)
    n = len(ring)
    first = [(i + 1e-12) / n for i in range(n)]
    last = [(i + 1 - 1e-12) / n for i in range(n)]
    batch = replay.sample(torch.tensor([first + last], dtype=torch.float64))
    for i in range(n):
        assert_row(batch, 0, i, ring[i])
        assert_row(batch, 0, n + i, ring[i])
    ends = replay.sample(torch.tensor([[0.0, np.nextafter(1.0, 0.0)]], dtype=torch.float64))
    assert_row(ends, 0, 0, ring[0])
    assert_row(ends, 0, 1, ring[-1])


@pytest.mark.parametrize("capacity", [10, 1000, 99_999, 100_000])
def test_the_largest_uniform_is_the_last_row(capacity):
    replay = Replay(2, capacity, 1, 1)
    replay.count = capacity
    replay.data[:] = torch.arange(capacity).view(1, -1, 1)
    largest = torch.full((2, 1), 1.0 - 2.0**-53, dtype=torch.float64)
    assert replay.sample(largest).reward.flatten().tolist() == [capacity - 1.0] * 2


@each_layout
def test_truncation_is_not_termination(layout):
    """A truncated transition is stored with terminated = 0, so its value is bootstrapped."""
    replay = layout(1, 4, 1, 1)
    one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    for terminated, truncated in ((zero, one), (one, zero), (one, one), (zero, zero)):
        replay.push(Step(one[None], one[None], one, one[None], terminated, truncated))
    batch = replay.sample(torch.tensor([[0.0, 0.25, 0.5, 0.75]], dtype=torch.float64))
    assert batch.terminated.tolist() == [[0.0, 1.0, 1.0, 0.0]]


@each_layout
def test_a_batch_outlives_what_it_was_drawn_from(layout):
    replay, ring = filled(layout, (0,), CAPACITY)
    batch = replay.sample(torch.zeros(1, 1, dtype=torch.float64))
    replay.push(step_of((0,), 99))
    assert_row(batch, 0, 0, ring[0])


VIEWS = ("rows", "obs", "action", "obs_action", "reward", "terminated", "next_obs")


@each_layout
@pytest.mark.parametrize("pushes", [4, 16])
def test_a_slot_has_the_bits_it_has_alone(pushes, layout):
    uniforms = torch.from_numpy(rng(1).random((16, 50)))
    runs = tuple(range(16))
    together = filled(layout, runs, pushes)[0].sample(uniforms)
    for run in runs:
        alone = filled(layout, (run,), pushes)[0].sample(uniforms[run : run + 1])
        for name in VIEWS:
            assert torch.equal(getattr(together, name)[run], getattr(alone, name)[0]), name


@each_layout
@pytest.mark.parametrize("pushes", [0, 4, 7, 16])
def test_a_buffer_goes_on_from_its_state(pushes, layout):
    """Also from that of a buffer in the other layout; the state is a copy."""
    replay, _ = filled(layout, (0, 1), pushes)
    state, count = copy.deepcopy(replay.state_dict()), min(pushes, CAPACITY)
    assert [rows.shape for rows in state["data"]] == [(count, 2 * OBS + ACT + 2)] * 2
    others = [Replay(2, CAPACITY, OBS, ACT), ChainedReplay(2, CAPACITY, OBS, ACT)]
    uniforms = torch.from_numpy(rng(2).random((2, 30)))
    for t in range(pushes, pushes + 9):
        replay.push(step_of((0, 1), t))
        for other in others:
            if t == pushes:
                other.load_state_dict(state)
            other.push(step_of((0, 1), t))
            assert len(other) == len(replay)
            assert torch.equal(other.sample(uniforms).rows, replay.sample(uniforms).rows)
