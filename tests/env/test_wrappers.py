"""Episodes and batches: step limit, rewards, start state, clipping, true successors."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from env import EpisodeBatch, EpisodeProtocol, Episodes, make_env


class Corridor(gym.Env):
    """A walk to the right by the action, in [-1, 1], that ends at 3. The observation is the position, the reward the
    action that the environment received."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (1,))
    action_space = gym.spaces.Box(-1.0, 1.0, (1,))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.place = 0.0
        return np.array([self.place], np.float32), {}

    def step(self, action):
        self.place += float(action[0])
        return np.array([self.place], np.float32), float(action[0]), self.place >= 3.0, False, {}


def corridor(**protocol: Any) -> Episodes:
    return Episodes(Corridor(), EpisodeProtocol(**({"steps_per_episode": 10} | protocol)), seed=0)


def walk(env: Episodes, action: float, steps: int) -> list[tuple]:
    env.reset()
    return [env.step(np.array([action], np.float32)) for _ in range(steps)]


def test_a_terminal_state_terminates():
    steps = walk(corridor(), 1.0, 3)
    assert [s[2:] for s in steps] == [(False, False), (False, False), (True, False)]


def test_the_step_limit_truncates_and_bootstraps():
    steps = walk(corridor(steps_per_episode=2), 1.0, 2)
    assert [s[2:] for s in steps] == [(False, False), (False, True)]


def test_termination_at_the_limit_is_termination():
    assert walk(corridor(steps_per_episode=3), 1.0, 3)[-1][2:] == (True, False)


def test_truncation_terminates_if_the_protocol_asks_for_it():
    steps = walk(corridor(steps_per_episode=2, bootstrap_on_truncation=False), 1.0, 2)
    assert steps[-1][2:] == (True, True)


def test_a_one_step_episode_terminates():
    assert walk(corridor(steps_per_episode=1), 1.0, 1)[-1][2:] == (True, True)


def test_overwritten_rewards():
    env = corridor(overwrite_rewards=True, rewards={"timestep": -1.0, "goal": 5.0})
    assert [s[1] for s in walk(env, 1.0, 3)] == [-1.0, -1.0, 5.0]


def test_a_truncated_step_does_not_get_the_goals_reward():
    env = corridor(
        steps_per_episode=2, bootstrap_on_truncation=False, overwrite_rewards=True,
        rewards={"timestep": -1.0, "goal": 5.0},
    )  # fmt: skip
    assert [s[1] for s in walk(env, 1.0, 2)] == [-1.0, -1.0]


def test_only_the_environment_receives_the_clipped_action():
    action = np.array([7.0], np.float32)
    env = corridor()
    env.reset()
    assert env.step(action)[1] == 1.0
    assert action[0] == 7.0


def test_a_start_state_needs_an_environment_with_a_state():
    with pytest.raises(ValueError, match="Corridor cannot be put into a given state"):
        corridor(start_state=[0.0])


def test_gymnasiums_own_step_limit_is_off():
    """Pendulum-v1 is registered with 200 steps."""
    env = Episodes(make_env("Pendulum-v1"), EpisodeProtocol(1000), seed=0)
    assert [s[3] for s in walk(env, 0.0, 201)] == [False] * 201


def test_the_seed_determines_the_episodes():
    def starts(seed: int) -> list[list[float]]:
        env = Episodes(make_env("Pendulum-v1"), EpisodeProtocol(10), seed)
        return [env.reset().tolist() for _ in range(3)]

    assert starts(1) == starts(1)
    assert starts(1) != starts(2)
    first, second, _ = starts(1)
    assert first != second


def test_the_batch_returns_true_successors_and_resets():
    envs = EpisodeBatch([corridor(), corridor(steps_per_episode=2)])
    envs.reset()
    active = np.ones(2, bool)
    action = np.array([[1.0], [0.5]], np.float32)
    envs.step(action, active)
    second = envs.step(action, active)
    np.testing.assert_array_equal(second.next_obs, [[2.0], [1.0]])
    np.testing.assert_array_equal(second.truncated, [0.0, 1.0])
    np.testing.assert_array_equal(envs.obs, [[2.0], [0.0]])
    third = envs.step(action, active)
    np.testing.assert_array_equal(third.terminated, [1.0, 0.0])
    np.testing.assert_array_equal(third.next_obs, [[3.0], [0.5]])


def test_an_inactive_slot_does_not_change():
    envs = EpisodeBatch([corridor(), corridor()])
    envs.reset()
    envs.step(np.ones((2, 1), np.float32), np.array([True, False]))
    np.testing.assert_array_equal(envs.obs, [[1.0], [0.0]])


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        ("Nothing-v0", {}, "cannot be made"),
        ("Pendulum-v1", {"gravity": 9.8}, "cannot be made with"),
        ("Hopper-v3", {}, "cannot be made"),
    ],
)
def test_unusable_environments_are_refused(name, kwargs, message):
    with pytest.raises(ValueError, match=message):
        make_env(name, **kwargs)


def test_env_kwargs_are_passed_to_gymnasium():
    assert make_env("Pendulum-v1", g=1.0).g == 1.0


@pytest.mark.parametrize(("name", "kind"), [("CartPole-v1", "discrete"), ("Pendulum-v1", "continuous")])
def test_kinds_of_actions_that_the_agent_refuses(name, kind):
    other = {"discrete": "continuous", "continuous": "discrete"}[kind]
    with pytest.raises(ValueError, match=rf"'{name}' has actions .*; no such thing"):
        make_env(name, None, {kind: "no such thing"})
    make_env(name, kind == "continuous", {other: "no such thing"})
    with pytest.raises(ValueError, match="continuous: found "):
        make_env(name, kind == "discrete")


class Counter(Corridor):
    """An environment with discrete actions 5, 6, 7, whose reward is the action."""

    action_space: Any = gym.spaces.Discrete(3, start=5)

    def step(self, action):
        assert isinstance(action, int)
        return np.zeros(1, np.float32), float(action), False, False, {}


def test_an_index_becomes_the_discrete_action_with_that_index():
    envs = EpisodeBatch([Episodes(Counter(), EpisodeProtocol(10), seed=0) for _ in range(3)])
    envs.reset()
    transitions = envs.step(np.array([[0.0], [1.0], [2.0]], np.float32), np.ones(3, bool))
    np.testing.assert_array_equal(transitions.reward, [5.0, 6.0, 7.0])
