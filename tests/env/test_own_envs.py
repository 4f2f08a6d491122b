"""Properties of every environment of our own."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from env import ENVS, make_env

ROOT = Path(__file__).resolve().parents[2]
KINDS = [(name, kind == "continuous") for name, entry in ENVS.items() for kind in entry.kinds]


def rollout(env: gym.Env[Any, Any], seed: int, steps: int) -> list[tuple]:
    """Return observations, rewards and ends under random actions, after a reset with this seed."""
    env.action_space.seed(seed)
    obs, _ = env.reset(seed=seed)
    seen: list[tuple] = [(obs.tolist(),)]
    for _ in range(steps):
        obs, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        seen.append((obs.tolist(), reward, terminated, truncated))
        if terminated:
            env.reset()
    return seen


EXPECTED_WARNINGS = "symmetric and normalized space|alternative render modes|Box observation space m.*infinity"


@pytest.mark.parametrize(("name", "continuous"), KINDS)
def test_gymnasiums_checker_passes(name, continuous):
    """Unnormalized torques, unbounded speeds and the missing registration are intended."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(make_env(name, continuous))
    assert [str(w.message) for w in caught if not re.search(EXPECTED_WARNINGS, str(w.message))] == []


@pytest.mark.parametrize(("name", "continuous"), KINDS)
def test_the_seed_determines_a_rollout(name, continuous):
    env = make_env(name, continuous)
    assert rollout(env, 3, 300) == rollout(env, 3, 300) == rollout(make_env(name, continuous), 3, 300)
    assert rollout(env, 3, 300) != rollout(env, 4, 300)


@pytest.mark.parametrize(
    ("name", "continuous"),
    [
        pytest.param(
            name, continuous, marks=() if continuous == (ENVS[name].kinds[0] == "continuous") else pytest.mark.slow
        )
        for name, continuous in KINDS
    ],
)
def test_ten_thousand_random_steps_stay_in_the_stated_ranges(name, continuous):
    env = make_env(name, continuous)
    raw: Any = env.unwrapped
    env.action_space.seed(0)
    obs, _ = env.reset(seed=0)
    for _ in range(10_000):
        assert env.observation_space.contains(obs)
        if hasattr(raw, "state_space"):
            assert raw.state_space.contains(raw.state)
        obs, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert np.isfinite(float(reward))
        assert (truncated, info) == (False, {})
        if terminated:
            obs, _ = env.reset()


@pytest.mark.parametrize(("name", "continuous"), KINDS)
def test_state_and_generator_determine_the_future(name, continuous):
    """A restored environment continues with the same bits; so does another one with that state."""
    env, other = make_env(name, continuous), make_env(name, continuous)
    rollout(env, 5, 50)
    other.reset(seed=6)
    if not hasattr(env.unwrapped, "state"):
        pytest.skip("its state cannot be set")
    state, generator = env.unwrapped.state, env.unwrapped.np_random.bit_generator.state
    actions = [env.action_space.sample() for _ in range(5)]

    def continue_from_state(this: gym.Env[Any, Any]) -> list:
        this.unwrapped.state = state
        this.unwrapped.np_random.bit_generator.state = generator
        seen = [(obs.tolist(), *rest) for obs, *rest in map(this.step, actions)]
        return [*seen, this.unwrapped.state.tolist(), this.reset()[0].tolist()]

    assert continue_from_state(env) == continue_from_state(env) == continue_from_state(other)


@pytest.mark.parametrize(("name", "continuous"), KINDS)
def test_kinds_of_action(name, continuous):
    """The requested kind is made; by default, the entry's first."""
    kind = gym.spaces.Box if continuous else gym.spaces.Discrete
    assert isinstance(make_env(name, continuous).action_space, kind)
    first = gym.spaces.Box if ENVS[name].kinds[0] == "continuous" else gym.spaces.Discrete
    assert isinstance(make_env(name).action_space, first)
    if len(ENVS[name].kinds) == 1:
        with pytest.raises(ValueError, match=rf"continuous: found .*'{name}' has actions"):
            make_env(name, not continuous)


@pytest.mark.parametrize("name", ENVS)
def test_an_unknown_argument_is_refused(name):
    with pytest.raises(ValueError, match=rf"env_name: '{name}' cannot be made with .*'wings'"):
        make_env(name, wings=2)


@pytest.mark.parametrize("name", ENVS)
def test_pictures(name):
    """A picture shows the state: equal states look equal, different ones different."""
    env = make_env(name, render_mode="rgb_array")
    env.reset(seed=0)
    first = env.render()
    assert first.dtype == np.uint8
    assert first.ndim == 3
    assert first.shape[2] == 3
    np.testing.assert_array_equal(first, env.render())
    env.action_space.seed(0)
    for _ in range(20):
        env.step(env.action_space.sample())
    assert (env.render() != first).any()
    with pytest.raises(ValueError, match="render_mode: found 'human'; allowed: 'rgb_array'"):
        make_env(name, render_mode="human")


PROBE = """
import sys
import agent, main, utils.training.loop
from env import ENVS, make_env
for name, entry in ENVS.items():
    for kind in entry.kinds:
        env = make_env(name, kind == "continuous", render_mode="rgb_array")
        env.reset(seed=0)
        env.step(env.action_space.sample())
        env.render()
print([name for name in sys.modules if name.split(".")[0] in ("pygame", "OpenGL", "moviepy", "imageio", "glfw")])
"""


def test_neither_training_nor_rendering_imports_a_drawing_library():
    shown = subprocess.run([sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


@pytest.mark.parametrize("name", ENVS)
def test_without_a_render_mode_there_is_no_picture(name):
    env = make_env(name)
    env.reset(seed=0)
    assert env.render() is None


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("Pendulum-v0", {"g": "ten"}, r"env_kwargs.g: found 'ten'; allowed: a finite number"),
        ("Pendulum-v0", {"g": float("nan")}, r"env_kwargs.g: found nan"),
        ("Pendulum-v0", {"penalty": True}, r"env_kwargs.penalty: found True"),
        ("Pendulum-v0", {"trig_features": 1}, r"env_kwargs.trig_features: found 1; allowed: true or false"),
        ("Pendulum-v0", {"reward": "none"}, r"env_kwargs.reward: found 'none'; allowed: cosine, positive, sparse"),
        ("PendulumPenalty-v0", {"penalty": 2.0}, "cannot be made with .*multiple values .*'penalty'"),
        ("Acrobot-v1", {"continuous": "yes"}, r"env_kwargs.continuous: found 'yes'"),
        ("MountainCarShaped", {"gamma": None}, r"env_kwargs.gamma: found None"),
        ("ContinuousCartpole-v0", {"force_mag": []}, r"env_kwargs.force_mag: found \[\]"),
    ],
)
def test_arguments_of_a_wrong_type_are_refused(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        make_env(name, **arguments)
