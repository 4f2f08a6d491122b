"""n-step transitions, sampled from either layout: against values worked by hand and against loops over a list."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from agent import losses
from agent.actor_critic_hyperparameters import SACHyperparameters
from agent.base import Batch
from agent.engine.functions import alike, example_arguments, update_networks
from agent.engine.selection import start_engine
from agent.engine.source import write_source
from agent.engine.trace import trace
from agent.replay.buffer import Replay
from agent.replay.chained_buffer import ChainedReplay
from agent.sac import SAC
from tests.agent.test_chained_replay import life
from tests.support.reference import make_sac, needs_compiler, rng
from utils.core.transition import Step

OBS, ACT = 3, 2
GAMMA = 0.9

each_layout = pytest.mark.parametrize("layout", [Replay, ChainedReplay])


def every_row(replay: Replay) -> torch.Tensor:
    """Uniforms that draw each stored row once, in storage order, (R, n)."""
    n = len(replay)
    return ((torch.arange(n, dtype=torch.float64) + 0.5) / n).expand(replay.runs, -1)


def push(replay: Replay, obs: float, next_obs: float, reward: float, terminated: bool = False) -> None:
    """Store a transition of one run with one observation feature; its action is 10 times the observation."""
    numbers = np.array([[obs], [10.0 * obs], [next_obs]], np.float32)
    ended = np.array([terminated], np.float32)
    replay.push(Step(numbers[:1], numbers[1:2], np.array([reward]), numbers[2:], ended, np.zeros(1, np.float32)))


def found(replay: Replay, n_step: int) -> list[tuple[float, ...]]:
    """Obs, action, reward, terminated and next_obs of each stored row's n-step transition, with gamma = 1/2."""
    rows = replay.sample(every_row(replay), n_step, 0.5).rows
    return [tuple(row) for row in rows[0].tolist()]


@each_layout
def test_a_terminated_episode_by_hand(layout):
    """Episode 1 -> 2 -> 3 -> end with rewards 8, 4, 2, then the first step of another episode.

    Two steps: 8 + 4/2 = 10, discounted by 1/4 = (1/2) (1 - 1/2). The next two end the episode: 4 + 2/2 = 5, and 2.
    """
    replay = layout(1, 8, 1, 1)
    push(replay, 1, 2, 8)
    push(replay, 2, 3, 4)
    push(replay, 3, 4, 2, terminated=True)
    push(replay, 4, 5, 1)  # It starts where the other ended, but does not continue it.
    assert found(replay, 2) == [(1, 10, 10, 0.5, 3), (2, 20, 5, 1, 4), (3, 30, 2, 1, 4), (4, 40, 1, 0, 5)]
    assert found(replay, 3) == [(1, 10, 10.5, 1, 4), (2, 20, 5, 1, 4), (3, 30, 2, 1, 4), (4, 40, 1, 0, 5)]
    assert found(replay, 1) == [(1, 10, 8, 0, 2), (2, 20, 4, 0, 3), (3, 30, 2, 1, 4), (4, 40, 1, 0, 5)]


@each_layout
def test_a_truncated_episode_by_hand(layout):
    """Episode 1 -> 2 -> 3, cut off there; the next one starts at 7. The value of 3 is bootstrapped with gamma^2."""
    replay = layout(1, 8, 1, 1)
    push(replay, 1, 2, 8)
    push(replay, 2, 3, 4)
    push(replay, 7, 8, 2)
    push(replay, 8, 9, 16)
    assert found(replay, 3) == [(1, 10, 10, 0.5, 3), (2, 20, 4, 0, 3), (7, 70, 10, 0.5, 9), (8, 80, 16, 0, 9)]


@each_layout
def test_a_ring_that_is_full_by_hand(layout):
    """Five steps in a ring of 4: the newest is in row 0, so row 3 is continued by row 0, and row 0 by nothing."""
    replay = layout(1, 4, 1, 1)
    for i, reward in enumerate((32, 16, 8, 4, 2)):
        push(replay, i, i + 1, reward)
    assert found(replay, 2) == [(4, 40, 2, 0, 5), (1, 10, 20, 0.5, 3), (2, 20, 10, 0.5, 4), (3, 30, 5, 0.5, 5)]
    assert found(replay, 10) == [
        (4, 40, 2, 0, 5), (1, 10, 16 + 4 + 1 + 0.25, 1 - 0.125, 5), (2, 20, 8 + 2 + 0.5, 0.75, 5), (3, 30, 5, 0.5, 5),
    ]  # fmt: skip


