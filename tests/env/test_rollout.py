"""The fingerprint: the bytes its hash covers, its trace, steps past the end of an episode, and what changes it."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys
import warnings
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from env import EpisodeProtocol, Episodes, make_env
from env.episodes.rollout import PLANS, RECORDED_STEPS, STEPS, take_fingerprint, weighted_sums
from utils.core.random_streams import env_seed, make_generator

ROOT = Path(__file__).resolve().parents[2]

LENGTH = 150
"""Steps to the end of `Script`'s episodes."""


class Script(gym.Env):
    """An environment that records its actions and seeds, observes the step's number, and ends at step 150."""

    def __init__(self, actions: gym.Space, last: float = 1.0) -> None:
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, (2,), np.float64)
        self.action_space, self.last, self.actions, self.seeds = actions, last, [], []

    def reset(self, *, seed=None, options=None):
        self.seeds.append(seed)
        self.t = 0
        return np.array([-1.0, 0.0]), {}

    def step(self, action):
        self.actions.append(action)
        self.t += 1
        if self.t > LENGTH:
            self.continue_past_end()
        reward = self.last if len(self.actions) == len(PLANS) * STEPS else 1.0
        return self.observe(), reward, self.t == LENGTH, False, {}

    def observe(self):
        return np.array([0.5, self.t])

    def continue_past_end(self):
        """Do what the environment does in a step past the end."""


class RaisesPastEnd(Script):
    def continue_past_end(self):
        raise AssertionError("the episode is over")


class NotFinitePastEnd(Script):
    def observe(self):
        return np.array([0.5, self.t if self.t <= LENGTH else np.nan])


class OtherShapePastEnd(Script):
    def observe(self):
        return np.array([0.5, self.t] if self.t <= LENGTH else [0.5])


class NotRepeatedPastEnd(Script):
    made = 0

    def __init__(self, actions):
        super().__init__(actions)
        type(self).made += 1
        self.number = self.made

    def observe(self):
        return np.array([0.5, self.t if self.t <= LENGTH else self.number])


class WarnsPastEnd(Script):
    def continue_past_end(self):
        warnings.warn("step() was called past the end", stacklevel=2)


class FailsInside(Script):
    def observe(self):
        raise ArithmeticError("inside an episode")


BOX = gym.spaces.Box(np.array([-2.0, 0.0], np.float32), np.array([1.0, 5.0], np.float32))


def fingerprint(make, **protocol):
    return take_fingerprint(lambda: Episodes(make(), EpisodeProtocol(**{"steps_per_episode": 1000} | protocol), 7))


def expected_hash(past_ends: bool) -> str:
    """By hand: three rollouts, each 150 steps to a terminal state and 50 past it, or after a reset; rewards 1."""
    start, one = np.array([-1.0, 0.0]).tobytes(), np.float64(1.0).tobytes()

    def steps(*times):
        return b"".join(np.array([0.5, t]).tobytes() + one + bytes((t == LENGTH, 0)) for t in times)

    whole, half = range(1, STEPS + 1), range(1, LENGTH + 1)
    rollout = start + (steps(*whole) if past_ends else steps(*half) + start + steps(*range(1, STEPS - LENGTH + 1)))
    return f"2:{hashlib.sha256(bytes((past_ends,)) + 3 * rollout).hexdigest()[:16]}"


def test_the_bytes_by_hand():
    made = []
    found = fingerprint(lambda: made.append(Script(BOX)) or made[-1])
    assert found.hash == expected_hash(past_ends=True)
    assert made[0].seeds == [env_seed(number, "probe") for number in range(3)]
    assert made[1].seeds == [env_seed(0, "probe")]
    assert len(made[1].actions) == LENGTH + 20


@pytest.mark.parametrize("kind", [RaisesPastEnd, NotFinitePastEnd, OtherShapePastEnd, NotRepeatedPastEnd])
def test_an_environment_that_cannot_be_stepped_past_an_end_is_reset_there(kind):
    found = fingerprint(lambda: kind(BOX))
    assert found.hash == expected_hash(past_ends=False)
    assert [[len(entry) for entry in rollout] for rollout in found.trace["sums"]] == [[2] * 21] * 3


def test_errors_inside_an_episode_are_raised():
    with pytest.raises(ArithmeticError, match="inside an episode"):
        fingerprint(lambda: FailsInside(BOX))


def test_warnings_of_steps_past_an_end_are_not_shown():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fingerprint(lambda: WarnsPastEnd(BOX)) == fingerprint(lambda: Script(BOX))


