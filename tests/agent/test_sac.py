"""SAC against a plain reimplementation, against itself alone, and option by option."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from agent import make_agent
from agent.actor_critic_hyperparameters import BOX_POLICIES, SACHyperparameters
from agent.base import Batch
from agent.policy import POLICIES, policy_class
from agent.sac import SAC
from tests.support.reference import (
    GAMMA,
    HIGH,
    LOW,
    PlainSAC,
    doubles,
    entries_under,
    make_box,
    make_sac,
    make_spaces,
    normal32,
    plain_forward,
    rng,
    train,
    transitions,
)
from utils.core.random_streams import Draws, make_generator
from utils.core.transition import Step

SMALL: dict[str, Any] = {"batch_size": 8, "hidden_dim": 20, "replay_capacity": 100}


def setting(**changes: Any) -> SACHyperparameters:
    return SACHyperparameters(**(SMALL | changes))


def plackett_burman() -> list[list[bool]]:
    """Twelve rows in which every two of eleven columns meet in all four combinations, thrice (Biometrika 1946)."""
    first = [sign == "+" for sign in "++-+++---+-"]
    return [first[11 - i :] + first[: 11 - i] for i in range(11)] + [[False] * 11]


# Against the plain reimplementation ------------------------------------------------------------------

OPTIONS = {
    "reparameterized": (True, False),
    "num_samples": (1, 4),
    "baseline_actions": (0, 3),
    "soft_q": (True, False),
    "double_q": (True, False),
    "automatic_entropy_tuning": (False, True),
    "target_update_interval": (1, 3),
    "activation": ("relu", "tanh"),
    "policy_type": ("SquashedGaussian", "Gaussian"),
    "num_hidden": (2, 1),
    "clip_stddev": (1000.0, 1.05),
}

COMBINATIONS = [{name: values[row[i]] for i, (name, values) in enumerate(OPTIONS.items())} for row in plackett_burman()]

NORMALIZED = [COMBINATIONS[i] | {"layer_norm": True} for i in (1, 7)]
"""With two hidden layers each, of relu and of tanh units."""


def test_every_two_options_meet_in_all_combinations():
    for i in range(11):
        for j in range(i):
            assert {(row[i], row[j]) for row in plackett_burman()} == {(a, b) for a in (0, 1) for b in (0, 1)}


def float64_batch(said: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(values[rows].astype(np.float64)) for name, values in said.items()}


def relative(found: np.ndarray, exact: np.ndarray) -> float:
    """Euclidean norm of the difference, relative to the exact one's."""
    return float(np.linalg.norm(found - exact) / max(float(np.linalg.norm(exact)), 1e-30))


@pytest.mark.parametrize("action_units", ["unit", "environment"])
@pytest.mark.parametrize("options", [*COMBINATIONS, *NORMALIZED], ids=[*range(12), "relu norm", "tanh norm"])
def test_three_updates_against_a_plain_reimplementation(options, action_units):
    """Critics, targets, actor, temperature, the actor's and critics' gradients and the losses.

    The third of three runs is compared; the plain one knows nothing of stacks, draws its own noise
    from the named streams and follows the papers' equations in float64.
    """
    if options["automatic_entropy_tuning"]:
        options = options | {"alpha_lr": 3e-2, "target_entropy": -1.3 if options["double_q"] else None}
    options = options | {"betas": (0.8, 0.99), "action_units": action_units}
    chosen = setting(**options, critic_lr=1e-2, actor_lr_scale=0.5, alpha=0.3, tau=0.2)
    other, seed, obs_dim, action_dim, held = setting(**options, alpha=0.1), 5, 3, 2, 20
    agent = make_sac([other, other, chosen], [1, 2, seed], obs_dim, action_dim)
    start = agent.learned_params(2)
    plain = PlainSAC(chosen, start, make_box(action_dim))
    said = transitions(seed, held, obs_dim) | {"action": normal32(held, action_dim, seed=3).numpy()}
    for t in range(held):
        agent.observe(Step(**{name: np.stack([values[t]] * 3) for name, values in said.items()}))
    extra = 0 if chosen.reparameterized else chosen.baseline_actions
    replay, update = make_generator(seed, "replay"), make_generator(seed, "update")
    for _ in range(3):
        metrics = agent.update()
        rows = np.floor(replay.random(8) * held).astype(int)
        noise = update.standard_normal((8, 1 + chosen.num_samples + extra, action_dim), np.float32)
        expected = plain.update(float64_batch(said, rows), torch.from_numpy(noise).double(), GAMMA)
        for name, value in expected.items():
            # Float32 sums of a few dozen numbers, at parameters already a little apart.
            assert float(metrics[name][2]) == pytest.approx(value, rel=1e-5, abs=1e-5), name
    assert_same_gradients(agent, plain)
    found, exact = agent.learned_params(2), plain.learned_params()
    assert found.keys() == exact.keys()
    # One logarithm, one exponential and three steps in float32.
    assert found.pop("alpha") == pytest.approx(exact.pop("alpha"), rel=1e-6)
    for name in exact:
        # Adam divides a gradient by its own size, so that where one is nearly zero its rounding error is not
        # small in the step. Such parameters are few: an array's whole change agrees far better (measured: to
        # 4e-6 of itself), and no parameter is off by more than a hundredth of a step.
        assert relative(found[name] - start[name], exact[name] - start[name]) < 5e-5, name
        assert np.abs(found[name] - exact[name]).max() < 1e-2 * chosen.critic_lr, name
    assert all((exact[name] != start[name]).any() for name in exact)


