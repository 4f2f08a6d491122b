"""PuddleWorld and ContinuousGridWorld: moves, edges, depths, goals."""

from __future__ import annotations

import numpy as np
import pytest

from env import EpisodeProtocol, Episodes, make_env
from env.tasks.puddle_world import depth, in_goal


def step_from(name: str, start: tuple[float, float], action, **env_kwargs):
    """Return obs, reward and terminated of one noiseless step from `start`."""
    env = make_env(name, noise=0.0, **env_kwargs)
    env.reset(seed=0)
    env.state = np.array(start)
    return env.step(action)[:3]


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (0.2, 0.75, 0.1),  # on the first puddle's axis
        (0.2, 0.70, 0.05),
        (0.2, 0.651, 0.001),
        (0.2, 0.64, 0.0),
        (0.04, 0.67, 0.0),  # beyond the first puddle's end: 0.1 = |(0.06, 0.08)| away
        (0.07, 0.71, 0.05),  # |(0.03, 0.04)| = 0.05 away
        (0.45, 0.5, 0.1),  # on the second puddle's axis
        (0.51, 0.5, 0.04),
        (0.42, 0.36, 0.05),  # below the second puddle's end
        (0.48, 0.84, 0.05),  # above it
        (0.45, 0.75, 0.1),  # in both, on both axes
        (0.40, 0.72, 0.07),  # in both: 0.03 from the first axis, 0.05 from the second
        (0.9, 0.1, 0.0),
    ],
)
def test_depth(x, y, expected):
    assert depth(x, y) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("start", "action", "place", "reward", "end"),
    [
        ((0.5, 0.1), [0.05, -0.02], (0.55, 0.08), -1.0, False),
        ((0.98, 0.5), [0.05, 0.0], (1.0, 0.5), -1.0, False),
        ((0.01, 0.02), [-0.05, -0.05], (0.0, 0.0), -1.0, False),
        ((0.2, 0.66), [0.0, 0.04], (0.2, 0.70), -21.0, False),  # 400 * 0.05 deep
        ((0.2, 0.70), [0.0, 0.05], (0.2, 0.75), -41.0, False),
        ((0.92, 0.95), [0.04, 0.0], (0.96, 0.95), -1.0, True),
        ((0.92, 0.95), [0.02, 0.0], (0.94, 0.95), -1.0, False),  # |1 - x| + |1 - y| = 0.11
    ],
)
def test_a_continuous_step(start, action, place, reward, end):
    obs, found, terminated = step_from("PuddleWorld-v1", start, np.array(action))
    np.testing.assert_allclose(obs, place, atol=1e-7)
    assert (found, terminated) == (pytest.approx(reward), end)


@pytest.mark.parametrize(("action", "place"), [(0, (0.45, 0.1)), (1, (0.55, 0.1)), (2, (0.5, 0.05)), (3, (0.5, 0.15))])
def test_a_discrete_step(action, place):
    obs, reward, _ = step_from("PuddleWorld-v1", (0.5, 0.1), action, continuous=False)
    np.testing.assert_allclose(obs, place, atol=1e-7)
    assert reward == -1.0


def test_kinds_and_bounds():
    assert make_env("PuddleWorld-v1", False).action_space.n == 4
    for env in (make_env("PuddleWorld-v1"), make_env("PuddleWorld-v1", True)):
        np.testing.assert_allclose(env.action_space.high, np.array([0.05, 0.05]))
    np.testing.assert_allclose(make_env("PuddleWorld-v1", thrust=0.2).action_space.low, np.array([-0.2, -0.2]))
    with pytest.raises(ValueError, match="needs others; the other kind is available with continuous: false"):
        make_env("PuddleWorld-v1", None, {"continuous": "needs others"})


def test_noise_is_normal_in_each_coordinate():
    env = make_env("PuddleWorld-v1")
    env.reset(seed=0)
    ends = []
    for _ in range(5000):
        env.state = np.array([0.7, 0.3])
        ends.append(env.step(np.zeros(2))[0])
    np.testing.assert_allclose(np.mean(ends, axis=0), [0.7, 0.3], atol=0.001)
    np.testing.assert_allclose(np.std(ends, axis=0), [0.01, 0.01], rtol=0.05)
    assert abs(np.corrcoef(np.array(ends).T)[0, 1]) < 0.05


def test_starts_are_uniform_outside_the_goal():
    env = make_env("PuddleWorld-v1")
    env.reset(seed=0)
    starts = np.array([env.reset()[0] for _ in range(2000)])
    assert not any(in_goal(x, y) for x, y in starts)
    np.testing.assert_allclose(starts.mean(axis=0), [0.5, 0.5], atol=0.03)
    assert starts.min() < 0.01
    assert starts.max() > 0.99


@pytest.mark.parametrize("name", ["PuddleWorld-v1", "ContinuousGridWorld"])
def test_a_start_state(name):
    episodes = Episodes(make_env(name), EpisodeProtocol(10, start_state=[0.25, 0.5]), seed=0)
    for _ in range(2):
        np.testing.assert_array_equal(episodes.reset(), [0.25, 0.5])
        episodes.step(np.full(2, 0.05, np.float32))


@pytest.mark.parametrize(
    ("start", "action", "place", "reward", "end"),
    [
        ((0.1, 0.1), [0.05, 0.03], (0.15, 0.13), -1.0, False),
        ((0.33, 0.5), [0.05, 0.04], (0.33, 0.54), -1.0, False),  # x would enter the block
        ((0.5, 0.67), [0.04, -0.05], (0.54, 0.67), -1.0, False),  # y would
        ((0.34, 0.34), [0.03, 0.03], (0.37, 0.34), -1.0, False),  # at the corner x moves first
        ((0.02, 0.99), [-0.05, 0.05], (0.0, 1.0), -1.0, False),
        ((0.88, 0.95), [0.03, 0.0], (0.91, 0.95), 0.0, True),
        ((0.88, 0.88), [0.03, 0.0], (0.91, 0.88), -1.0, False),
    ],
)
def test_a_step_of_the_continuous_gridworld(start, action, place, reward, end):
    obs, found, terminated = step_from("ContinuousGridWorld", start, np.array(action))
    np.testing.assert_allclose(obs, place, atol=1e-7)
    assert (found, terminated) == (reward, end)


def test_the_block_can_be_left_out():
    obs, _, _ = step_from("CGW", (0.33, 0.5), np.array([0.05, 0.0]), block=False)
    np.testing.assert_allclose(obs, [0.38, 0.5], atol=1e-7)


def test_the_paths_around_the_block_are_mirror_images():
    """A walk and its mirror image from the same start take the same number of steps and mirror each other."""
    walk = [(0.05, 0.0)] * 14 + [(0.05, 0.05)] * 2 + [(0.0, 0.05)] * 14
    places = []
    for mirrored in (False, True):
        env = make_env("ContinuousGridWorld")
        env.reset(seed=0)
        steps = [env.step(np.array(move[::-1] if mirrored else move)) for move in walk]
        places.append(np.array([obs[::-1] if mirrored else obs for obs, *_ in steps]))
        assert [terminated for _, _, terminated, *_ in steps] == [False] * 29 + [True]
    np.testing.assert_array_equal(places[0], places[1])


@pytest.mark.parametrize("name", ["PuddleWorld-v1", "ContinuousGridWorld"])
@pytest.mark.parametrize("kwargs", [{"thrust": 0}, {"noise": -0.1}])
def test_invalid_motions_are_refused(name, kwargs):
    with pytest.raises(ValueError, match="allowed: thrust > 0, noise >= 0"):
        make_env(name, **kwargs)
