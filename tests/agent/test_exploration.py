"""Uniform actions in the first steps, and noise that is correlated in time: by value, in any stack, resumed."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr, ndtri

from agent import AGENTS, make_agent
from agent.actor_critic_hyperparameters import SACHyperparameters
from agent.exploration import LARGEST_UNIFORM, CorrelatedDraws
from agent.policy import POLICIES
from tests.support.reference import LOW, make_box, make_sac, make_spaces, train, transitions
from utils.core.random_streams import Draws, make_generator
from utils.core.transition import Step

RHO = 0.9
SEEDS = range(4000)
"""Runs, which are independent of each other."""

FEW = range(800)
"""Runs of an agent, whose networks take time."""

LEVEL = 1e-7
"""False-alarm probability of one comparison; each test makes at most six."""

BOX_POLICIES = [name for name, entry in POLICIES.items() if not entry.discrete]


def sequence(kind: str, rho: float, steps: int) -> np.ndarray:
    """Numbers of every run at each step, (steps, R)."""
    draws = CorrelatedDraws(SEEDS, "act", [rho] * len(SEEDS))
    return np.stack([getattr(draws, kind)(1).numpy()[:, 0].copy() for _ in range(steps)])


def normal_scores(kind: str, numbers: np.ndarray) -> np.ndarray:
    return ndtri(numbers) if kind == "uniform" else numbers


# Correlated noise ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_the_process_by_hand(kind):
    """z_0 = xi_0, z_t = rho z_{t-1} + sqrt(1 - rho^2) xi_t, with the innovations of the stream itself."""
    plain, correlated = Draws([3, 4], "act"), CorrelatedDraws([3, 4], "act", [0.6, 0.8])
    level = None
    for _ in range(50):
        innovation = normal_scores(kind, getattr(plain, kind)(2, 3).numpy().astype(np.float64))
        rho = np.array([0.6, 0.8]).reshape(2, 1, 1)
        level = innovation if level is None else rho * level + np.array([0.8, 0.6]).reshape(2, 1, 1) * innovation
        found = getattr(correlated, kind)(2, 3).numpy()
        expected = ndtr(level) if kind == "uniform" else level
        np.testing.assert_allclose(found, expected, rtol=1e-12 if kind == "uniform" else 1e-6, atol=1e-6)
        assert found.dtype == (np.float64 if kind == "uniform" else np.float32)


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_each_number_has_the_distribution_of_an_independent_one(kind):
    """Kolmogorov and Smirnov's test over the runs, at the first step, the second, and after many."""
    numbers = sequence(kind, RHO, 60)
    for step in (0, 1, 59):
        assert stats.kstest(numbers[step], "norm" if kind == "normal" else "uniform").pvalue > LEVEL
    assert numbers.min() >= (0.0 if kind == "uniform" else -math.inf)
    assert numbers.max() < (1.0 if kind == "uniform" else math.inf)


@pytest.mark.parametrize("kind", ["normal", "uniform"])
@pytest.mark.parametrize("lag", [1, 5, 20])
def test_the_autocorrelation_is_rho_to_the_lag(kind, lag):
    """Over the runs; Fisher's transform of a correlation r of n pairs has variance 1 / (n - 3)."""
    scores = normal_scores(kind, sequence(kind, RHO, 25))
    for first in (0, 4):
        r = np.corrcoef(scores[first], scores[first + lag])[0, 1]
        deviation = (math.atanh(r) - math.atanh(RHO**lag)) * math.sqrt(len(SEEDS) - 3)
        assert abs(deviation) < stats.norm.isf(LEVEL / 2)


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_without_correlation_every_bit_is_that_of_the_stream(kind):
    """Alone, and next to a run whose noise is correlated."""
    plain, alone, mixed = (
        Draws([3], "act"),
        CorrelatedDraws([3], "act", [0.0]),
        CorrelatedDraws([9, 3], "act", [0.5, 0]),
    )
    for _ in range(50):
        expected = getattr(plain, kind)(1, 2).numpy()
        np.testing.assert_array_equal(getattr(alone, kind)(1, 2).numpy(), expected)
        np.testing.assert_array_equal(getattr(mixed, kind)(1, 2).numpy()[1:], expected)


