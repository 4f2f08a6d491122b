"""Tests of the linear agents' policies: limits of sigma, and scores against finite differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from agent.hyperparameters import LinearACHyperparameters
from agent.linear.linear_policy import GaussianHeads, SoftmaxHeads


def test_clip_stddev_limits_sigma():
    settings = [LinearACHyperparameters(clip_stddev=clip) for clip in (2.0, 0.0, 2.0)]
    heads = GaussianHeads(1, settings)
    _, sigma = heads.parameters(np.array([[0.0] * 3, [9.0, 9.0, -9.0]]))
    np.testing.assert_allclose(sigma, [[2.0, math.exp(9.0), 0.5]])
    with pytest.raises(ValueError, match=r"clip_stddev is 0\.5; allowed: at least 1, or <= 0"):
        LinearACHyperparameters(clip_stddev=0.5)


def differences(log_prob: Any, head: np.ndarray) -> np.ndarray:
    """Return central differences of log_prob(head (H,)) by each head."""
    steps = np.eye(len(head)) * 1e-5
    return np.array([(log_prob(head + h) - log_prob(head - h)) / 2e-5 for h in steps])


def test_the_gaussians_score_is_the_gradient_of_its_log_density():
    settings = [LinearACHyperparameters(scaled=scaled) for scaled in (False, True)]
    heads = GaussianHeads(2, settings)
    head, action = np.array([0.3, -1.0, 0.4, -0.7]), np.array([1.5, -0.8])

    def log_prob(h: np.ndarray) -> float:
        return stats.norm(h[:2], np.exp(h[2:])).logpdf(action).sum()

    score = heads.score(heads.parameters(np.stack([head] * 2, 1)), np.stack([action] * 2, 1))
    expected = differences(log_prob, head)
    np.testing.assert_allclose(score[:, 0], expected, rtol=1e-7)
    np.testing.assert_allclose(score[:, 1], expected * np.tile(np.exp(2 * head[2:]), 2), rtol=1e-7)


@pytest.mark.parametrize("action", [0, 1, 2])
def test_the_softmaxs_score_is_the_gradient_of_its_log_probability(action):
    heads, head = SoftmaxHeads(3), np.array([0.3, -1.0, 2.0])
    score = heads.score(heads.parameters(head[:, None]), np.array([[action]]))[:, 0]
    np.testing.assert_allclose(score, differences(lambda h: h[action] - np.log(np.exp(h).sum()), head), rtol=1e-7)