def assert_same_gradients(agent: SAC, plain: PlainSAC) -> None:
    """Adam's mean of three gradients, run 2: float32 against float64 (measured: 8e-7 of its norm at most)."""
    critics = [agent.critic.mlp.to_arrays(agent.critic.optimizer.mean[c, 2]) for c in range(agent.num_critics)]
    found = [array for arrays in critics for array in arrays.values()]
    for array, exact in zip(found, plain.critic_adam.m, strict=True):
        assert relative(array, exact.numpy()) < 1e-5
    actor = agent.actor.mlp.to_arrays(agent.actor.optimizer.mean[2])
    for array, exact in zip(actor.values(), plain.actor_adam.m, strict=True):
        assert relative(array, exact.numpy()) < 1e-5


# Likelihood ratio and pathwise gradients agree -------------------------------------------------------


class SameRows:
    """In place of the replay stream: the same rows in order, for every run."""

    def __init__(self, runs: int) -> None:
        self.runs = runs

    def uniform(self, rows: int) -> torch.Tensor:
        return ((torch.arange(rows, dtype=torch.float64) + 0.5) / rows).expand(self.runs, rows)


def actor_gradients(**options: Any) -> np.ndarray:
    """The actor's gradient on one batch of 64, by 64 independent noises: (64, P) without padding."""
    chosen = setting(**options, batch_size=64, hidden_dim=16, num_hidden=1, activation="tanh", critic_lr=1e-12)
    agent = make_sac([chosen] * 64, range(64), 3, 1)
    for params in (agent.actor.params, agent.critic.params, agent.critic.target_params):
        params.copy_(params[..., :1, :].clone().expand_as(params))
    agent._replay_draws = SameRows(64)  # type: ignore[assignment]
    said = transitions(1, 64, 3) | {"action": normal32(64, 1, seed=4).numpy()}
    for t in range(64):
        agent.observe(Step(**{name: np.stack([values[t]] * 64) for name, values in said.items()}))
    agent.update()
    mean = agent.actor.optimizer.mean / (1 - chosen.betas[0])
    return np.stack([np.concatenate([a.ravel() for a in agent.actor.mlp.to_arrays(m).values()]) for m in mean])