def test_uniform_numbers_stay_below_one():
    draws = CorrelatedDraws([1], "act", [0.5])
    draws._advance(np.full((1, 1), 40.0))
    assert draws.uniform(1).item() == LARGEST_UNIFORM


def sac(members: list[int], **options: Any):
    """A stack of SAC whose run m has the correlation m / 10."""
    settings = [
        SACHyperparameters(batch_size=8, hidden_dim=16, exploration_correlation=m / 10, **options) for m in members
    ]
    return make_sac(settings, members, 3, 2)


def actions(agent, first: int, steps: int) -> np.ndarray:
    """Actions (steps, R, A) of runs that learn from transitions of their own."""
    found = []
    outputs = [transitions(seed, first + steps, 3) for seed in agent.random_seeds]
    for t in range(first, first + steps):
        step = {name: np.stack([run[name][t] for run in outputs]) for name in outputs[0]}
        action = agent.act(step["obs"])
        agent.observe(Step(action=action, **step))
        agent.update()
        found.append(action)
    return np.stack(found)


@pytest.mark.parametrize("policy_type", BOX_POLICIES)
def test_a_run_has_the_same_bits_in_every_stack(policy_type):
    alone = {m: actions(sac([m], policy_type=policy_type), 0, 20)[:, 0] for m in (0, 5, 9)}
    for members in ([9, 0, 5], [5, 9, 3, 2, 1, 0, 7]):
        stack = actions(sac(members, policy_type=policy_type), 0, 20)
        for m, expected in alone.items():
            np.testing.assert_array_equal(stack[:, members.index(m)], expected)


@pytest.mark.parametrize("policy_type", ["SquashedGaussian", "Laplace"])
@pytest.mark.parametrize("options", [{}, {"learning_starts": 15}], ids=["", "in the warm-up"])
def test_runs_resume_exactly_in_other_stacks(policy_type, options):
    """Three runs, of which one is not correlated, go on as one and as two, in another order."""
    options = options | {"policy_type": policy_type}
    original = sac([9, 0, 5], **options)
    actions(original, 0, 12)
    states = copy.deepcopy(original.run_states())
    expected = actions(original, 12, 10)
    for members in ([0], [5], [5, 9], [0, 9]):
        other = sac(members, **options)
        other.load_run_states([states[[9, 0, 5].index(m)] for m in members])
        found = actions(other, 12, 10)
        for slot, m in enumerate(members):
            np.testing.assert_array_equal(found[:, slot], expected[:, [9, 0, 5].index(m)])


def test_updates_and_evaluations_draw_independently():
    """On transitions that actions do not change, the correlation changes nothing but the actions."""
    plain, correlated = (make_sac([SACHyperparameters(batch_size=8, exploration_correlation=rho)], [3], 3, 2)
                         for rho in (0.0, 0.9))  # fmt: skip
    obs = transitions(3, 30, 3)["obs"]
    for t in range(30):
        step = {name: values[t : t + 1] for name, values in transitions(3, 30, 3).items()}
        drawn = [agent.act(obs[t : t + 1]) for agent in (plain, correlated)]
        assert np.array_equal(drawn[0], drawn[1]) == (t == 0)
        for agent in (plain, correlated):
            agent.observe(Step(action=np.zeros((1, 2), np.float32), **step))
            agent.update()
            agent.begin_eval(t)
        evaluated = [agent.act_eval(obs[t : t + 1], greedy=False) for agent in (plain, correlated)]
        np.testing.assert_array_equal(evaluated[0], evaluated[1])
    for name, array in plain.learned_params(0).items():
        np.testing.assert_array_equal(array, correlated.learned_params(0)[name], err_msg=name)


