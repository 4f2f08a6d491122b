"""Units of actions: the conversion by value, one task in several boxes, records in the environment's units."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from agent import AGENTS, make_agent
from agent.action_units import ActionUnits
from agent.actor_critic_hyperparameters import SACHyperparameters
from agent.base import Spaces
from agent.policy.base import ActionBox
from tests.support.experiments import make_experiment, train
from tests.support.reference import UNIT, rng
from utils.core.transition import Step

LEARNERS: dict[str, dict[str, Any]] = {
    "SAC": {"automatic_entropy_tuning": True, "alpha_lr": 1e-2},
    "GreedyAC": {"n_rho": (8, 0.25)},
    "VAC": {"num_samples": 4},
    "linearAC": {},
}
"""Options of the agents whose actions are in a box."""

SMALL = {"batch_size": 8, "hidden_dim": 16, "replay_capacity": 100}


def box(low: list[float], high: list[float]) -> ActionBox:
    return ActionBox(torch.tensor(low), torch.tensor(high))


def test_conversion_by_value():
    """[-1, 3] has the middle 1 and the half width 2; [0, 1000] 500 and 500; [-0.25, -0.125] -0.1875 and 0.0625."""
    units = ActionUnits(box([-1.0, 0.0, -0.25], [3.0, 1000.0, -0.125]), "unit")
    assert torch.equal(units.box.low, torch.full((3,), -1.0))
    assert torch.equal(units.box.high, torch.ones(3))
    learners = [[-1.0, -1.0, -1.0], [0.0, 0.5, 1.0], [0.25, 1.0, -0.5]]
    environments = [[-1.0, 0.0, -0.25], [1.0, 750.0, -0.125], [1.5, 1000.0, -0.21875]]
    assert units.to_environment(torch.tensor(learners)).tolist() == environments
    assert units.draw_to_environment(np.array(learners)).tolist() == environments
    assert units.from_environment(np.array(environments, np.float32)).tolist() == learners


def test_only_draws_stay_outside_the_bounds():
    units = ActionUnits(box([-1.0], [3.0]), "unit")
    assert units.to_environment(torch.tensor([-2.0, 2.0])).tolist() == [-1.0, 3.0]
    assert units.draw_to_environment(np.array([-2.0, 2.0])).tolist() == [-3.0, 5.0]
    assert units.from_environment(np.array([-3.0, 5.0])).tolist() == [-2.0, 2.0]


def test_conversions_of_any_box_invert_each_other():
    """Up to float32's rounding of the largest number, relative to the half width."""
    low = rng(1).uniform(-3.0, 3.0, 500).astype(np.float32)
    high = low + rng(2).uniform(0.1, 3.0, 500).astype(np.float32)
    units = ActionUnits(ActionBox(torch.from_numpy(low), torch.from_numpy(high)), "unit")
    action = rng(3).uniform(-1.0, 1.0, (50, 500)).astype(np.float32)
    executed = units.to_environment(torch.from_numpy(action)).numpy()
    assert ((executed >= low) & (executed <= high)).all()
    tolerance = 8 * UNIT * (1 + np.maximum(np.abs(low), np.abs(high)) / ((high - low) / 2))
    assert (np.abs(units.from_environment(executed) - action) <= tolerance).all()


@pytest.mark.parametrize("units", ["unit", "environment"])
def test_nothing_is_converted_where_the_units_are_the_same(units):
    """With "environment", or in a box of [-1, 1]: the very tensors that came in."""
    bounds = box([-1.0, -1.0], [1.0, 1.0]) if units == "unit" else box([-3.0, 0.0], [3.0, 7.0])
    found, action, array = ActionUnits(bounds, units), torch.tensor([0.3, -1.7]), np.array([0.3, -1.7])
    assert found.same
    assert torch.equal(found.box.low, bounds.low)
    assert torch.equal(found.box.high, bounds.high)
    assert found.to_environment(action) is action
    assert found.draw_to_environment(array) is array
    assert found.from_environment(array) is array


def make(name: str, low: float, high: float, **options: Any) -> Any:
    """Return a stack of two runs for actions in [low, high]^2, tile coding off."""
    model = AGENTS[name].hyperparameters
    values = {**LEARNERS[name], **({} if name == "linearAC" else SMALL), **options}
    bound = np.full(3, 5.0)
    spaces = Spaces(-bound, bound, box([low] * 2, [high] * 2), tile_coding=False)
    return make_agent(name, [model(**values)] * 2, [3, 4], 0.9, spaces)