@pytest.mark.parametrize("policy_type", ["SquashedGaussian", "Gaussian"])
@pytest.mark.parametrize("double_q", [True, False])
@pytest.mark.parametrize("baseline_actions", [0, 5])
def test_the_likelihood_ratio_gradient_is_the_pathwise_one_on_average(policy_type, double_q, baseline_actions):
    """Of every actor parameter. Welch's t over 64 noises each has some 70 degrees of freedom; over about 100
    parameters the limit has a false-alarm probability below 1e-6. The seeds are fixed.
    """
    common = {"policy_type": policy_type, "double_q": double_q, "alpha": 0.2, "num_samples": 64}
    pathwise = actor_gradients(**common)
    ratio = actor_gradients(**common, reparameterized=False, baseline_actions=baseline_actions)
    error = np.sqrt(pathwise.var(0, ddof=1) / 64 + ratio.var(0, ddof=1) / 64)
    t = np.abs(pathwise.mean(0) - ratio.mean(0)) / error
    assert t.max() < stats.t.isf(1e-6 / (2 * t.size), 63)
    # The comparison means something: the gradient is far larger than its error.
    assert np.linalg.norm(pathwise.mean(0)) > 10 * np.linalg.norm(error)


# What each hyperparameter does -----------------------------------------------------------------------

RATIO = {"reparameterized": False, "num_samples": 2}
TUNED = {"automatic_entropy_tuning": True, "alpha_lr": 1e-2}

CHANGES: list[tuple[str, dict[str, Any], Any]] = [
    *[("policy_type", {}, name) for name in BOX_POLICIES if name != "SquashedGaussian"],
    ("entropic_index", {"policy_type": "QGaussian"}, 1.0),
    ("entropic_index", {"policy_type": "QGaussian"}, 0.0),
    ("num_components", {"policy_type": "GaussianMixture"}, 3),
    ("num_components", {"policy_type": "Mixture"}, 3),
    ("component_policy", {"policy_type": "Mixture"}, "Beta"),
    ("entropic_index", {"policy_type": "Mixture", "component_policy": "QGaussian"}, 1.0),
    ("action_units", {}, "environment"),
    ("target_entropy", TUNED, -0.5),
    ("clip_before_scoring", {"policy_type": "Gaussian"}, True),
    ("scale_exponentiated_twice", {"policy_type": "Student"}, True),
    ("separate_batches", {}, True),
    ("critic_lr", {}, 2e-3),
    ("actor_lr_scale", {}, 0.5),
    ("alpha", {}, 0.5),
    ("alpha", TUNED, 0.5),
    ("automatic_entropy_tuning", {"alpha_lr": 1e-2}, True),
    ("alpha_lr", TUNED, 2e-2),
    ("tau", {}, 0.5),
    ("target_update_interval", {}, 2),
    ("batch_size", {}, 9),
    ("replay_capacity", {}, 9),
    ("num_hidden", {}, 1),
    ("hidden_dim", {}, 21),
    ("activation", {}, "tanh"),
    ("layer_norm", {}, True),
    ("weight_init", {}, "none"),
    ("weight_init", {}, "xavier_normal"),
    ("weight_init", {}, "uniform"),
    ("weight_init", {}, "normal"),
    ("weight_init", {}, "orthogonal"),
    ("clip_stddev", {}, 1.01),
    ("betas", {}, (0.8, 0.999)),
    ("betas", {}, (0.9, 0.99)),
    ("reparameterized", {}, False),
    ("num_samples", {}, 2),
    ("num_samples", RATIO, 3),
    ("baseline_actions", RATIO, 1),
    ("baseline_actions", RATIO | {"baseline_actions": 1}, 2),
    ("soft_q", {}, False),
    ("double_q", {}, False),
    ("learning_starts", {}, 15),
    ("normalize_observations", {}, True),
]


def learned(**options: Any) -> dict[str, np.ndarray]:
    """What one run has learned from 20 transitions that its actions do not change."""
    agent = make_sac([setting(**options)], [3], 3, 2)
    said = transitions(3, 20, 3) | {"action": normal32(20, 2, seed=5).numpy()}
    for t in range(20):
        agent.observe(Step(**{name: values[t : t + 1] for name, values in said.items()}))
        agent.update()
    return agent.learned_params(0)


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray], part: str = "") -> bool:
    return all(np.array_equal(a[name], b[name]) for name in a.keys() | b.keys() if name.startswith(part))


