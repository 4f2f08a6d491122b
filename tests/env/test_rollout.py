"""The rollout hash: the bytes it covers, its reproducibility, and what changes it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from env import EpisodeProtocol, Episodes, make_env
from env.episodes.rollout import STEPS, rollout_hash
from utils.core.random_streams import env_seed, make_generator

ROOT = Path(__file__).resolve().parents[2]


class Script(gym.Env):
    """An environment that records its actions and seeds, observes the step's number, and ends at step 150."""

    def __init__(self, actions: gym.Space, last: float = 0.0) -> None:
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, (2,), np.float64)
        self.action_space, self.last, self.actions, self.seeds = actions, last, [], []

    def reset(self, *, seed=None, options=None):
        self.seeds.append(seed)
        self.t = 0
        return np.array([-1.0, 0.0]), {}

    def step(self, action):
        self.actions.append(action)
        self.t += 1
        return np.array([0.5, self.t]), self.last if len(self.actions) == STEPS else 1.0, self.t == 150, False, {}


BOX = gym.spaces.Box(np.array([-2.0, 0.0], np.float32), np.array([1.0, 5.0], np.float32))


def test_the_bytes_by_hand():
    """150 steps to a terminal state, a reset, 50 more; rewards 1."""
    start = np.array([-1.0, 0.0]).tobytes()

    def steps(count):
        one = np.float64(1.0).tobytes()
        return b"".join(np.array([0.5, t]).tobytes() + one + bytes((t == 150, 0)) for t in range(1, count + 1))

    expected = hashlib.sha256(start + steps(150) + start + steps(50)).hexdigest()[:16]
    env = Script(BOX, last=1.0)
    assert rollout_hash(Episodes(env, EpisodeProtocol(1000), 7)) == expected
    assert env.seeds == [env_seed(0, "env"), None]


def test_actions_are_uniform_draws_from_run_0s_stream():
    env = Script(BOX)
    rollout_hash(Episodes(env, EpisodeProtocol(1000), 0))
    drawn = make_generator(0, "act").random((STEPS, 2))
    np.testing.assert_array_equal(env.actions, ([-2.0, 0.0] + drawn * [3.0, 5.0]).astype(np.float32))
    discrete = Script(gym.spaces.Discrete(3, start=4))
    rollout_hash(Episodes(discrete, EpisodeProtocol(1000), 0))
    assert discrete.actions == [4 + int(3 * u) for u in make_generator(0, "act").random(STEPS)]


def test_the_last_reward_and_the_protocol_change_the_hash():
    def found(last=0.0, **protocol):
        return rollout_hash(Episodes(Script(BOX, last), EpisodeProtocol(**{"steps_per_episode": 1000} | protocol), 0))

    hashes = [
        found(), found(last=np.nextafter(0.0, 1.0)), found(steps_per_episode=100),
        found(overwrite_rewards=True, rewards={"timestep": -1.0, "goal": 0.0}),
    ]  # fmt: skip
    assert len(set(hashes)) == 4


@pytest.mark.parametrize("name", ["Pendulum-v1", "CartPole-v1", "HalfCheetah-v5"])
def test_the_hash_is_reproducible_in_another_process(name):
    episodes = Episodes(make_env(name), EpisodeProtocol(70), 3)
    found = rollout_hash(episodes)
    assert rollout_hash(episodes) == found
    code = (
        "from env import *; from env.episodes.rollout import rollout_hash\n"
        f"print(rollout_hash(Episodes(make_env('{name}'), EpisodeProtocol(70), 0)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == found
    assert len(found) == 16


def test_other_physics_changes_the_hash():
    a, b = (rollout_hash(Episodes(make_env("Pendulum-v1", g=g), EpisodeProtocol(200), 0)) for g in (10.0, 10.000001))
    assert a != b