def outcomes(agent: Any, centre: float, scale: float) -> list[np.ndarray]:
    """Return actions, greedy ones too, in [-1, 1] and learned parameters, in a task that is told those actions.

    centre, scale: middle and half width of the agent's actions.
    """
    obs, found = rng(5).standard_normal((2, 3)).astype(np.float32), []
    zero = np.zeros(2, np.float32)
    for t in range(40):
        action = agent.act(obs)
        position = np.clip((action.astype(np.float64) - centre) / scale, -1.0, 1.0)
        next_obs = (0.9 * obs + 0.1 * position.sum(-1, keepdims=True)).astype(np.float32)
        reward = -(next_obs**2).sum(-1)
        cut = np.full(2, float(t % 10 == 9), np.float32)
        agent.observe(Step(obs, action, reward, next_obs, zero, cut))
        agent.update()
        found += [position, (agent.act(obs, greedy=True) - centre) / scale]
        obs = next_obs
    return found + [array for run in range(2) for array in agent.learned_params(run).values()]


@pytest.mark.parametrize("scale", [2.0**-4, 1.0, 2.0**9])
@pytest.mark.parametrize("name", LEARNERS)
def test_a_box_scaled_by_a_power_of_two_is_the_same_task_to_the_bit(name, scale):
    expected = outcomes(make(name, -1.0, 1.0), 0.0, 1.0)
    for found, exact in zip(outcomes(make(name, -scale, scale), 0.0, scale), expected, strict=True):
        np.testing.assert_array_equal(found, exact)


