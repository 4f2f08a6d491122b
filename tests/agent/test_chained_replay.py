"""Chained rows against whole ones: the same batches to the bit, in less memory."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from agent.actor_critic_hyperparameters import SACHyperparameters
from agent.replay.buffer import Replay
from agent.replay.chained_buffer import ChainedReplay
from agent.replay.layout import MAX_WHOLE_ROWS_BYTES, has_chained_rows
from tests.support.experiments import make_experiment
from tests.support.reference import rng, tensor_bytes
from tests.support.resuming import make_loop
from tests.training.test_bits import PENDULUM
from utils.core.transition import Step

OBS, ACT = 3, 2
CHEETAH = (17, 6)


def life(runs: int, share: float, steps: int, obs_dim: int = OBS) -> Iterator[Step]:
    """Steps in which each run's episode ends with a probability of its own draw."""
    draws = rng(3)
    obs = draws.standard_normal((runs, obs_dim)).astype(np.float32)
    for _ in range(steps):
        next_obs, fresh = draws.standard_normal((2, runs, obs_dim)).astype(np.float32)
        action, reward = draws.standard_normal((runs, ACT)).astype(np.float32), draws.standard_normal(runs)
        over = draws.random(runs) < share
        ended = over & (draws.random(runs) < 0.5)
        yield Step(obs, action, reward, next_obs, ended.astype(np.float32), (over & ~ended).astype(np.float32))
        obs = np.where(over[:, None], fresh, next_obs)


def bits(replay: Replay, uniforms: torch.Tensor) -> list:
    """Of a batch; unlike numbers, bits of NaN equal each other."""
    return replay.sample(uniforms).rows.view(torch.int32).tolist()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("capacity", [1, 2, 5, 40])
def test_every_row_at_every_step(capacity, share):
    """Both replays sample the same rows, over several rounds of the ring and after restoring the state."""
    whole, chained = Replay(3, capacity, OBS, ACT), ChainedReplay(3, capacity, OBS, ACT)
    for t, step in enumerate(life(3, share, 3 * capacity + 20)):
        whole.push(step)
        chained.push(step)
        every = ((torch.arange(len(whole), dtype=torch.float64) + 0.5) / len(whole)).expand(3, -1)
        assert bits(chained, every) == bits(whole, every)
        if t % 7 == 3:
            state, chained = chained.state_dict(), ChainedReplay(3, capacity, OBS, ACT)
            chained.load_state_dict(state)
            assert bits(chained, every) == bits(whole, every)


def test_numbers_that_equal_no_other_and_those_that_differ_in_sign_only():
    """A NaN goes on as the same NaN; 0.0 is no successor's -0.0."""
    whole, chained = Replay(1, 4, 1, 1), ChainedReplay(1, 4, 1, 1)
    one = np.ones(1, np.float32)
    for obs, next_obs in ((1.0, np.nan), (np.nan, 0.0), (-0.0, 2.0)):
        pair = (np.array([[number]], np.float32) for number in (obs, next_obs))
        step = Step(next(pair), one[None], one, next(pair), one, one)
        whole.push(step)
        chained.push(step)
    every = torch.tensor([[0.1, 0.5, 0.9]], dtype=torch.float64)
    assert bits(chained, every) == bits(whole, every)


def test_what_is_pushed_may_change_afterwards():
    chained = ChainedReplay(1, 4, OBS, ACT)
    first, second = life(1, 0.0, 2)
    expected = first.next_obs.copy()
    chained.push(first)
    first.next_obs[:] = 7.0
    chained.push(second._replace(obs=expected))
    batch = chained.sample(torch.zeros(1, 1, dtype=torch.float64))
    np.testing.assert_array_equal(batch.next_obs[0, 0], expected[0])


def test_ends_are_forgotten_with_their_transitions():
    """With an end at every third step there are some 14 in a ring of 40, and no more after 50 rounds."""
    chained, sizes = ChainedReplay(2, 40, OBS, ACT), []
    for t, step in enumerate(life(2, 0.33, 2000)):
        chained.push(step)
        if t % 500 == 499:
            sizes.append(len(chained.ends))
    assert max(sizes) <= 80
    kept = int((chained.end_index > 2).sum())
    assert kept + len(chained._free) + 2 + 1 == len(chained.ends)


def test_episodes_of_an_environment_are_chained(tmp_path, monkeypatch):
    """Only the three episodes that are over, of 23 steps each, have a next observation kept apart."""
    monkeypatch.setattr("agent.replay.layout.MAX_WHOLE_ROWS_BYTES", 0)
    protocol = PENDULUM | {"total_timesteps": 80, "steps_per_episode": 23}
    loop = make_loop(make_experiment(protocol, {"hidden_dim": [16], "batch_size": [8]}, tmp_path), [0, 1])
    loop.run()
    end_index = loop.stack.agent.replay.end_index[:, :80]
    assert (end_index > 2).nonzero().tolist() == [[run, slot] for run in (0, 1) for slot in (22, 45, 68)]
    assert end_index[:, 79].tolist() == [1, 2], "the newest"


def test_a_copied_state_stays_what_it_was():
    chained = ChainedReplay(2, 5, OBS, ACT)
    steps = list(life(2, 0.3, 12))
    for step in steps[:7]:
        chained.push(step)
    state = copy.deepcopy(chained.state_dict())
    before = [rows.copy() for rows in state["data"]]
    for step in steps[7:]:
        chained.push(step)
    for rows, expected in zip(state["data"], before, strict=True):
        np.testing.assert_array_equal(rows, expected)


def test_a_million_transitions_of_half_cheetah():
    """25 numbers and a place each: 104 MB, of which nothing is touched before it is written."""
    replay = ChainedReplay(1, 10**6, *CHEETAH)
    assert 104_000_000 <= tensor_bytes(replay) < 104_001_000
    assert SACHyperparameters(replay_capacity=10**6).replay_bytes(*CHEETAH, 10**6) == 104_000_000
    one = np.ones((1, 17), np.float32)
    before = resident()
    for _ in range(1000):
        replay.push(Step(one, one[:, :6], one[0, :1], one, one[0, :1], one[0, :1]))
    assert resident() - before < 20e6


def resident() -> int:
    """Bytes of this process that are in memory."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) * 1024


@pytest.mark.parametrize(
    ("capacity", "sizes", "expected"),
    [(10**6, CHEETAH, True), (10**5, CHEETAH, False), (10**6, (3, 1), False), (10**5, (400, 1), True)],
)
def test_rows_are_chained_where_whole_ones_are_large(capacity, sizes, expected):
    assert has_chained_rows(capacity, *sizes) is expected
    whole = Replay(1, capacity, *sizes).data
    assert (whole.numel() * whole.itemsize > MAX_WHOLE_ROWS_BYTES) is expected
