"""Actions whose bounds differ by side and by dimension."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from click.testing import CliRunner

import env
import main
from env import EnvEntry, EpisodeProtocol, Episodes, make_env

ROOT = Path(__file__).resolve().parents[2]


class Uneven(gym.Env):
    """An environment whose bounds differ by side and dimension. Its observation is the action it received."""

    low, high = np.array([-1.0, 0.0, -4.0], np.float32), np.array([3.0, 0.5, -2.0], np.float32)
    observation_space = action_space = gym.spaces.Box(low, high)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.low.copy(), {}

    def step(self, action):
        return np.array(action, np.float32), 0.0, False, False, {}


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """Register Uneven by name."""
    monkeypatch.setitem(env.ENVS, "Uneven", EnvEntry(__name__, "Uneven", ("continuous",)))


def test_each_bound_clips_its_own_side_and_dimension():
    episodes = Episodes(make_env("Uneven", True), EpisodeProtocol(10), seed=0)
    episodes.reset()
    for action, received in (
        ([-2.0, -1.0, -9.0], [-1.0, 0.0, -4.0]),
        ([9.0, 0.75, 0.0], [3.0, 0.5, -2.0]),
        ([2.5, 0.25, -3.0], [2.5, 0.25, -3.0]),
    ):
        np.testing.assert_array_equal(episodes.step(np.array(action, np.float32))[0], received)


@pytest.mark.parametrize("agent", ["Random", "SAC_classic_best_pendulum"])
def test_an_agents_actions_fill_the_bounds(agent, files, tmp_path):
    done = CliRunner().invoke(main.main, [
        "--env-json", files.environment(env_name="Uneven", total_timesteps=300, record=["train_actions"]),
        "--agent-json", str(ROOT / f"config/agent/{agent}.json"), "--save-dir", str(tmp_path / "out"),
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    (path,) = (tmp_path / "out").glob("*/*.npz")
    with np.load(path) as arrays:
        actions = arrays["train_actions"]
    assert actions.shape == (300, 3)
    assert (actions >= Uneven.low).all()
    assert (actions <= Uneven.high).all()
    assert ((actions.max(axis=0) - actions.min(axis=0)) > 0.8 * (Uneven.high - Uneven.low)).all()