@pytest.mark.parametrize(("name", "base", "value"), CHANGES, ids=lambda x: str(x))
def test_every_hyperparameter_changes_what_is_learned(name, base, value):
    """And where it cannot change the critics' first gradient, the actor's parameters at least."""
    before, after = learned(**base), learned(**base | {name: value})
    differ = [k for k in before.keys() & after.keys() if not np.array_equal(before[k], after[k])]
    assert any(k.startswith("actor/") for k in differ)


def test_no_hyperparameter_is_left_out_of_the_test_above():
    """No two transitions above follow each other, so that n_step has a test of its own.

    The correlation of exploration changes only what an agent does (test_exploration).
    """
    elsewhere = {"cuda", "n_step", "exploration_correlation"}
    assert {name for name, _, _ in CHANGES} | elsewhere == set(SACHyperparameters.model_fields)


@pytest.mark.parametrize(
    ("base", "change"),
    [
        (RATIO, {"baseline_actions": -1}),
        ({}, {"baseline_actions": 3}),
        ({}, {"alpha_lr": 0.1}),
        ({}, {"target_entropy": -0.5}),
        (TUNED, {"target_entropy": -2.0}),
        ({"policy_type": "Mixture"}, {"component_policy": "SquashedGaussian"}),
        ({"policy_type": "Mixture"}, {"entropic_index": 1.0}),
        ({"clip_stddev": 0.0}, {"clip_stddev": -1.0}),
        ({"clip_stddev": 0.0}, {"clip_stddev": 1e30}),
    ],
    ids=str,
)
def test_settings_that_mean_the_same_learn_the_same(base, change):
    """-1 baseline actions are none; a baseline is nothing to a pathwise gradient, nor alpha_lr to a fixed alpha.

    The target entropy of two action dimensions is -2, and a mixture's components are squashed Gaussians, by default.
    """
    assert same(learned(**base), learned(**base | change))


def test_a_gaussians_clip_is_nothing_to_its_mean_network():
    """The greedy action depends on no sigma: two clips, one initialisation, one greedy action."""
    agent = make_sac([setting(clip_stddev=1.0), setting(clip_stddev=1000.0)], [4, 4], 3, 2)
    obs = np.ones((2, 3), np.float32)
    greedy, drawn = agent.act(obs, greedy=True), agent.act(obs)
    assert np.array_equal(greedy[0], greedy[1])
    assert not np.array_equal(drawn[0], drawn[1])


@pytest.mark.parametrize("name", POLICIES)
def test_the_registry_says_what_the_policies_say(name):
    """It imports no torch, so it repeats which have a pathwise gradient and which discrete actions."""
    entry, family = POLICIES[name], policy_class(name)
    assert (entry.pathwise, entry.discrete) == (family.pathwise, family.discrete)


@pytest.mark.parametrize("asked", [{}, {"reparameterized": True}, {"reparameterized": False}], ids=str)
def test_a_policy_without_a_pathwise_gradient_takes_the_likelihood_ratio(asked, monkeypatch):
    monkeypatch.setitem(POLICIES, "Laplace", POLICIES["Laplace"]._replace(pathwise=False))
    assert setting(policy_type="Laplace", **asked).model_dump()["reparameterized"] is False
    for policy_type in ("Student", "GaussianMixture", "Mixture"):
        assert setting(policy_type=policy_type, **asked).reparameterized == asked.get("reparameterized", True)


def test_a_gradient_cannot_be_asked_to_go_through_draws_that_have_none(monkeypatch):
    monkeypatch.setattr(policy_class("Laplace"), "pathwise", False)
    with pytest.raises(TypeError, match="Laplace"):
        train(make_sac([setting(policy_type="Laplace")], [1], 3, 2), 3, 1)


# Acting, evaluating, storing -------------------------------------------------------------------------


@pytest.mark.parametrize("policy_type", ["SquashedGaussian", "Gaussian"])
def test_greedy_actions_are_the_squashed_mean(policy_type):
    agent = make_sac([setting(policy_type=policy_type), setting(policy_type=policy_type)], [1, 2], 3, 2)
    obs = rng(1).standard_normal((2, 3), np.float32)
    action = agent.act(obs, greedy=True)
    for run in range(2):
        arrays = doubles(entries_under("actor/", agent.learned_params(run)))
        location = plain_forward(arrays, torch.from_numpy(obs[run]).double(), "relu")[:2].detach().numpy()
        expected = (HIGH + LOW) / 2 + (HIGH - LOW) / 2 * np.tanh(location)
        # Three float32 layers: see the network's tests.
        np.testing.assert_allclose(action[run], expected, atol=5e-6)


