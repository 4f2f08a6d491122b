"""MinAtar's games: equal to the package's, repeatable, flat, and without its drawing libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.utils import seeding
from minatar import Environment

from env import make_env
from env.tasks.min_atar import GAMES

ROOT = Path(__file__).resolve().parents[2]
MINIMAL = {"Asterix": 5, "Breakout": 3, "Freeway": 3, "Seaquest": 6, "SpaceInvaders": 4}
CHANNELS = {"Asterix": 4, "Breakout": 4, "Freeway": 7, "Seaquest": 10, "SpaceInvaders": 6}


def play(game: str, seed: int, steps: int = 400, **env_kwargs):
    """Return observations, rewards and ends of successive episodes under fixed actions."""
    env = make_env(f"MinAtar{game}", **env_kwargs)
    rows: list[Any] = [(env.reset(seed=seed)[0], 0.0, False)]
    for action in np.random.default_rng(7).integers(env.action_space.n, size=steps):
        rows.append(env.step(int(action))[:3])
        if rows[-1][2]:
            rows.append((env.reset()[0], 0.0, False))
    obs, rewards, ends = zip(*rows, strict=True)
    return np.array(obs), list(rewards), list(ends)


@pytest.mark.parametrize("game", GAMES)
def test_spaces(game):
    env = make_env(f"MinAtar{game}")
    assert env.action_space.n == MINIMAL[game]
    assert make_env(f"MinAtar{game}", use_minimal_action_set=False).action_space.n == 6
    assert env.observation_space.shape == (100 * CHANNELS[game],)
    obs, rewards, _ = play(game, seed=0)
    assert obs.dtype == np.float32
    assert set(np.unique(obs)) == {0.0, 1.0}
    assert set(rewards) <= {0.0, *map(float, range(1, 11))}


@pytest.mark.parametrize("game", GAMES)
def test_the_seed_determines_the_game(game):
    first, again, other = play(game, 3), play(game, 3), play(game, 4)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0][:200], other[0][:200])


@pytest.mark.parametrize("game", GAMES)
def test_games_are_the_packages(game):
    """One episode with sticky actions, against the package's own class with an equal generator."""
    env = make_env(f"MinAtar{game}", sticky_action_prob=0.3)
    package = Environment(GAMES[game], sticky_action_prob=0.3)
    package.random = package.env.random = np.random.RandomState(seeding.np_random(5)[0].bit_generator)
    package.reset()
    np.testing.assert_array_equal(env.reset(seed=5)[0], package.state().ravel())
    for action in np.random.default_rng(1).integers(env.action_space.n, size=300):
        obs, reward, terminated, truncated, _ = env.step(action)
        assert (reward, terminated) == package.act(package.minimal_action_set()[action])
        np.testing.assert_array_equal(obs, package.state().ravel())
        assert not truncated
        if terminated:
            break


def test_a_sticky_action_repeats_the_previous_one():
    """Always sticky: the paddle never moves, whatever the action. Never sticky: it moves at once."""
    for probability, places in ((1.0, [4, 4, 4]), (0.0, [3, 2, 1])):
        env = make_env("MinAtarBreakout", sticky_action_prob=probability)
        env.reset(seed=0)
        rows = [env.step(1)[0].reshape(10, 10, 4) for _ in range(3)]
        assert [int(row[9, :, 0].argmax()) for row in rows] == places


def test_an_episode_starts_without_a_previous_action():
    env = make_env("MinAtarBreakout", sticky_action_prob=0.0)
    env.reset(seed=0)
    env.step(1)
    env.reset()
    env.unwrapped.sticky_action_prob = 1.0
    assert env.step(1)[0].reshape(10, 10, 4)[9, :, 0].argmax() == 4


@pytest.mark.parametrize("ramping", [True, False])
def test_difficulty_ramping(ramping):
    """Asterix's entities speed up every 100 steps, or never."""
    env = make_env("MinAtarAsterix", difficulty_ramping=ramping, sticky_action_prob=0.0)
    env.reset(seed=0)
    for _ in range(210):
        env.unwrapped.game.terminal = False
        env.step(0)
    assert env.unwrapped.game.difficulty_ramp() == (2 if ramping else 0)


def test_no_drawing_library_is_imported():
    probe = (
        "import sys; from env import make_env; env = make_env('MinAtarSeaquest', render_mode='rgb_array')\n"
        "env.reset(seed=0); env.step(0); env.render()\n"
        "found = {'matplotlib', 'seaborn', 'pandas', 'tkinter', 'pygame', 'minatar'} & sys.modules.keys()\n"
        "assert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_a_picture_shows_the_cells():
    env = make_env("MinAtarBreakout", render_mode="rgb_array")
    obs, _ = env.reset(seed=0)
    image = np.asarray(env.render())
    assert image.shape == (300, 300, 3)
    shown = (image[15::30, 15::30] > 0).any(axis=2)
    np.testing.assert_array_equal(shown, obs.reshape(10, 10, 4).any(axis=2))


def test_an_invalid_stickiness_is_refused():
    with pytest.raises(ValueError, match=r"env_kwargs.sticky_action_prob: found 1\.5; allowed: 0 to 1"):
        make_env("MinAtarBreakout", sticky_action_prob=1.5)


def test_without_the_package(monkeypatch):
    monkeypatch.setattr("env.tasks.min_atar.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="MinAtar is not installed"):
        make_env("MinAtarFreeway")
