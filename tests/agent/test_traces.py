"""Tests of dense and sparse traces: by hand, and against each other bit by bit."""

from __future__ import annotations

import numpy as np
import pytest

from agent.linear.traces import DROP_INTERVAL, NEGLIGIBLE, DenseTraces, SparseTraces

KINDS = [DenseTraces, SparseTraces]


@pytest.mark.parametrize("kind", KINDS)
def test_by_hand(kind):
    traces = kind(heads=1, runs=2, features=3)
    decay, index = np.array([0.5, 0.25]), np.array([[0], [3 + 2]])
    traces.accumulate(decay, index, np.array([[[1.0], [4.0]]]))
    traces.accumulate(decay, np.array([[1], [3 + 2]]), np.array([[[3.0], [5.0]]]))
    np.testing.assert_array_equal(traces.to_dense(), [[[0.5, 3.0, 0.0], [0.0, 0.0, 6.0]]])
    weights = np.ones((1, 6))
    traces.apply(weights, np.array([[2.0, -1.0]]))
    np.testing.assert_array_equal(weights, [[2.0, 7.0, 1.0, 1.0, 1.0, -5.0]])
    traces.clear(np.array([False, True]))
    np.testing.assert_array_equal(traces.to_dense(), [[[0.5, 3.0, 0.0], [0.0, 0.0, 0.0]]])


def test_dense_and_sparse_traces_agree_in_every_bit():
    heads, runs, features, active = 3, 4, 500, 8
    rng = np.random.Generator(np.random.PCG64(0))
    pair = [kind(heads, runs, features) for kind in KINDS]
    weights = [np.zeros((heads, runs * features)) for _ in KINDS]
    decay = np.array([0.99, 0.5, 1.0, 0.0])
    for _ in range(300):
        feature = np.stack([rng.choice(features, active, replace=False) for _ in range(runs)])
        index = feature + np.arange(runs)[:, None] * features
        grad, step = rng.standard_normal((heads, runs, active)), rng.standard_normal((heads, runs))
        ended = rng.random(runs) < 0.005
        for traces, w in zip(pair, weights, strict=True):
            traces.accumulate(decay, index, grad)
            traces.apply(w, step)
            traces.clear(ended)
        np.testing.assert_array_equal(*(traces.to_dense() for traces in pair))
    np.testing.assert_array_equal(weights[0], weights[1])


@pytest.mark.parametrize("kind", KINDS)
def test_negligible_traces_are_dropped(kind):
    traces = kind(1, 1, 10)
    for t in range(DROP_INTERVAL):
        traces.accumulate(np.array([0.5]), np.array([[0 if t == 0 else 1]]), np.ones((1, 1, 1)))
    assert 0.5 ** (DROP_INTERVAL - 2) < NEGLIGIBLE
    e = traces.to_dense()[0, 0]
    assert e[0] == 0.0
    assert e[1] == pytest.approx(2.0)