def test_actions_are_held_then_full_range_then_small():
    made = []
    fingerprint(lambda: made.append(Script(BOX)) or made[-1])
    held, full, small = np.array(made[0].actions).reshape(3, STEPS, 2)
    low, width = np.array([-2.0, 0.0]), np.array([3.0, 5.0])
    drawn = [make_generator(run, "act").random((STEPS, 2)) for run in range(3)]
    np.testing.assert_array_equal(held, np.repeat((low + drawn[0][:20] * width).astype(np.float32), 10, axis=0))
    np.testing.assert_array_equal(full, (low + drawn[1] * width).astype(np.float32))
    np.testing.assert_allclose(small, low + 0.45 * width + drawn[2] * 0.1 * width, atol=1e-6)


def test_discrete_actions_are_uniform_draws():
    made = []
    fingerprint(lambda: made.append(Script(gym.spaces.Discrete(3, start=4))) or made[-1])
    drawn = [[4 + int(3 * u) for u in make_generator(run, "act").random(STEPS)] for run in range(3)]
    assert made[0].actions == [action for action in drawn[0][:20] for _ in range(10)] + drawn[1] + drawn[2]


def test_the_trace_by_hand():
    """At step t, the observation (0.5, t) has the sum 0.5 w1 + t w2."""
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    first, second = 0.5 + golden, 0.5 + 2.0 * golden - 1.0
    trace = fingerprint(lambda: Script(BOX)).trace
    assert trace["steps"] == [1, *range(10, 201, 10)] == list(RECORDED_STEPS)
    assert trace["dtype"] == "float64"
    for rollout in trace["sums"]:
        np.testing.assert_allclose(
            [total for total, _ in rollout], [0.5 * first + t * second for t in RECORDED_STEPS], rtol=1e-15
        )
        assert [size for _, size in rollout] == [float(f"{total:.3g}") for total, _ in rollout]


@pytest.mark.parametrize(
    ("obs", "sums"),
    [
        ([], [0.0, 0.0]),
        ([0.0, -0.0], [0.0, 0.0]),
        ([1.0], [0.5 + (math.sqrt(5.0) - 1.0) / 2.0, 1.12]),
        ([-1.0], [-0.5 - (math.sqrt(5.0) - 1.0) / 2.0, 1.12]),
        ([1.0, -1e300], None),
        ([np.inf, 1.0], None),
        ([np.nan], None),
    ],
)
def test_weighted_sums(obs, sums):
    assert weighted_sums(np.array(obs)) == sums


def test_a_float32_is_summed_without_a_warning():
    assert weighted_sums(np.array([1.0], np.float32)) == weighted_sums(np.array([1.0]))
    assert weighted_sums(np.array([np.inf], np.float32)) is None


def test_a_sum_does_not_depend_on_the_order_of_the_entries():
    """It is rounded once: the exact sum of the rounded products."""
    obs = np.random.default_rng(0).normal(size=1000) * 10.0 ** np.random.default_rng(1).integers(-12, 12, 1000)
    weights = 0.5 + np.arange(1, 1001) * ((math.sqrt(5.0) - 1.0) / 2.0) % 1.0
    found = weighted_sums(obs)
    assert found is not None
    assert found[0] == math.fsum(sorted(weights * obs))


def test_the_last_reward_and_the_protocol_change_the_hash():
    hashes = [
        fingerprint(lambda: Script(BOX)).hash,
        fingerprint(lambda: Script(BOX, last=np.nextafter(1.0, 2.0))).hash,
        fingerprint(lambda: Script(BOX), steps_per_episode=100).hash,
        fingerprint(lambda: Script(BOX), overwrite_rewards=True, rewards={"timestep": -1.0, "goal": 0.0}).hash,
    ]
    assert len(set(hashes)) == 4


@pytest.mark.parametrize("name", ["Pendulum-v1", "CartPole-v1", "HalfCheetah-v5", "InvertedPendulum-v5"])
def test_the_fingerprint_is_reproducible_in_another_process(name):
    def take():
        return take_fingerprint(lambda: Episodes(make_env(name), EpisodeProtocol(70), 3))

    found = take()
    assert take() == found
    code = (
        "from env import *; from env.episodes.rollout import take_fingerprint\n"
        f"print(take_fingerprint(lambda: Episodes(make_env('{name}'), EpisodeProtocol(70), 0)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(found)
    assert len(found.hash) == 18


def test_other_physics_changes_the_fingerprint():
    a, b = (fingerprint(lambda g=g: make_env("Pendulum-v1", g=g)) for g in (10.0, 10.000001))
    assert a.hash != b.hash
    assert a.trace != b.trace


@pytest.mark.parametrize("limit", [1.0, 1.0001])
def test_a_rail_that_episodes_reach_only_past_their_end_is_seen(limit):
    """Random episodes of InvertedPendulum-v5 have about seven steps; the cart's rail ends after 1 m."""

    def make(rail):
        env = make_env("InvertedPendulum-v5")
        env.unwrapped.model.jnt_range[0] = (-rail, rail)
        return env

    assert (fingerprint(lambda: make(limit)).hash == fingerprint(lambda: make(1.0)).hash) == (limit == 1.0)