@pytest.mark.parametrize(("low", "high"), [(-0.1, 0.1), (0.0, 1000.0)])
@pytest.mark.parametrize("name", LEARNERS)
def test_any_box_is_the_same_task_up_to_rounding(name, low, high):
    """40 steps of float32: a thousandth, far more than rounding and far less than another box's own units."""
    expected = outcomes(make(name, -1.0, 1.0), 0.0, 1.0)
    for found, exact in zip(outcomes(make(name, low, high), (low + high) / 2, (high - low) / 2), expected, strict=True):
        np.testing.assert_allclose(found, exact, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", LEARNERS)
def test_in_a_box_of_minus_one_to_one_both_units_have_the_same_bits(name):
    unit, environment = (make(name, -1.0, 1.0, action_units=units) for units in ("unit", "environment"))
    for found, exact in zip(outcomes(unit, 0.0, 1.0), outcomes(environment, 0.0, 1.0), strict=True):
        np.testing.assert_array_equal(found, exact)


@pytest.mark.parametrize("name", LEARNERS)
def test_in_another_box_the_units_matter(name):
    unit, environment = (make(name, 0.0, 8.0, action_units=units) for units in ("unit", "environment"))
    pairs = zip(outcomes(unit, 4.0, 4.0), outcomes(environment, 4.0, 4.0), strict=True)
    assert any(not np.array_equal(found, other) for found, other in pairs)


@pytest.mark.parametrize("name", LEARNERS)
def test_the_last_batch_is_in_the_environments_units(name):
    """Its actions are some of those that were taken; replay holds them in [-1, 1]."""
    agent, taken = make(name, 0.0, 1000.0), []
    obs, zero = np.zeros((2, 3), np.float32), np.zeros(2, np.float32)
    for _ in range(20):
        taken.append(agent.act(obs))
        agent.observe(Step(obs, taken[-1], zero, obs, zero, zero))
        agent.update()
    actions = np.stack(taken, 1)
    for run in range(2):
        batch = agent.last_batch.action[run].numpy()
        distance = np.abs(batch[:, None] - actions[run][None]).max(-1).min(1)
        assert distance.max() <= 4 * 1000 * UNIT
    assert actions.max() > 100


POINT = {
    "env_name": "Point-v0",
    "total_timesteps": 60,
    "steps_per_episode": 20,
    "eval_interval_timesteps": 30,
    "eval_episodes": 2,
    "gamma": 0.9,
    "overwrite_rewards": False,
    "rewards": {"timestep": -1.0, "goal": 0.0},
    "start_state": [],
    "record": ["train_actions", "update_actions"],
}
"""Protocol of a short run of Point, whose box is an option."""


@pytest.fixture
def point(monkeypatch):
    monkeypatch.setattr(gym.envs.registration, "registry", dict(gym.registry))
    gym.register("Point-v0", entry_point="tests.support.awkward_envs:Point")


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.usefixtures("point")
def test_one_task_in_three_boxes_has_the_same_returns(name, tmp_path):
    """Actions in [-1, 1], [-0.1, 0.1] and [0, 1000]: the same returns up to rounding, records in the box's units."""
    options = {**LEARNERS[name], **({} if name == "linearAC" else SMALL)}
    grid, returns = {key: [value] for key, value in options.items()}, []
    for low, high in ((-1.0, 1.0), (-0.1, 0.1), (0.0, 1000.0)):
        protocol = POINT | {"env_kwargs": {"low": low, "high": high}}
        (record,) = train(make_experiment(protocol, grid, tmp_path, name), [0])
        curves = record.curves()
        returns.append([*curves["train_episode_rewards"], *np.ravel(curves["eval_episode_rewards"])])
        taken, learned = (np.ravel(record.arrays[key]) for key in ("train_actions", "update_actions"))
        nearest = np.abs(learned[np.isfinite(learned)][:, None] - taken[None]).min(1)
        assert nearest.max() <= 8 * UNIT * (high - low)
        assert taken.std() > 0.05 * (high - low), "these are the environment's units"
    np.testing.assert_allclose(returns[1:], [returns[0]] * 2, rtol=1e-3)


# Target entropies.


@pytest.mark.parametrize(
    ("units", "half", "target", "limit"),
    [
        ("unit", 1.0, 1.3863, "1.38629"),
        ("unit", 100.0, 2.0, "1.38629"),
        ("environment", 0.1, None, "-3.21888"),
    ],
)
@pytest.mark.parametrize("policy_type", ["SquashedGaussian", "Beta"])
def test_a_target_that_no_density_inside_the_bounds_reaches_is_refused(policy_type, units, half, target, limit):
    """The uniform density has the largest entropy, the logarithm of the volume."""
    options = {"policy_type": policy_type, "action_units": units, "target_entropy": target}
    with pytest.raises(ValueError, match=f"^target_entropy .* more than {limit}; allowed: less$"):
        make("SAC", -half, half, **options)


def test_an_unbounded_policy_reaches_every_target():
    make("SAC", -0.1, 0.1, policy_type="Gaussian", action_units="environment", target_entropy=3.0)


def test_a_fixed_temperature_has_no_target_to_refuse():
    make("SAC", -0.1, 0.1, automatic_entropy_tuning=False, alpha_lr=0.0, target_entropy=9.0)


@pytest.mark.parametrize("half", [0.1, 1.0, 500.0])
def test_a_tuned_temperature_brings_the_entropy_to_its_target_in_any_box(half):
    """A bandit whose reward is a parabola in the action's position. -0.5 nats is that of the position in [-1, 1]."""
    runs, target = 3, -0.5
    setting = SACHyperparameters(
        batch_size=32, replay_capacity=2000, hidden_dim=32,
        automatic_entropy_tuning=True, alpha_lr=1e-2, alpha=0.01, critic_lr=3e-3, target_entropy=target,
    )  # fmt: skip
    bound = np.full(1, 1.0)
    agent = make_agent("SAC", [setting] * runs, range(runs), 0.9, Spaces(-bound, bound, box([-half], [half])))
    obs, one = np.zeros((runs, 1), np.float32), np.ones(runs, np.float32)
    for _ in range(1000):
        action = agent.act(obs)
        agent.observe(Step(obs, action, -((action[:, 0] / half - 0.25) ** 2), obs, one, 0 * one))
        agent.update()
    head, _ = agent.actor.forward(torch.zeros(runs, 1, 1))
    noise = torch.from_numpy(rng(9).standard_normal((runs, 1, 4000, 1), np.float32))
    entropy = -agent.policy.sample(head, noise).log_prob.mean((1, 2))
    np.testing.assert_allclose(entropy.numpy(), target, rtol=0, atol=0.15)
