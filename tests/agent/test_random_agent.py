"""The random agent is uniform over what the environment takes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from agent import make_agent
from agent.base import Spaces
from agent.hyperparameters import RandomHyperparameters
from agent.policy.base import ActionBox

LOW, HIGH = [-2.0, 5.0], [1.0, 5.5]
OBS = np.zeros((2, 1), np.float32)


def make(action, seeds=(0, 1)):
    return make_agent("Random", [RandomHyperparameters()] * len(seeds), seeds, 0.9, Spaces(OBS[0], OBS[0], action))


@pytest.mark.parametrize("greedy", [False, True])
def test_uniform_over_the_box(greedy):
    agent = make(ActionBox(torch.tensor(LOW), torch.tensor(HIGH)))
    actions = np.stack([agent.act_eval(OBS, greedy) for _ in range(3000)])
    assert actions.dtype == np.float32
    for run in range(2):
        for i, (low, high) in enumerate(zip(LOW, HIGH, strict=True)):
            assert ((actions[:, run, i] >= low) & (actions[:, run, i] <= high)).all()
            assert stats.kstest(actions[:, run, i], stats.uniform(low, high - low).cdf).pvalue > 1e-3


def test_uniform_over_indices():
    agent = make(5)
    actions = np.stack([agent.act(OBS) for _ in range(3000)])
    assert actions.shape == (3000, 2, 1)
    for run in range(2):
        values, counts = np.unique(actions[:, run], return_counts=True)
        np.testing.assert_array_equal(values, np.arange(5))
        assert stats.chisquare(counts).pvalue > 1e-3


def test_a_run_draws_the_same_beside_any_other():
    alone, beside = make(5, seeds=(7,)), make(5, seeds=(1, 7))
    for _ in range(20):
        assert alone.act(OBS[:1])[0] == beside.act(OBS)[1]


def test_nothing_is_learned():
    agent = make(5)
    assert agent.update() == {}
    assert agent.learned_params(0) == {}