def test_discrete_actions_are_repeated_and_keep_their_probabilities():
    """At one step, many runs' actions are distributed as independent draws; successive ones agree more often."""
    model: Any = AGENTS["SACDiscrete"].hyperparameters
    found = {}
    for rho in (0.0, RHO):
        settings = [model(hidden_dim=8, exploration_correlation=rho)] * len(FEW)
        agent = make_agent("SACDiscrete", settings, FEW, 0.9, make_spaces_discrete())
        agent.actor.params[:] = agent.actor.params[0]
        obs = np.zeros((len(FEW), 3), np.float32)
        found[rho] = np.stack([agent.act(obs)[:, 0] for _ in range(12)])
    counts = np.array([[(steps == a).sum() for a in range(3)] for steps in (found[0.0][11], found[RHO][11])])
    assert stats.chi2_contingency(counts).pvalue > LEVEL
    repeated = {rho: (steps[10] == steps[11]).mean() for rho, steps in found.items()}
    assert repeated[RHO] > repeated[0.0] + 0.2


def make_spaces_discrete():
    spaces = make_spaces(3, 1)
    return type(spaces)(spaces.obs_low, spaces.obs_high, 3)


# The first steps -------------------------------------------------------------------------------------


def test_the_first_actions_are_uniform_numbers_of_their_own_stream_and_nothing_is_learned():
    """Bounds [-1, 1.5]; the step after the first ones has the policy's first action, and is followed by an update."""
    warm, plain = (make_sac([SACHyperparameters(batch_size=4, learning_starts=n)], [5], 3, 2) for n in (10, 0))
    before = warm.learned_params(0)
    uniforms = make_generator(5, "warm_up").random((10, 2))
    outputs = transitions(5, 11, 3)
    for t in range(11):
        step = {name: values[t : t + 1] for name, values in outputs.items()}
        if t == 10:
            np.testing.assert_array_equal(warm.act(step["obs"]), plain.act(step["obs"]))
        else:
            np.testing.assert_array_equal(warm.act(step["obs"])[0], (LOW + 2.5 * uniforms[t]).astype(np.float32))
        warm.observe(Step(action=np.zeros((1, 2), np.float32), **step))
        assert bool(warm.update()) == (t == 10)
        if t < 10:
            for name, array in warm.learned_params(0).items():
                np.testing.assert_array_equal(array, before[name], err_msg=name)
    assert warm.updates == 1


def test_evaluations_use_the_policy_in_the_first_steps_too():
    warm, plain = (make_sac([SACHyperparameters(batch_size=4, learning_starts=n)], [5], 3, 2) for n in (10, 0))
    obs = transitions(5, 1, 3)["obs"]
    for greedy in (True, False):
        np.testing.assert_array_equal(warm.act_eval(obs, greedy), plain.act_eval(obs, greedy))
    np.testing.assert_array_equal(warm.act(obs, greedy=True), plain.act(obs, greedy=True))


@pytest.mark.parametrize("name", ["SAC", "GreedyACDiscrete"])
def test_uniform_actions_are_those_of_the_random_agent(name):
    """With its own stream instead of the warm-up's, by distribution: the first actions of many runs."""
    model: Any = AGENTS[name].hyperparameters
    discrete = name.endswith("Discrete")
    spaces = make_spaces_discrete() if discrete else make_spaces(3, 2)
    agent = make_agent(name, [model(learning_starts=5, hidden_dim=8)] * len(FEW), FEW, 0.9, spaces)
    drawn = agent.act(np.zeros((len(FEW), 3), np.float32))
    if discrete:
        counts = [(drawn[:, 0] == a).sum() for a in range(3)]
        assert sum(counts) == len(FEW)
        assert stats.chisquare(counts).pvalue > LEVEL
    else:
        box = make_box(2)
        for d in range(2):
            low, high = float(box.low[d]), float(box.high[d])
            assert stats.kstest(drawn[:, d], "uniform", (low, high - low)).pvalue > LEVEL


def test_a_warm_up_is_the_same_in_every_stack():
    alone = train(sac([5], learning_starts=12), 3, 15)
    stack = train(sac([9, 5, 0], learning_starts=12), 3, 15)
    for a, b in zip(alone, stack, strict=True):
        np.testing.assert_array_equal(a["action"][0], b["action"][1])