@pytest.mark.parametrize("policy_type", ["SquashedGaussian", "Gaussian"])
def test_actions_are_drawn_from_the_act_stream(policy_type):
    agent = make_sac([setting(policy_type=policy_type)], [7], 3, 2)
    draws, obs = Draws([7], "act"), rng(2).standard_normal((1, 3), np.float32)
    head, _ = agent.actor.forward(torch.from_numpy(obs).unsqueeze(1))
    for _ in range(5):
        drawn = agent.policy.sample(head, agent.policy.latent_noise(draws, 1, 1)).action[:, 0, 0]
        expected = 0.25 + 1.25 * agent.policy.executed_action(drawn).numpy()  # from [-1, 1] to [LOW, HIGH]
        np.testing.assert_array_equal(agent.act(obs), expected.clip(LOW, HIGH))


def test_neither_greedy_acting_nor_evaluation_moves_the_act_stream():
    obs = rng(3).standard_normal((2, 3), np.float32)
    plain, disturbed = (make_sac([setting()] * 2, [1, 2], 3, 2) for _ in range(2))
    for t in range(6):
        disturbed.act(obs, greedy=True)
        disturbed.begin_eval(t)
        disturbed.act_eval(obs, greedy=False)
        disturbed.act_eval(obs, greedy=True)
        np.testing.assert_array_equal(plain.act(obs), disturbed.act(obs))


def test_an_evaluations_draws_depend_on_its_timestep_only():
    obs = rng(4).standard_normal((1, 3), np.float32)
    agent = make_sac([setting()], [1], 3, 2)

    def drawn(timestep: int) -> list[list[float]]:
        agent.begin_eval(timestep)
        return [agent.act_eval(obs, greedy=False)[0].tolist() for _ in range(3)]

    first, other = drawn(100), drawn(200)
    assert first != other
    agent.begin_eval(100)
    agent.act_eval(obs, greedy=True)
    assert drawn(100) == first
    assert len({tuple(action) for action in first}) == 3


def test_learning_starts_with_the_first_full_batch():
    agent = make_sac([setting()], [1], 3, 2)
    said = transitions(1, 9, 3)
    for t in range(9):
        before = agent.learned_params(0)
        agent.observe(Step(action=np.zeros((1, 2), np.float32), **{n: v[t : t + 1] for n, v in said.items()}))
        metrics = agent.update()
        learning = t >= 7
        assert (set(metrics) == {"critic_loss", "actor_loss"}) == learning
        assert all(value.shape == (1,) for value in metrics.values())
        assert isinstance(agent.last_batch, Batch) == learning
        assert same(before, agent.learned_params(0)) != learning


@pytest.mark.parametrize("interval", [1, 3])
def test_targets_are_averaged_at_their_interval(interval):
    agent = make_sac([setting(target_update_interval=interval, tau=1.0)], [1], 3, 2)
    train(agent, 3, 1)
    for update in range(2, 8):
        before = agent.critic.target_params.clone()
        train_once(agent)
        if update % interval == 0:
            assert torch.equal(agent.critic.target_params, agent.critic.params)
        else:
            assert torch.equal(agent.critic.target_params, before)


def train_once(agent: SAC) -> None:
    """One more transition and update."""
    said = transitions(agent.updates, 1, 3)
    agent.observe(Step(action=np.zeros((1, 2), np.float32), **said))
    agent.update()


def test_targets_start_at_the_critics_and_twins_apart():
    params = make_sac([setting()], [1], 3, 2).learned_params(0)
    for c in (0, 1):
        assert all(
            np.array_equal(params[f"critic_{c}/{k}"], v) for k, v in entries_under(f"target_{c}/", params).items()
        )
    assert not np.array_equal(params["critic_0/weight_0"], params["critic_1/weight_0"])


# Learned parameters ----------------------------------------------------------------------------------


