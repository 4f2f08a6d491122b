"""Running statistics of observations, and what networks see of them: by value, in any stack, resumed, rebuilt."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from agent.actor_critic_hyperparameters import SACHyperparameters
from agent.base import Batch
from agent.observation_statistics import CLIP, EPSILON, ObservationStatistics
from agent.replay.buffer import Replay
from tests.support.reference import GAMMA, PlainSAC, make_box, make_sac, rng, transitions
from utils.core.random_streams import Draws
from utils.core.transition import Step

OBS, DIMS = 3, 2
WIDTH = 2 * OBS + DIMS + 2


def observations(runs: int, steps: int) -> np.ndarray:
    """Observations (steps, R, O), float32, far from 0 and of different scales."""
    draw = rng(8).standard_normal((steps, runs, OBS))
    return (draw * [1e-3, 1.0, 1e3] + [5.0, -2.0, 1e4]).astype(np.float32)


def make(runs: int = 2) -> ObservationStatistics:
    return ObservationStatistics(Replay(runs, 10, OBS, DIMS))


def test_the_statistics_are_those_of_all_observations():
    statistics, obs = make(), observations(2, 1000)
    for each in obs:
        statistics.add(each)
    wide = obs.astype(np.float64)
    np.testing.assert_allclose(statistics.mean, wide.mean(0), rtol=1e-12)
    np.testing.assert_allclose(statistics.variance, wide.var(0), rtol=1e-9)


def test_before_the_first_observation_nothing_is_changed():
    obs = torch.from_numpy(rng(1).standard_normal((2, 1, OBS)).astype(np.float32))
    assert torch.equal(make().normalize_obs(obs), obs)


def test_what_networks_see():
    """(x - mean) / sqrt(variance + 1e-8), at most 10 in size; actions, rewards and terminations as they are."""
    statistics, obs = make(), observations(2, 50)
    for each in obs:
        statistics.add(each)
    rows = torch.from_numpy(rng(2).standard_normal((2, 7, WIDTH)).astype(np.float32) * 100.0)
    rows[..., :OBS] = torch.from_numpy(obs[:7].swapaxes(0, 1))
    batch, raw = statistics.normalize(Batch(rows, OBS, DIMS)), rows.clone()
    mean, deviation = statistics.mean[:, None], np.sqrt(statistics.variance + EPSILON)[:, None]
    for found, x in ((batch.obs, raw[..., :OBS]), (batch.next_obs, raw[..., OBS + DIMS + 2 :])):
        expected = np.clip((x.numpy() - mean) / deviation, -CLIP, CLIP)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
    assert (batch.next_obs.abs() <= CLIP).all()
    assert (batch.next_obs.abs() == CLIP).any(), "some are clipped"
    assert torch.equal(batch.rows[..., OBS : OBS + DIMS + 2], raw[..., OBS : OBS + DIMS + 2])
    assert torch.equal(rows, raw), "the batch itself is not changed"
    assert torch.equal(statistics.normalize_obs(raw[..., :OBS]), batch.obs)


def test_a_number_that_is_not_finite_stays_in_its_run():
    statistics, other = make(), make()
    for each in observations(2, 9):
        other.add(each)
        each[0, 1] = np.inf
        statistics.add(each)
    assert not np.isfinite(statistics.mean[0, 1])
    np.testing.assert_array_equal(statistics.mean[1], other.mean[1])


def setting(**options: Any) -> SACHyperparameters:
    return SACHyperparameters(batch_size=8, hidden_dim=16, normalize_observations=True, **options)


def live(agent, first: int, steps: int) -> list[np.ndarray]:
    """Act and learn on transitions of each run's own. Returns the actions."""
    outputs = [transitions(seed, first + steps, OBS) for seed in agent.random_seeds]
    found = []
    for t in range(first, first + steps):
        step = {name: np.stack([run[name][t] for run in outputs]) for name in outputs[0]}
        step["obs"], step["next_obs"] = 5.0 + 3.0 * step["obs"], 5.0 + 3.0 * step["next_obs"]
        found.append(agent.act(step["obs"]))
        agent.observe(Step(action=found[-1], **step))
        agent.update()
    return found


