"""What an environment must not return: refused before training, or the end of its run alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from env import EpisodeBatch, EpisodeProtocol, Episodes, make_env
from env.episodes.actions import flatten_actions
from env.episodes.observations import flatten_observations
from env.episodes.returns import WrongReturn, check_returns
from tests.support.habits.sled import Sled
from tests.support.space_envs import Bits, Gears, Goal, Nested, Tray, TwoRewards
from utils.core.errors import EnvironmentFault

ACTIONS = [np.array([0.5], np.float32)] * 3


def returning(**values: Any) -> type[Sled]:
    """Return a sled whose `reset` or parts of whose `step` are replaced."""

    class Odd(Sled):
        def reset(self, **options):
            found = super().reset(**options)
            return values["reset"](found) if "reset" in values else found

        def step(self, action):
            parts = dict(zip(("obs", "reward", "terminated", "truncated", "info"), super().step(action), strict=True))
            if "step" in values:
                return values["step"](tuple(parts.values()))
            return tuple((parts | {name: values[name] for name in values if name in parts}).values())

    return Odd


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"reset": lambda found: found[0]}, r"Odd.reset returned an array of shape \(2,\) and .*; allowed: a pair"),
        ({"reset": lambda found: (*found, 0)}, "Odd.reset returned a tuple of length 3; allowed: a pair"),
        ({"reset": lambda found: (found[0].tolist(), {})}, "reset returned as observation a list of length 2; allowed"),
        ({"reset": lambda found: (found[0][:1], {})}, r"as observation an array of shape \(1,\) and .*; allowed: "
         r"an array of numbers of shape \(2,\)"),
        ({"obs": np.array(0.0)}, r"Odd.step returned as observation an array of shape \(\)"),
        ({"obs": np.array(["a", "b"])}, "Odd.step returned as observation an array of shape .* dtype <U1"),
        ({"obs": np.zeros((1, 2))}, r"Odd.step returned as observation an array of shape \(1, 2\)"),
        ({"reward": None}, "Odd.step returned as reward None; allowed: a number"),
        ({"reward": "1"}, "Odd.step returned as reward a str, '1'; allowed: a number"),
        ({"reward": np.zeros(2)}, r"Odd.step returned as reward an array of shape \(2,\) and dtype float64; allowed: a "
         "number; a wrapper can make one number of them, such as mo_gymnasium.wrappers.LinearReward with fixed"),
        ({"reward": [1.0, 2.0]}, "Odd.step returned as reward a list of length 2; allowed: a number; a wrapper can"),
        ({"reward": {"time": 1.0}}, "Odd.step returned as reward a dict of length 1; allowed: a number; a wrapper"),
        ({"reward": 1j}, "Odd.step returned as reward a complex, 1j; allowed: a number"),
        ({"terminated": None}, "Odd.step returned as terminated None; allowed: true or false"),
        ({"truncated": np.zeros(2, bool)}, "Odd.step returned as truncated an array"),
        ({"step": lambda parts: parts[:4]}, "Odd.step returned a tuple of length 4; allowed: "
         r"\(observation, reward, terminated, truncated, info\)"),
    ],
)  # fmt: skip
def test_wrong_returns_are_refused_with_the_class_and_what_was_found(values, message):
    with pytest.raises(WrongReturn, match=message):
        check_returns(Episodes(returning(**values)(), EpisodeProtocol(10), 0), 1, ACTIONS)


@pytest.mark.parametrize(
    "values",
    [
        {"reward": np.float32(1.0)}, {"reward": np.array([1.0])}, {"reward": 1}, {"reward": True},
        {"terminated": np.bool_(False), "truncated": 0}, {"obs": np.zeros(2, np.float64)},
        {"reset": lambda found: [found[0], None]},
    ],
)  # fmt: skip
def test_other_types_of_numbers_are_allowed(values):
    assert check_returns(Episodes(returning(**values)(), EpisodeProtocol(10), 0), 1, ACTIONS) == 1


def test_a_reward_that_is_overwritten_may_be_anything():
    protocol = EpisodeProtocol(10, overwrite_rewards=True, rewards={"timestep": -1.0, "goal": 0.0})
    check_returns(Episodes(returning(reward=None)(), protocol, 0), 1, ACTIONS)


def test_an_array_of_one_number_is_that_reward():
    episodes = Episodes(returning(reward=np.array([[0.25]]))(), EpisodeProtocol(10), 0)
    episodes.reset()
    reward = episodes.step(ACTIONS[0])[1]
    assert (type(reward), reward) == (float, 0.25)


class Numbered(gym.Env[Any, Any]):
    """Observes a number that its space does not have."""

    observation_space = gym.spaces.Discrete(3, start=1)
    action_space = gym.spaces.Discrete(2)

    def reset(self, **options):
        return 0, {}


def test_a_number_outside_of_its_space_is_refused():
    env = flatten_observations(Numbered(), "Numbered")
    with pytest.raises(WrongReturn, match=r"Numbered\.reset returned observation = 0; allowed: an integer from 1 to 3"):
        check_returns(Episodes(env, EpisodeProtocol(10), 0), 1, [])


def showing(kind: type[Tray], change: Callable[[Any], Any]) -> Episodes:
    """Return a tray whose observations are changed."""

    class Changed(kind):  # type: ignore[misc, valid-type]
        def obs(self):
            return change(super().obs())

    return Episodes(flatten_observations(flatten_actions(Changed(), "it"), "it"), EpisodeProtocol(10), 0)


def without_goal(obs: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in obs.items() if key != "desired_goal"}


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        (Goal, without_goal, "observation a dict of length 2; allowed: a dict with the keys 'achieved_goal', 'desired"),
        (Goal, lambda obs: obs | {"more": 1}, "observation a dict of length 4; allowed: a dict with the keys"),
        (Goal, lambda obs: obs["observation"], r"observation an array of shape \(3,\) and dtype float64; allowed: a d"),
        (Goal, lambda obs: obs | {"observation": np.zeros(2)}, r"observation\['observation'\] an array of shape \(2,\) "
         r"and dtype float64; allowed: an array of numbers of shape \(3,\)"),
        (Goal, lambda obs: obs | {"observation": [0.0] * 3}, r"observation\['observation'\] a list of length 3; allow"),
        (Nested, lambda obs: obs | {"choice": np.array([0, 4])}, r"observation\['choice'\]\[1\] = 4; allowed: an "
         "integer from 1 to 3"),
        (Nested, lambda obs: obs | {"choice": np.zeros(2)}, r"observation\['choice'\] an array .*; allowed: integers"),
        (Nested, lambda obs: obs | {"tray": obs["tray"][:1]}, r"observation\['tray'\] a tuple of length 1; allowed: a "
         "tuple of length 2"),
        (Nested, lambda obs: obs | {"tray": (2, obs["tray"][1])}, r"observation\['tray'\]\[0\] = 2; allowed: an "
         "integer from -1 to 1"),
        (Nested, lambda obs: obs | {"tray": (0, obs["tray"][1] | {"grid": np.ones((2, 2)) / 2})},
         r"observation\['tray'\]\[1\]\['grid'\] an array of shape \(2, 2\) and dtype float64; allowed: integers"),
        (Bits, lambda obs: obs * 2, r"observation\[1\] = 2; allowed: an integer from 0 to 1"),
    ],
)  # fmt: skip
def test_a_part_of_an_observation_that_is_not_as_its_space_is_refused(kind, change, message):
    with pytest.raises(WrongReturn, match=r"Changed\.reset returned (as )?" + message):
        check_returns(showing(kind, change), 1, [])


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (Goal, lambda obs: {key: value.astype(np.float32) for key, value in obs.items()}),
        (Nested, lambda obs: obs | {"tray": (np.array([0]), obs["tray"][1] | {"place": 0.5})}),
        (Nested, lambda obs: obs | {"tray": [np.int8(0), obs["tray"][1] | {"grid": np.ones((2, 2), np.int64)}]}),
        (Bits, lambda obs: obs.astype(bool)),
    ],
)
def test_parts_of_like_types_are_allowed(kind, change):
    episodes = showing(kind, change)
    assert check_returns(episodes, 1, ACTIONS[:1]) == 1
    assert np.isfinite(episodes.reset()).all()


def test_the_environment_is_named_though_its_actions_are_converted():
    class Wrong(Gears):
        def obs(self):
            return None

    episodes = Episodes(flatten_observations(flatten_actions(Wrong(), "it"), "it"), EpisodeProtocol(10), 0)
    with pytest.raises(WrongReturn, match=r"^Wrong\.reset returned as observation None; allowed: an array"):
        check_returns(episodes, 1, [])


def test_rewards_of_several_numbers_are_refused_by_class_and_shape():
    episodes = Episodes(TwoRewards(), EpisodeProtocol(10), 0)
    message = r"TwoRewards\.step returned as reward an array of shape \(2,\) and dtype float32; .*LinearReward"
    with pytest.raises(WrongReturn, match=message):
        check_returns(episodes, 1, ACTIONS)


class Failing(Sled):
    """From some step on, an observation or a reward is not finite, or the observation has another shape."""

    def __init__(self, at: int, what: str, value: Any) -> None:
        super().__init__()
        self.at, self.what, self.value = at, what, value

    def step(self, action):
        obs, reward, *rest = super().step(action)
        if self.steps >= self.at:
            if self.what == "obs":
                obs[1] = self.value
            elif self.what == "shape":
                obs = obs[: self.value]
            else:
                reward = self.value
        return obs, reward, *rest


@pytest.mark.parametrize(
    ("what", "value", "message"),
    [
        ("obs", np.nan, "returned observation[1] = nan at step 3 of an episode"),
        ("obs", -np.inf, "returned observation[1] = -inf at step 3 of an episode"),
        ("reward", np.inf, "returned reward = inf at step 3 of an episode"),
        ("reward", np.nan, "returned reward = nan at step 3 of an episode"),
        ("shape", 1, "returned an observation of shape (1,) at step 3 of an episode; allowed: (2,)"),
    ],
)
def test_what_is_not_finite_ends_its_slot_only(what, value, message):
    """The transition keeps finite values, and the other slot takes the same steps as alone."""

    def batch(*kinds):
        envs = EpisodeBatch([Episodes(env, EpisodeProtocol(4), 0) for env in kinds])
        envs.reset()
        return envs

    two, one = batch(Failing(3, what, value), Sled()), batch(Sled())
    active = np.ones(2, bool)
    for number in range(1, 6):
        step = two.step(np.ones((2, 1), np.float32), active)
        alone = one.step(np.ones((1, 1), np.float32), np.ones(1, bool))
        assert np.isfinite(step.next_obs).all()
        assert np.isfinite(step.reward).all()
        np.testing.assert_array_equal(step.next_obs[1], alone.next_obs[0])
        np.testing.assert_array_equal(two.obs[1], one.obs[0])
        active[0] = not two.errors
        assert ({slot: str(error) for slot, error in two.errors.items()} == {0: message}) == (number >= 3)
    assert isinstance(two.errors[0], EnvironmentFault)


def test_a_start_that_is_not_finite_is_an_error():
    class Lost(Sled):
        def begin(self):
            self.place = np.nan

    envs = EpisodeBatch([Episodes(Lost(), EpisodeProtocol(4), 0)])
    envs.reset()
    assert str(envs.errors[0]) == "returned observation[0] = nan at step 0 of an episode"


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.5), (1.0, 1.0 + 1e-12)])
def test_an_action_with_equal_bounds_is_refused(low, high):
    class Locked(Sled):
        def __init__(self):
            super().__init__()
            self.action_space = gym.spaces.Box(np.array([-1.0, low]), np.array([1.0, high]), dtype=np.float64)

    made: Any = Locked
    gym.register("Locked-v0", made)
    try:
        with pytest.raises(
            ValueError, match=rf"'Locked-v0' has actions whose dimension 1 is fixed: its bounds are {low:g} to"
        ):
            make_env("Locked-v0")
    finally:
        del gym.registry["Locked-v0"]


def test_an_error_in_closing_is_only_logged(caplog):
    class Stuck(Sled):
        def close(self):
            raise OSError("the port is gone")

    EpisodeBatch([Episodes(Stuck(), EpisodeProtocol(4), 0) for _ in range(2)]).close()
    assert [record.getMessage() for record in caplog.records] == ["Stuck cannot be closed: the port is gone"] * 2
