"""An agent rebuilt from what another learned acts as that one does, bit for bit, alone and in any slot."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agent import AGENTS, make_agent
from agent.base import Spaces
from agent.policy.base import ActionBox
from utils.core.transition import Step

OBS, RUNS, GAMMA = 4, 3, 0.9
BOX = ActionBox(torch.tensor([-1.0, 0.0]), torch.tensor([2.0, 1.0]))
ACTOR_CRITIC = {"batch_size": 8, "hidden_dim": 17}

CASES = [
    ("SAC", BOX, ACTOR_CRITIC),
    ("SAC", BOX, ACTOR_CRITIC | {"double_q": False, "automatic_entropy_tuning": True, "alpha_lr": 0.01}),
    ("GreedyAC", BOX, ACTOR_CRITIC | {"policy_type": "Beta", "num_hidden": 1, "activation": "tanh"}),
    ("VAC", BOX, ACTOR_CRITIC | {"policy_type": "Gaussian", "normalize_observations": True}),
    ("SACDiscrete", 3, ACTOR_CRITIC | {"double_q": False, "layer_norm": True}),
    ("GreedyACDiscrete", 3, ACTOR_CRITIC),
    ("VACDiscrete", 3, ACTOR_CRITIC),
    ("linearAC", BOX, {"tiles": 3}),
    ("linearAC_softmax", 3, {"tiles": 3}),
    ("Random", BOX, {}),
]

each_case = pytest.mark.parametrize(("name", "action", "options"), CASES, ids=lambda x: x if isinstance(x, str) else "")


def make(name, action, options, seeds):
    spaces = Spaces(np.full(OBS, -3.0, np.float32), np.full(OBS, 3.0, np.float32), action)
    return make_agent(name, [AGENTS[name].hyperparameters(**options)] * len(seeds), seeds, GAMMA, spaces)


def observations(rows: int, seed: int) -> np.ndarray:
    """(rows, O) float32."""
    return np.random.Generator(np.random.PCG64(seed)).standard_normal((rows, OBS)).astype(np.float32)


def learn(agent, steps: int = 30) -> None:
    """On random transitions."""
    for t in range(steps):
        obs, next_obs = observations(RUNS, 2 * t), observations(RUNS, 2 * t + 1)
        over = np.zeros(RUNS, np.float32)
        agent.observe(Step(obs, agent.act(obs), obs[:, 0].copy(), next_obs, over, over))
        agent.update()


def test_every_agent_is_tested():
    assert {name for name, *_ in CASES} == set(AGENTS)


@each_case
@pytest.mark.parametrize("greedy", [True, False], ids=["mode", "sample"])
def test_a_rebuilt_agent_acts_bit_for_bit_as_the_one_that_learned(name, action, options, greedy):
    seeds = [5, 6, 7]
    learned = make(name, action, options, seeds)
    learn(learned)
    learned.begin_eval(30)
    obs = [observations(RUNS, 100 + t) for t in range(20)]
    expected = np.stack([learned.act_eval(o, greedy) for o in obs])
    for run, seed in enumerate(seeds):
        rebuilt = make(name, action, options, [seed])
        rebuilt.load_learned_params(learned.learned_params(run), 0)
        rebuilt.begin_eval(30)
        found = np.stack([rebuilt.act_eval(o[run : run + 1], greedy) for o in obs])
        np.testing.assert_array_equal(found[:, 0].view(np.uint32), expected[:, run].view(np.uint32))


@each_case
def test_what_was_loaded_is_given_back_and_the_other_slots_are_left_alone(name, action, options):
    learned, other = make(name, action, options, [5, 6, 7]), make(name, action, options, [8, 9])
    learn(learned)
    before, given = other.learned_params(0), learned.learned_params(2)
    other.load_learned_params(given, 1)
    for expected, found in ((before, other.learned_params(0)), (given, other.learned_params(1))):
        assert expected.keys() == found.keys()
        for key in expected:
            np.testing.assert_array_equal(found[key], expected[key], err_msg=key)


def test_padding_stays_zero():
    """17 units are held as 32: the flat parameters are again those of the agent that learned."""
    learned, rebuilt = make("SAC", BOX, ACTOR_CRITIC, [5, 6, 7]), make("SAC", BOX, ACTOR_CRITIC, [1])
    learn(learned)
    rebuilt.actor.params.fill_(1.0)
    rebuilt.load_learned_params(learned.learned_params(1), 0)
    assert torch.equal(rebuilt.actor.params[0], learned.actor.params[1])


@pytest.mark.parametrize(("name", "action", "options"), [CASES[i] for i in (0, 2, 3, 4, 7, 8)], ids=lambda _: "")
def test_arrays_that_do_not_fit_are_refused(name, action, options):
    agent = make(name, action, options, [0])
    for key, array in agent.learned_params(0).items():
        if key == "avg_reward" or key == "alpha":
            continue
        whole = agent.learned_params(0)
        with pytest.raises(KeyError):
            agent.load_learned_params({k: v for k, v in whole.items() if k != key}, 0)
        with pytest.raises(ValueError, match=r"shape|features"):
            agent.load_learned_params(whole | {key: array[:-1]}, 0)