@pytest.mark.parametrize("double_q", [True, False])
def test_learned_params_are_named_shaped_and_not_padded(double_q):
    agent = make_sac([setting(double_q=double_q, weight_init="none")] * 2, [1, 2], 3, 2)
    train(agent, 3, 3)
    params = agent.learned_params(1)
    shapes = {f"actor/{k}": s for k, s in layer_shapes(3, 20, 4).items()}
    for c in range(2 if double_q else 1):
        shapes |= {f"{role}_{c}/{k}": s for role in ("critic", "target") for k, s in layer_shapes(5, 20, 1).items()}
    assert {name: array.shape for name, array in params.items()} == shapes | {"alpha": (1,)}
    assert all(array.dtype == np.float32 for array in params.values())
    assert all((array != 0).all() for name, array in params.items() if "weight" in name)
    assert params["alpha"] == np.float32(0.2)


def layer_shapes(in_dim: int, hidden: int, out_dim: int) -> dict[str, tuple[int, ...]]:
    sizes = [in_dim, hidden, hidden, out_dim]
    weights = {f"weight_{i}": (sizes[i], sizes[i + 1]) for i in range(3)}
    return weights | {f"bias_{i}": (sizes[i + 1],) for i in range(3)}


def test_learned_params_are_a_copy_of_the_runs_own():
    agent = make_sac([setting()] * 2, [1, 2], 3, 2)
    train(agent, 3, 2)
    first, second = agent.learned_params(0), agent.learned_params(1)
    copied = {name: array.copy() for name, array in first.items()}
    assert not same(first, second, "actor/")
    agent.actor.params += 1.0
    agent.critic.params += 1.0
    agent.critic.target_params += 1.0
    agent.alpha += 1.0
    assert same(first, copied)


# Refusals --------------------------------------------------------------------------------------------


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_a_gpu_that_is_not_there_is_an_error():
    with pytest.raises(ValueError, match="cuda"):
        make_sac([setting(cuda=True)], [1], 3, 2)


STRUCTURAL: dict[str, Any] = {
    "policy_type": "Gaussian",
    "entropic_index": 0.5,
    "num_components": 3,
    "component_policy": "Beta",
    "action_units": "environment",
    "target_update_interval": 2,
    "batch_size": 9,
    "replay_capacity": 50,
    "num_hidden": 1,
    "hidden_dim": 21,
    "activation": "tanh",
    "layer_norm": True,
    "n_step": 2,
    "betas": (0.5, 0.9),
    "reparameterized": False,
    "num_samples": 2,
    "baseline_actions": 2,
    "soft_q": False,
    "double_q": False,
    "cuda": True,
    "separate_batches": True,
    "clip_before_scoring": True,
    "scale_exponentiated_twice": True,
    "learning_starts": 15,
    "normalize_observations": True,
}

PER_RUN: dict[str, Any] = {
    "critic_lr": 1e-2,
    "actor_lr_scale": 0.1,
    "alpha": 0.7,
    "alpha_lr": 1e-2,
    "target_entropy": -0.5,
    "tau": 0.5,
    "weight_init": "orthogonal",
    "clip_stddev": 2.0,
    "exploration_correlation": 0.9,
}


@pytest.mark.parametrize("name", STRUCTURAL)
def test_structurally_different_settings_share_no_stack(name):
    with pytest.raises(ValueError, match="structural"):
        make_agent("SAC", [setting(), setting(**{name: STRUCTURAL[name]})], [1, 2], GAMMA, make_spaces(3, 2))


def test_tuned_and_fixed_temperatures_share_no_stack():
    with pytest.raises(ValueError, match="structural"):
        make_sac([setting(alpha_lr=0.1), setting(automatic_entropy_tuning=True, alpha_lr=0.1)], [1, 2], 3, 2)


def test_every_hyperparameter_is_structural_or_each_runs_own():
    assert {*STRUCTURAL, *PER_RUN, "automatic_entropy_tuning"} == set(SACHyperparameters.model_fields)


def test_an_unknown_agent_is_an_error():
    with pytest.raises(KeyError):
        make_agent("DQN", [setting()], [1], GAMMA, make_spaces(3, 2))