def test_an_update_is_sacs_on_normalized_observations():
    """After 30 steps one more update, against the loops and autograd of a single float64 run."""
    agent = make_sac([setting()], [3], OBS, DIMS)
    live(agent, 0, 30)
    plain = PlainSAC(agent.settings[0], agent.learned_params(0), make_box(DIMS))
    for ours, theirs in ((plain.critic_adam, agent.critic), (plain.actor_adam, agent.actor)):
        ours.t = int(theirs.optimizer.count)
    load_moments(plain, agent)
    mean, deviation = agent.statistics.mean[0], np.sqrt(agent.statistics.variance[0] + EPSILON)
    replay_draws, update_draws = copy.deepcopy(agent._replay_draws), copy.deepcopy(agent._update_draws)
    batch = agent.replay.sample(replay_draws.uniform(8))
    raw = {name: getattr(batch, name)[0].double() for name in ("obs", "action", "reward", "terminated", "next_obs")}
    for name in ("obs", "next_obs"):
        raw[name] = ((raw[name] - torch.from_numpy(mean)) / torch.from_numpy(deviation)).clamp(-CLIP, CLIP)
    raw["action"] = 0.25 + 1.25 * raw["action"]  # To the environment's units, from which the reference converts it.
    metrics = agent.update()
    losses = plain.update(raw, agent.draw_update_noise(update_draws)[0].double(), GAMMA)
    for name, loss in losses.items():
        assert metrics[name].item() == pytest.approx(loss, rel=1e-4, abs=1e-5)
    for name, array in plain.learned_params().items():
        np.testing.assert_allclose(agent.learned_params(0)[name], array, rtol=1e-3, atol=2e-4, err_msg=name)


def load_moments(plain: PlainSAC, agent) -> None:
    """Give the reference's optimizers the moments of the agent's."""
    actor, critic = agent.actor, agent.critic
    for moment in ("mean", "square"):
        arrays = actor.mlp.to_arrays(getattr(actor.optimizer, moment)[0])
        target = plain.actor_adam.m if moment == "mean" else plain.actor_adam.v
        target[:] = [torch.from_numpy(arrays[name]).double() for name in plain.actor]
        target = plain.critic_adam.m if moment == "mean" else plain.critic_adam.v
        found = []
        for c, own in enumerate(plain.critics):
            arrays = critic.mlp.to_arrays(getattr(critic.optimizer, moment)[c, 0])
            found += [torch.from_numpy(arrays[name]).double() for name in own]
        target[:] = found


def test_replay_and_recorded_batches_keep_the_observations_themselves():
    agent = make_sac([setting()], [3], OBS, DIMS)
    live(agent, 0, 30)
    rows = agent.replay.read_rows(0, slice(0, 30))
    np.testing.assert_array_equal(rows[:, :OBS], 5.0 + 3.0 * transitions(3, 30, OBS)["obs"])
    assert agent.last_batch.obs.mean() > 3.0


def test_evaluation_uses_the_statistics_and_changes_nothing():
    agent = make_sac([setting()], [3], OBS, DIMS)
    live(agent, 0, 30)
    before = copy.deepcopy(agent.statistics.state_dict())
    obs = observations(1, 1)[0]
    seen = np.clip((obs - agent.statistics.mean) / np.sqrt(agent.statistics.variance + EPSILON), -CLIP, CLIP)
    head, _ = agent.actor.forward(torch.from_numpy(seen.astype(np.float32)).unsqueeze(1))
    expected = agent.units.to_environment(agent.policy.mode(head))[:, 0]
    np.testing.assert_allclose(agent.act_eval(obs, greedy=True), expected, rtol=1e-5)
    agent.act_eval(obs, greedy=False)
    after = agent.statistics.state_dict()
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)


def test_a_run_has_the_same_bits_in_every_stack():
    alone, stack = make_sac([setting()], [3], OBS, DIMS), make_sac([setting()] * 3, [7, 3, 1], OBS, DIMS)
    for a, b in zip(live(alone, 0, 25), live(stack, 0, 25), strict=True):
        np.testing.assert_array_equal(a[0], b[1])
    expected, found = alone.learned_params(0), stack.learned_params(1)
    assert {"observations/mean", "observations/variance"} <= expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_runs_resume_exactly_in_other_stacks():
    original, other = make_sac([setting()] * 3, [7, 3, 1], OBS, DIMS), make_sac([setting()] * 2, [1, 7], OBS, DIMS)
    live(original, 0, 15)
    states = copy.deepcopy(original.run_states())
    other.load_run_states([states[2], states[0]])
    for a, b in zip(live(original, 15, 10), live(other, 15, 10), strict=True):
        np.testing.assert_array_equal(a[[2, 0]], b)


def test_without_the_option_there_is_no_state_of_it():
    agent = make_sac([SACHyperparameters()], [3], OBS, DIMS)
    assert "statistics" not in agent.state_dict()
    assert "warm_up" not in agent.state_dict()
    assert not any(name.startswith("observations") for name in agent.learned_params(0))


def test_the_update_stream_is_not_moved():
    """Normalization draws nothing."""
    agent = make_sac([setting()], [3], OBS, DIMS)
    live(agent, 0, 10)
    draws = Draws([3], "update")
    for _ in range(3):
        agent.draw_update_noise(draws)
    assert agent._update_draws.state_dict()["next"] == draws.state_dict()["next"]