@each_layout
def test_a_loop_is_not_followed_beyond_the_newest(layout):
    """The oldest transition starts where the newest ends: 0 -> 1 -> 0."""
    replay = layout(1, 2, 1, 1)
    push(replay, 0, 1, 4)
    push(replay, 1, 0, 8)
    assert found(replay, 5) == [(0, 0, 8, 0.5, 0), (1, 10, 8, 0, 0)]


def test_minus_zero_does_not_continue_zero():
    replay = Replay(1, 4, 1, 1)
    push(replay, 1, 0.0, 4)
    push(replay, -0.0, 2, 8)
    assert found(replay, 2)[0] == (1, 10, 4, 0, 0)


@each_layout
@pytest.mark.parametrize(("gamma", "discount"), [(0.0, 0.0), (1.0, 1.0)])
def test_the_smallest_and_the_largest_discount(gamma, discount, layout):
    replay = layout(1, 4, 1, 1)
    push(replay, 1, 2, 8)
    push(replay, 2, 3, 4)
    batch = replay.sample(torch.zeros(1, 1, dtype=torch.float64), 2, gamma)
    target = losses.td_target(batch.reward, batch.terminated, gamma, torch.ones(1, 1))
    assert target.item() == 8 + gamma * 4 + discount


def plain_targets(steps: list[Step], run: int, i: int, n_step: int, value: float) -> tuple[float, np.ndarray]:
    """Target of the transition i of a list, from the oldest to the newest, and the state that is bootstrapped."""
    total, discount = 0.0, 1.0
    for t in range(i, len(steps)):
        step = steps[t]
        if t > i and step.obs[run].tobytes() != steps[t - 1].next_obs[run].tobytes():
            return total + discount * value, steps[t - 1].next_obs[run]
        total += discount * float(np.float32(step.reward[run]))
        discount *= GAMMA
        if step.terminated[run]:
            return total, step.next_obs[run]
        if t == i + n_step - 1:
            break
    return total + discount * value, steps[t].next_obs[run]


@pytest.mark.parametrize("share", [0.0, 0.2, 0.6])
@pytest.mark.parametrize(("capacity", "n_step"), [(1, 2), (3, 5), (7, 2), (20, 3), (20, 8)])
def test_every_target_against_a_loop_over_a_list(capacity, n_step, share):
    """Both layouts, over several rounds of the ring and after restoring the state; the layouts agree to the bit."""
    layouts = [layout(3, capacity, OBS, ACT) for layout in (Replay, ChainedReplay)]
    steps: list[Step] = []
    for t, step in enumerate(life(3, share, 2 * capacity + 15)):
        steps = [*steps, step][-capacity:]
        for replay in layouts:
            replay.push(step)
        if t % 5 == 3:
            state = copy.deepcopy(layouts[0].state_dict())
            for replay in layouts:
                replay.load_state_dict(state)
        whole, chained = (replay.sample(every_row(replay), n_step, GAMMA) for replay in layouts)
        assert torch.equal(whole.rows, chained.rows)
        target = losses.td_target(whole.reward, whole.terminated, GAMMA, torch.full(whole.reward.shape, 7.0))
        for run in range(3):
            for row in range(len(steps)):
                i = row if t < capacity else (row - t - 1) % capacity  # The oldest is in row (t + 1) mod capacity.
                expected, successor = plain_targets(steps, run, i, n_step, 7.0)
                assert target[run, row].item() == pytest.approx(expected, rel=2e-6, abs=2e-6)
                np.testing.assert_array_equal(whole.next_obs[run, row], successor)
                np.testing.assert_array_equal(whole.obs[run, row], steps[i].obs[run])
                np.testing.assert_array_equal(whole.action[run, row], steps[i].action[run])


@each_layout
def test_a_slot_has_the_bits_it_has_alone(layout):
    uniforms = torch.from_numpy(rng(1).random((16, 50)))
    steps = list(life(16, 0.1, 60))

    def sampled(runs: slice) -> Batch:
        replay = layout(len(range(16)[runs]), 40, OBS, ACT)
        for step in steps:
            replay.push(Step(*(numbers[runs] for numbers in step)))
        return replay.sample(uniforms[runs], 5, GAMMA)

    together = sampled(slice(None))
    for run in range(16):
        assert torch.equal(together.rows[run], sampled(slice(run, run + 1)).rows[0])