# Stacks ----------------------------------------------------------------------------------------------

STACKED = {
    "policy_type": ("SquashedGaussian", "Gaussian"),
    "double_q": (True, False),
    "automatic_entropy_tuning": (False, True),
    "dims": ((3, 1), (17, 6)),
    "hidden_dim": (64, 30),
    "batch_size": (32, 10),
    "activation": ("relu", "tanh"),
    "reparameterized": (True, False),
    "num_samples": (1, 3),
    "target_update_interval": (1, 2),
    "num_hidden": (2, 1),
}

VARIANTS = [{name: values[row[i]] for i, (name, values) in enumerate(STACKED.items())} for row in plackett_burman()]

MEMBERS = {2: (9, 4), 7: (12, 1, 4, 6, 2, 11, 9), 16: (15, 9, 13, 0, 11, 10, 1, 8, 7, 6, 5, 14, 3, 2, 12, 4)}
"""Which of 16 different runs stand in each slot of a stack of R; 4 and 9 are in all, at different slots."""


def member(i: int, options: dict[str, Any]) -> SACHyperparameters:
    """Run i's setting: everything that may differ inside a stack does."""
    return SACHyperparameters(
        **options,
        critic_lr=(1e-4, 1e-3, 1e-2)[i % 3],
        actor_lr_scale=(1.0, 0.1)[i % 2],
        alpha=(0.01, 0.2, 1.0, 0.5)[i % 4],
        alpha_lr=(1e-3, 1e-2)[i // 2 % 2],
        target_entropy=(None, -0.5, -3.0)[i % 3],
        tau=(0.005, 0.7, 1.0)[i // 3 % 3],
        clip_stddev=(1000.0, 0.0, 2.0, -1.0)[i // 4],
        weight_init=("xavier_uniform", "orthogonal", "none", "normal", "xavier_normal")[i % 5],
        replay_capacity=35,
        baseline_actions=2,
    )


def run_stack(members: tuple[int, ...], options: dict[str, Any]) -> tuple[SAC, list[dict[str, np.ndarray]]]:
    """Thirty updates of some runs on transitions of their own; the ring buffer wraps around."""
    (obs_dim, action_dim), rest = options["dims"], {k: v for k, v in options.items() if k != "dims"}
    agent = make_sac([member(i, rest) for i in members], [100 + i for i in members], obs_dim, action_dim)
    return agent, train(agent, obs_dim, 30)


@pytest.mark.parametrize("options", VARIANTS, ids=range(12))
def test_a_run_has_the_bits_it_has_alone(options):
    """What is learned, and every action on the way."""
    alone = {i: run_stack((i,), options) for i in (4, 9)}
    for members in MEMBERS.values():
        agent, history = run_stack(members, options)
        for i, (agent_alone, history_alone) in alone.items():
            slot = members.index(i)
            for found, expected in zip(history, history_alone, strict=True):
                np.testing.assert_array_equal(found["action"][slot], expected["action"][0])
            found, expected = agent.learned_params(slot), agent_alone.learned_params(0)
            for name in expected:
                np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
            assert all(np.isfinite(array).all() for array in expected.values())


@pytest.mark.parametrize("reparameterized", [True, False], ids=["pathwise", "likelihood ratio"])
@pytest.mark.parametrize("policy_type", BOX_POLICIES)
def test_every_policys_run_has_the_bits_it_has_alone(policy_type, reparameterized):
    """Twenty updates of one run alone, and as the fourth of five."""
    options = {"policy_type": policy_type, "reparameterized": reparameterized, "batch_size": 10, "hidden_dim": 30}
    members = (9, 12, 1, 4, 6)
    alone = make_sac([member(4, options)], [104], 3, 2)
    beside = make_sac([member(i, options) for i in members], [100 + i for i in members], 3, 2)
    history_alone, history = train(alone, 3, 20), train(beside, 3, 20)
    for found, expected in zip(history, history_alone, strict=True):
        assert all(np.array_equal(found[name][3], expected[name][0]) for name in expected)
    assert same(alone.learned_params(0), beside.learned_params(3))
    assert all(np.isfinite(array).all() for array in alone.learned_params(0).values())


@pytest.mark.parametrize("entropic_index", [-1.0, 1.0, 2.0])
def test_a_q_gaussians_run_has_the_bits_it_has_alone(entropic_index):
    options = SMALL_STACK | {"policy_type": "QGaussian", "entropic_index": entropic_index}
    alone = make_sac([member(4, options)], [104], 3, 2)
    beside = make_sac([member(9, options), member(4, options)], [109, 104], 3, 2)
    train(alone, 3, 20)
    train(beside, 3, 20)
    assert same(alone.learned_params(0), beside.learned_params(1))


@pytest.mark.parametrize("metric", ["critic_loss", "actor_loss"])
@pytest.mark.parametrize("options", VARIANTS[:3], ids=range(3))
def test_a_runs_metrics_have_the_bits_they_have_alone(options, metric):
    _, alone = run_stack((4,), options)
    for members in MEMBERS.values():
        _, history = run_stack(members, options)
        found = [float(step[metric][members.index(4)]) for step in history if metric in step]
        assert found == [float(step[metric][0]) for step in alone if metric in step]


def test_members_of_a_stack_differ():
    """Without this the tests above could pass on constants."""
    agent, _ = run_stack(MEMBERS[16], VARIANTS[0])
    assert len({agent.learned_params(slot)["actor/weight_0"].tobytes() for slot in range(16)}) == 16


def test_a_run_keeps_its_bits_beside_one_that_diverges():
    calm, wild = member(4, SMALL_STACK), member(4, SMALL_STACK).model_copy(update={"critic_lr": 1e38})
    alone, beside = make_sac([calm], [1], 3, 1), make_sac([wild, calm, wild], [2, 1, 3], 3, 1)
    train(alone, 3, 20)
    train(beside, 3, 20)
    assert not np.isfinite(beside.learned_params(0)["critic_0/weight_1"]).all()
    assert same(alone.learned_params(0), beside.learned_params(1))


SMALL_STACK: dict[str, Any] = {"batch_size": 10, "hidden_dim": 30}


# Learning what is known ------------------------------------------------------------------------------


@pytest.mark.parametrize("reparameterized", [True, False])
def test_a_gaussian_learns_the_soft_optimal_policy_of_a_bandit(reparameterized):
    """Reward -(a - 0.25)^2 ends every episode, so Q is the reward and the policy best for alpha = 0.05 is
    exp(Q / alpha), a normal of mean 0.25 and variance alpha / 2: sigma = 0.158. A policy that has grown
    far wider than the bounds has no way back, as all its draws are clipped; one seed in eight does so at first.
    """
    options = {"num_samples": 4, "baseline_actions": 8, "reparameterized": reparameterized, "double_q": False}
    chosen = setting(**options, policy_type="Gaussian", alpha=0.05, critic_lr=5e-3, batch_size=64, replay_capacity=1000)
    runs = 8
    agent = make_sac([chosen] * runs, range(runs), 1, 1)
    agent_obs, one, zero = np.ones((runs, 1), np.float32), np.ones(runs, np.float32), np.zeros(runs, np.float32)
    for t in range(1000):
        action = rng(t).uniform(LOW, HIGH, (runs, 1)).astype(np.float32)
        agent.observe(Step(agent_obs, action, -((action[:, 0] - 0.25) ** 2), agent_obs, one, zero))
    for _ in range(600):
        agent.update()
    head, _ = agent.actor.forward(torch.from_numpy(agent_obs).unsqueeze(1))
    draws = agent.policy.draw_latent(head, torch.tensor([0.0, 1.0]).view(1, 1, 2, 1))[:, 0, :, 0].numpy()
    draws = 0.25 + 1.25 * draws  # from [-1, 1] to [LOW, HIGH]
    mean, sigma = draws[:, 0], draws[:, 1] - draws[:, 0]
    # The critic is a small relu network, so a parabola of kinks: the middle of eight seeds.
    assert np.median(mean) == pytest.approx(0.25, abs=0.05)
    assert np.median(sigma) == pytest.approx(math.sqrt(0.05 / 2), rel=0.15)