def make_agent(seeds: tuple[int, ...], engine: str = "eager", n_step: int = 3) -> SAC:
    """A stack whose runs differ in step size and discount their rewards over several steps."""
    settings = [
        SACHyperparameters(hidden_dim=16, batch_size=8, replay_capacity=20, n_step=n_step, critic_lr=1e-3 * (1 + seed))
        for seed in seeds
    ]
    agent = make_sac(settings, seeds, OBS, ACT)
    assert start_engine(agent, engine, 1).engine == engine
    return agent


def learn(agent: SAC, first: int, last: int) -> None:
    """Learn from steps of episodes of 9 steps; each run's states are its own."""
    for t in range(first, last):
        states = np.stack([np.stack([rng(seed, t // 9, s).random(OBS, np.float32) for s in (t % 9, t % 9 + 1)])
                           for seed in agent.random_seeds])  # fmt: skip
        ended = np.full(agent.runs, t % 9 == 8 and t % 2, np.float32)
        reward = states[:, 0].sum(1)
        agent.observe(Step(states[:, 0], agent.act(states[:, 0]), reward, states[:, 1], ended, 1 - ended))
        agent.update()


def assert_same_runs(found: SAC, slots: list[int], expected: SAC) -> None:
    """What slot slots[r] of `found` has learned is what run r of `expected` has, to the bit."""
    for run, slot in enumerate(slots):
        learned = found.learned_params(slot)
        for name, array in expected.learned_params(run).items():
            np.testing.assert_array_equal(learned[name], array, err_msg=name)


def test_a_stack_learns_what_its_runs_learn_alone():
    stack = make_agent((3, 0, 1))
    learn(stack, 0, 50)
    for slot, seed in enumerate((3, 0, 1)):
        alone = make_agent((seed,))
        learn(alone, 0, 50)
        assert_same_runs(stack, [slot], alone)
    plain = make_agent((3,), n_step=1)
    learn(plain, 0, 50)
    assert not np.array_equal(plain.learned_params(0)["actor/weight_0"], stack.learned_params(0)["actor/weight_0"])


def test_runs_resume_and_change_stacks_exactly():
    """Over an episode that is under way and a ring that is full."""
    whole = make_agent((3, 0, 1))
    learn(whole, 0, 31)
    states = copy.deepcopy(whole.run_states())
    learn(whole, 31, 50)
    resumed = make_agent((1, 3))
    resumed.load_run_states([states[2], states[0]])
    learn(resumed, 31, 50)
    assert_same_runs(whole, [2, 0], resumed)


def test_the_last_batch_is_what_was_learned_from():
    agent = make_agent((0,))
    learn(agent, 0, 30)
    assert agent.last_batch is not None
    discounts = {float(np.float32(1.0 - 0.9**k)) for k in (0, 1, 2)} | {1.0}
    assert len(set(agent.last_batch.terminated.flatten().tolist())) > 1
    assert set(agent.last_batch.terminated.flatten().tolist()) <= discounts


def test_the_compiled_code_is_that_of_one_step():
    texts = []
    for n_step in (1, 3):
        agent = make_agent((0,), n_step=n_step)
        arguments = example_arguments(alike(agent, 1))["update_networks"]
        traced = trace(update_networks, (alike(agent, 1), alike(agent, 2)), arguments)
        texts.append(write_source("update_networks", traced.graph, traced.inputs).text)
    assert texts[0] == texts[1]


@needs_compiler
def test_compiled_agrees_with_eager_on_the_same_batch():
    """Sampling has the same bits, and one update from the same parameters agrees but for rounding."""
    eager, compiled = make_agent((0, 2)), make_agent((0, 2), "compiled")
    learn(eager, 0, 30)
    compiled.load_state_dict(eager.state_dict())
    learn(eager, 30, 31)
    learn(compiled, 30, 31)
    assert eager.last_batch is not None
    assert compiled.last_batch is not None
    steps = eager.last_batch.rows.shape[1]
    assert steps == 8
    own = slice(OBS), slice(OBS + ACT, None)  # The newest action was drawn by different code.
    for columns in own:
        assert torch.equal(eager.last_batch.rows[..., columns], compiled.last_batch.rows[..., columns])
    for slot in range(2):
        learned = compiled.learned_params(slot)
        for name, array in eager.learned_params(slot).items():
            np.testing.assert_allclose(learned[name], array, rtol=0.0, atol=1e-4, err_msg=name)
